"""The command line client."""

from __future__ import annotations

import os


def main() -> None:
    """Run the program `dockfleet`."""
    # gRPC's log would mix with our output.  gRPC reads this variable when it is imported.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from dockfleet.commands import dockfleet

    dockfleet()
