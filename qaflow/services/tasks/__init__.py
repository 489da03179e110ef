"""Tasks of the year: the list, the month grid, the one page."""
