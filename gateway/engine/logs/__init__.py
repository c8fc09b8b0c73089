"""A container's log: read, followed to a true end, shared, and resumed from the very entry."""
