"""The log and the metrics of the gateway."""
