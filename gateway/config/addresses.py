"""The format of addresses."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, Field

_SOCKET_BYTES = 107  # sun_path of Linux, without its end


def _split(address: str) -> SplitResult:
    return urlsplit(address if "://" in address else f"tcp://{address}")


def _written_as(grammar: str, words: str) -> AfterValidator:
    def checked(address: str) -> str:
        try:
            port = _split(address).port or 0
        except ValueError:  # a port above 65535, or brackets without an IPv6 address
            port = -1
        if port < 0 or not re.fullmatch(grammar, address):
            raise ValueError(f"is not {words}")
        if address.startswith("unix://") and len(address.removeprefix("unix://").encode()) > _SOCKET_BYTES:
            raise ValueError(f"is longer than the path of a socket can be, which is {_SOCKET_BYTES} bytes")
        return address

    return AfterValidator(checked)


def beyond_loopback(address: str) -> bool:
    """Return whether *address* can lead beyond this machine."""
    host = _split(address).hostname
    if host is None or host == "localhost":
        return False
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name, which can lead anywhere
        return True


# A user or a host does not begin with "-", because a ProxyCommand could read it as an option.
_UNIX = r"unix:///[^\x00-\x1f,]+"
_USER = r"[A-Za-z0-9_][A-Za-z0-9._-]*"
_HOST = r"(?:[A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])"
_HOP = rf"(?:{_USER}@)?{_HOST}(?::\d+)?"
_ENGINE = rf"{_UNIX}|tcp://{_HOST}:\d+|ssh://{_HOP}(?:/[^\x00-\x20,?#]+)?"

EngineAddress = Annotated[str, _written_as(_ENGINE, "unix:///path, tcp://host:port or ssh://user@host[:port][/path]")]
JumpHost = Annotated[str, Field(pattern=rf"^{_HOP}(?:,{_HOP})*$")]
ListenAddress = Annotated[str, _written_as(rf"{_UNIX}|{_HOST}:\d+", "host:port, [ipv6]:port or unix:///path")]
MetricsAddress = Annotated[str, _written_as(rf"{_HOST}:\d+", "host:port, [ipv6]:port or off")]
IpAddress = Annotated[str, _written_as(r"(?:[0-9.]+|\[[0-9A-Fa-f:.]+\]):\d+", "an IP address with a port")]
ServerAddress = Annotated[str, _written_as(rf"{_HOST}:\d+", "host:port or [ipv6]:port")]
