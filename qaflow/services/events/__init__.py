"""What is told outside: the stream of events, webhooks, private calendars, logs for mining."""
