"""How the command line client ends: what it says of failures, and with which exit code."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Any

import click
import grpc

from dockfleet.errors import DockfleetError
from dockfleet.table import printable

NOT_RUN = 125  # as `docker run` and `env` report that it is not the command that failed
INTERRUPTED = 130  # as a shell reports Ctrl-C
PIPE_BROKEN = 141  # as a shell reports a program whose reader is gone

REMEDIES = {
    "UNKNOWN_HOST": "`dockfleet hosts` lists those there are",
    "UNAUTHENTICATED": "the gateway requires a client certificate: see --tls-cert and --tls-key",
    "BAD_RESUME_TOKEN": "a gateway takes those of before its restart when it has a --resume-key",
    "UNIMPLEMENTED": "the gateway may be older than this client",
    "HOST_UNREACHABLE": "`dockfleet hosts` tells when it is back",
}
"""What helps, by the reason of a failure, or by its code where the gateway gave no reason."""


class Shell(click.Group):
    """A group of commands that fails in one line, and ends quietly when it is interrupted or not read any more."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except DockfleetError as error:
            raise Failure(error, ctx) from error
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            _discard_output()
            ctx.exit(PIPE_BROKEN)
        return result


class Failure(click.ClickException):
    """A failure, told in one line."""

    def __init__(self, error: DockfleetError, context: click.Context) -> None:
        """End the program because of *error*."""
        super().__init__(explain(error, context.find_root().params["address"]))

    def show(self, file: Any = None) -> None:
        """Write it to standard error."""
        click.echo(f"dockfleet: {printable(self.message)}", err=True)


class NotRun(Failure):
    """A failure of a program that otherwise ends with somebody else's exit code."""

    exit_code = NOT_RUN


def explain(error: DockfleetError, address: str) -> str:
    """Say in one line what failed, and what helps where that is known.  *address* is the gateway's."""
    if unreachable(error):
        cause = error.message.rpartition("last error: ")[2].rpartition("Failed to connect to remote host: ")[2]
        return f"no gateway answers at {address} ({cause}): is it running? try `make serve`, or see --address"
    remedy = REMEDIES.get(error.reason or error.code.name)
    return f"{error} ({remedy})" if remedy else str(error)


def unreachable(error: DockfleetError) -> bool:
    """Tell whether it was the gateway that could not be reached, and not a host."""
    return error.code is grpc.StatusCode.UNAVAILABLE and not error.reason


def _discard_output() -> None:
    """Give the output that is still in buffers somewhere to go, so that Python does not complain at its exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # it has no descriptor in tests
            os.dup2(nowhere, stream.fileno())
