"""The frame of diagnosis: points taken, answered, covered, reported."""
