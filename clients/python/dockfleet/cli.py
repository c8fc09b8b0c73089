"""The command line client."""

from __future__ import annotations

import os


def main() -> None:
    """Run the program `dockfleet`."""
    # gRPC's own log would stand between the lines of ours.  It reads this when it is imported, and only then.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from dockfleet.commands import dockfleet

    dockfleet()
