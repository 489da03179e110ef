"""Pages of the frame of diagnosis."""
