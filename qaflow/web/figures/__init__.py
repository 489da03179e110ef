"""Pages of what is seen: overview, charts, portraits, comparisons."""
