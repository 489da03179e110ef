"""The use cases: check the right, load, decide, save; one transaction each. They know no web framework."""
