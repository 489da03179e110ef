"""The bench: W1, W2, W3 and the audit, each beside its floors in the same run (see benchmarks/README.md)."""
