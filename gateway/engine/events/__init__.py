"""The events of a host: one subscription for all watchers."""
