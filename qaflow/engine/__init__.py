"""The pure core: values in, facts out. No framework, no SQL, no clock, no randomness."""
