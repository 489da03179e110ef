"""Pages of one's own account: profile, tokens, calendar, second factor, how one is told."""
