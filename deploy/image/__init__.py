"""Builds the container image of the gateway from Debian's packages and locked wheels: `make image`."""
