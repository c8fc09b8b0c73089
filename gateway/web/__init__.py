"""The HTTP front end: one listener, with a table of pages."""
