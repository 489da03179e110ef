"""What the bench asks: its world, its floors in plain `sqlite3`."""
