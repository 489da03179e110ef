"""Pages of the audit, samples and freezes."""
