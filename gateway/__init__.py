"""The dockfleet gateway: one gRPC door in front of many Docker hosts."""

import os

# The children that we start are commands of ssh configurations, never Python: gRPC's care for forks would make noise.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
