"""The report of a failed call: the failure, and the remedy."""

from __future__ import annotations

import re
from typing import Any

import click
import grpc

from dockfleet.cli.group import CommandError
from dockfleet.cli.output import failure_text, print_failure
from dockfleet.errors import DockfleetError
from dockfleet.target import address

NO_GATEWAY = 69  # the gateway cannot be reached, or broke off: EX_UNAVAILABLE of sysexits.h

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
    (
        r"Hostname Verification",
        "its certificate is for another name: use a name of the certificate in --address, or see --tls-server-name",
    ),
    (r"WRONG_VERSION_NUMBER", "it does not use TLS: leave out --tls, --tls-ca, --tls-cert and --tls-key"),
    (r"HTTP/2|SETTINGS frame|ALPN", "it is not a gRPC server: check the port in --address"),
    (r"errors resolving", "its name is not known: check --address"),
)
"""Why there is no connection to a gateway, by a pattern of gRPC's message."""

CLOSED = re.compile(r"Socket closed|Connection reset|EOF")
USE_TLS = "it closed the connection at once and may require TLS: see --tls and --tls-ca"
USE_CERTIFICATE = "it closed the connection at once and may require a client certificate: see --tls-cert and --tls-key"
USE_OTHER_CERTIFICATE = "it closed the connection at once and may not trust the client certificate in --tls-cert"


class Failure(CommandError):
    """A failed call, reported in one line."""

    def __init__(
        self, error: DockfleetError, context: click.Context, exit_code: int | None = None, more: str = ""
    ) -> None:
        """End the program because of *error*; without an *exit_code* it is 1, or 69 without a gateway.

        *more* is what else is to be said.
        """
        options = context.find_root().params
        code = exit_code if exit_code is not None else NO_GATEWAY if unreachable(error) else 1
        super().__init__("; ".join(part for part in (explain(error, options), more) if part), code)
        self._error = error
        self._as_json = bool(options.get("json_errors"))

    def show(self, file: Any = None) -> None:
        """Write it to standard error."""
        if self._as_json:
            print_failure(self._error, self.message)
        else:
            super().show(file)


def failure_of(error: Exception, context: click.Context) -> Failure | None:
    """Return how the program ends because of *error*; None when it is no failed call."""
    return Failure(error, context) if isinstance(error, DockfleetError) else None


def explain(error: DockfleetError, options: dict[str, Any]) -> str:
    """Return in one line what failed and what helps, if that is known.  *options* are those of the program."""
    if not unreachable(error):
        return failure_text(error, REMEDIES.get(error.reason or error.code.name))
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
    return USE_CERTIFICATE if options["tls"] or options["tls_ca"] else USE_TLS
