"""Definitions: published, uploaded, loaded with their college."""
