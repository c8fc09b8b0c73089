"""What of FleetService is more than a fan-out."""
