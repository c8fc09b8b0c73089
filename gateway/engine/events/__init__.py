"""A host's events: one subscription for all who watch."""
