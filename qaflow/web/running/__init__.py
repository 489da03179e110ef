"""Pages of the running program: operations, metrics, probes."""
