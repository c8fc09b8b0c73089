"""What a user configures: settings, and how they are read."""
