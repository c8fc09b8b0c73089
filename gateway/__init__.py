"""The dockfleet gateway: one gRPC door in front of many Docker hosts."""
