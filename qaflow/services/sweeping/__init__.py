"""The tick and what it does: what is due is advanced, escalated, read late, and handed over."""
