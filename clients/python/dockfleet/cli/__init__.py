"""The command line client.

Each verb is in a module that is imported when it is used: the help of the program and the completion of names start
without gRPC.
"""

from __future__ import annotations

import os


def main() -> None:
    """Run the program `dockfleet`."""
    # gRPC's log would mix with our output.  gRPC reads this variable when it is imported.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        from dockfleet.cli.program import dockfleet
    except ModuleNotFoundError as error:
        raise SystemExit(f"dockfleet: {error}: pip install 'dockfleet[cli]'") from None

    dockfleet(prog_name="dockfleet")
