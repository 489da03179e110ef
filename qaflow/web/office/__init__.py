"""Pages of the quality office."""
