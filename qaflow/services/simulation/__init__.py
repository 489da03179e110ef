"""The simulated teaching year of the demo: invented people who act through the same services as real ones."""
