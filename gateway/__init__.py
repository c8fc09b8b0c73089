"""The dockfleet gateway: one gRPC endpoint for many Docker hosts."""

import os

# The gateway forks only to run commands of ssh configurations, never Python, so gRPC's fork handlers are not needed.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
