"""The world of the rights: two colleges, everybody who could ask, and cycles in every situation."""
