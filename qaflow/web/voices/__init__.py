"""Pages of self-tests and quality incidents."""
