"""Pages of control points and readings."""
