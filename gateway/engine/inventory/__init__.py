"""The inventory: a copy of a host's objects in memory, kept up to date, from which the gateway answers lists."""
