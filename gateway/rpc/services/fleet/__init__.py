"""The RPCs of FleetService that are more than a fan-out."""
