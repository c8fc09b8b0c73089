"""The gateway's log and metrics."""
