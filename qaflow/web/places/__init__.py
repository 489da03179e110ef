"""Pages of the organisation: units, subjects, people, the calendar."""
