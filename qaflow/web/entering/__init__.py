"""Pages of signing in: by password, by code, by the campus."""
