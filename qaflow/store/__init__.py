"""All SQL lives here, one module an aggregate; whoever imports any of it has all tables known."""

from qaflow.store import tables

__all__ = ["tables"]
