"""Pages of the chains of goals and standards."""
