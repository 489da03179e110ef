"""Goals and standards linked across the layers."""
