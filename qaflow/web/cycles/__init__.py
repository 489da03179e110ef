"""One cycle's pages: the 8, its records, the stage's form, its acts and warnings."""
