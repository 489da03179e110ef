"""Pages of the tasks of the year."""
