"""Pages of one's own desk: start, inbox, kept filters, escalations."""
