"""The metrics of containers: their names, and how they are written for Prometheus."""
