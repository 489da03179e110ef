"""Control points and readings: limits by day, breaches, what comes in."""
