"""Files that people hand in and take away: read cell by cell, imported all or nothing, every fault with its place."""
