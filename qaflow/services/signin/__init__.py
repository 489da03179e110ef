"""Signing in by the campus and proving oneself anew."""
