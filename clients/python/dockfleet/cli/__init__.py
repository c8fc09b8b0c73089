"""The command line client.

Each verb is in a module that is imported when it is used: the help of the program and the completion of names start
without gRPC.
"""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Run the program `dockfleet`."""
    _open_closed_streams()
    if os.environ.get("_DOCKFLEET_COMPLETE"):
        _complete()
    else:
        _run()


def _complete() -> None:
    """Print what can follow.  A user waits for it: what Python does at its end is left out, and its collector."""
    gc.disable()
    try:
        _run()
    except SystemExit as end:
        sys.stdout.flush()
        os._exit(end.code if isinstance(end.code, int) else 1)


def _run() -> None:
    # gRPC's log would mix with our output.  gRPC reads this variable when it is imported.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        try:
            from dockfleet.cli.program import dockfleet
        except ModuleNotFoundError as error:
            raise SystemExit(f"dockfleet: {error}: pip install 'dockfleet[cli]'") from None
        dockfleet(prog_name="dockfleet")
    except KeyboardInterrupt:  # during the imports, or a completion
        raise SystemExit(130) from None  # as a shell reports Ctrl-C


def _open_closed_streams() -> None:
    """Give this program the standard streams that it was started without: gRPC's own files would take their numbers."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))
