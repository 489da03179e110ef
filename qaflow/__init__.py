"""qaflow: the two-loop quality spirals of a college as persisted, provable state machines."""

__version__ = "0.1.0"
