"""What is said over a connection to a Docker Engine, one HTTP/1.1 request and its answer, and how that fails."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

# What a request target may consist of.  All else was escaped or refused long before; this last look makes
# the wire safe whatever the parts before it do.
_TARGET = re.compile(
    r"(?:/(?!\.{1,2}(?:[/?]|\Z))[A-Za-z0-9._~!$&'()*+,;=:@%-]*)+"  # segments, none of them "." or ".."
    r"(?:\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?"
)


class Request(NamedTuple):  # made twice in every call: a frozen dataclass takes four times as long
    """One HTTP request.  `target` is the path with its query, escaped."""

    method: str
    target: str
    headers: Mapping[str, str] = MappingProxyType({})
    body: bytes | None = None

    def head(self, *, chunked: bool = False) -> bytes:
        """Return the request's head.  Raises `ValueError` for what could not be sent safely."""
        if not _TARGET.fullmatch(self.target):
            raise ValueError(f"not a request target: {self.target!r}")
        lines = [f"{self.method} {self.target} HTTP/1.1\r\nHost: docker\r\nUser-Agent: dockfleet"]
        for name, value in self.headers.items():
            if "\r" in value or "\n" in value:
                raise ValueError(f"header {name} holds a line break")
            lines.append(f"{name}: {value}")
        if chunked:
            lines.append("Transfer-Encoding: chunked")
        elif self.body is not None or self.method in ("POST", "PUT"):
            lines.append(f"Content-Length: {len(self.body or b'')}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


@dataclass(slots=True)
class Response:
    """An engine's answer.  Header names are in lower case; the body is empty when it is read as a stream."""

    status: int
    headers: dict[str, str]
    body: bytes = b""
