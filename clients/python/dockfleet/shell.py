"""How the command line client ends: its messages and its exit codes."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from typing import Any

import click
import grpc

from dockfleet.channels import address
from dockfleet.errors import DockfleetError
from dockfleet.table import printable

INTERRUPTED = 130  # as a shell reports Ctrl-C
PIPE_BROKEN = 141  # as a shell reports SIGPIPE

REMEDIES = {
    "UNKNOWN_HOST": "`dockfleet hosts` lists the hosts",
    "UNAUTHENTICATED": "the gateway requires a client certificate: see --tls-cert and --tls-key",
    "BAD_RESUME_TOKEN": "the gateway has another key than before: see its options --state-directory and --resume-key",
    "UNIMPLEMENTED": "the gateway may be older than this client",
    "HOST_UNREACHABLE": "`dockfleet hosts` shows when it is back",
}
"""What helps, by the reason of a failure, or by its code without a reason."""

NO_CONNECTION = (
    (r"CERTIFICATE_VERIFY_FAILED", "no authority that this client trusts has signed its certificate: see --tls-ca"),
    (r"Hostname Verification", "its certificate is for another name: use a name of the certificate in --address"),
    (r"WRONG_VERSION_NUMBER", "it does not use TLS: leave out the options --tls-ca, --tls-cert and --tls-key"),
    (r"HTTP/2|SETTINGS frame", "it is not a gRPC server: check the port in --address"),
    (r"errors resolving", "its name is not known: check --address"),
)
"""Why there is no connection to a gateway, by a pattern of gRPC's message."""

CLOSED = re.compile(r"Socket closed|Connection reset|EOF")
USE_TLS = "it closed the connection at once and may require TLS: see --tls-ca"
USE_CERTIFICATE = "it closed the connection at once and may require a client certificate: see --tls-cert and --tls-key"
USE_OTHER_CERTIFICATE = "it closed the connection at once and may not trust the client certificate in --tls-cert"


class Shell(click.Group):
    """A group of commands.  It reports a failure in one line, and does not report an interruption or a closed pipe."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()  # at its own exit, Python would report a failure with a traceback
        except DockfleetError as error:
            raise Failure(error, ctx) from error
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            _discard_output()
            ctx.exit(PIPE_BROKEN)

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the program, and report a full disk in one line."""
        try:
            return super().main(*args, **extra)
        except OSError as error:
            _discard_output(sys.stdout)
            CommandError(f"cannot write the output: {error.strerror}").show()
            sys.exit(1)


class CommandError(click.ClickException):
    """A failure, reported in one line."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        """End the program with *message* and *exit_code*."""
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # click reads it from the instance

    def show(self, file: Any = None) -> None:
        """Write it to standard error."""
        click.echo(f"dockfleet: {printable(self.message)}", err=True)


class Failure(CommandError):
    """A failed call, reported in one line."""

    def __init__(self, error: DockfleetError, context: click.Context, exit_code: int = 1) -> None:
        """End the program because of *error*."""
        super().__init__(explain(error, context.find_root().params), exit_code)


def explain(error: DockfleetError, options: dict[str, Any]) -> str:
    """Return in one line what failed and what helps, if that is known.  *options* are those of the program."""
    if not unreachable(error):
        remedy = REMEDIES.get(error.reason or error.code.name)
        return f"{error} ({remedy})" if remedy else str(error)
    target = address(options["address"])
    for pattern, reason in NO_CONNECTION:
        if re.search(pattern, error.message):
            return f"no connection to the gateway at {target}: {reason}"
    if "failed to connect" not in error.message:
        return f"the connection to the gateway at {target} broke ({error.message})"
    if CLOSED.search(error.message):
        return f"no connection to the gateway at {target}: {_closed(options)}"
    cause = error.message.rpartition("last error: ")[2].rpartition("Failed to connect to remote host: ")[2]
    return f"no gateway answers at {target} ({cause}): is it running? see --address"


def unreachable(error: DockfleetError) -> bool:
    """Return whether the gateway is unreachable, and not a host."""
    return error.code is grpc.StatusCode.UNAVAILABLE and not error.reason


def _closed(options: dict[str, Any]) -> str:
    if options["tls_cert"]:
        return USE_OTHER_CERTIFICATE
    return USE_CERTIFICATE if options["tls_ca"] else USE_TLS


def _discard_output(*streams: Any) -> None:
    """Send buffered output to nowhere, so that Python reports no error at its exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in streams or (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # tests have streams without a descriptor
            os.dup2(nowhere, stream.fileno())
