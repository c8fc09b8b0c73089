"""The resource usage of containers: one stream of samples for all readers."""
