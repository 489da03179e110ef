"""What lies on a person's desk: the inbox, kept filters, escalations."""
