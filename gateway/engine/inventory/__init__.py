"""What the gateway remembers of a host's objects, so that it need not ask for each answer."""
