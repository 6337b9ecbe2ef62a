"""A judge of MPPS messages that shares nothing with the package: its own copy of the tables, its own rules."""
