"""The use of resources by containers: one stream of samples for all who look."""
