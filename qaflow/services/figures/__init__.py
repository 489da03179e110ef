"""What is seen: overviews, portraits, comparisons, statistics."""
