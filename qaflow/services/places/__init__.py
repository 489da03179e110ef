"""The organisation and its time: units, subjects, the calendar."""
