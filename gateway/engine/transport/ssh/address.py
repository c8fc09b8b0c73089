"""The address of an engine behind ssh, and the credentials for the login."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Self

SOCKET = "/var/run/docker.sock"

_HOP = re.compile(r"(?:(?P<user>[^@]+)@)?(?:\[(?P<ipv6>[^\]]+)\]|(?P<host>[^@:]+))(?::(?P<port>\d+))?")


@dataclass(frozen=True, slots=True)
class Hop:
    """A machine to log in at.  A user or a port that is not given is as the ssh configuration says."""

    host: str
    port: int | None = None
    user: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what `[USER@]HOST[:PORT]` says.  Raises `ValueError`."""
        found = _HOP.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is not [user@]host[:port]")
        port = found["port"]
        return cls(found["ipv6"] or found["host"], int(port) if port else None, found["user"])


@dataclass(frozen=True, slots=True)
class Credentials:
    """The keys of both sides.  An empty field means the value of the ssh configuration."""

    identity_file: str = ""
    private_key: str = field(default="", repr=False)
    known_hosts_file: str = ""
    known_hosts: str = ""


@dataclass(frozen=True, slots=True)
class SshAddress:
    """The path of a socket on a machine, and the machines on the way there; the credentials are for all of them."""

    hop: Hop
    socket: str = SOCKET
    jumps: tuple[Hop, ...] = ()
    credentials: Credentials = Credentials()
