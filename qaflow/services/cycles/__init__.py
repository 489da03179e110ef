"""One cycle's life: acts, its page's read side, evidence, warnings, and how cycles begin and follow one another."""
