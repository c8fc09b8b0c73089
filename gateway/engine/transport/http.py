"""One HTTP/1.1 request to a Docker Engine, and the response to it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

# The characters of a request target.  Callers escape or refuse all others.  This check is the last defence against
# request smuggling.
_TARGET = re.compile(
    r"(?:/(?!\.{1,2}(?:[/?]|\Z))[A-Za-z0-9._~!$&'()*+,;=:@%-]*)+"  # segments, none of them "." or ".."
    r"(?:\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?"
)


class Request(NamedTuple):  # created for every call: a frozen dataclass takes four times as long
    """One HTTP request.

    `target` is the path with its query, escaped, without the API version.  The body is `body`, or `document` as JSON.
    """

    method: str
    target: str
    headers: Mapping[str, str] = MappingProxyType({})
    body: bytes | None = None
    document: Any = None

    def encode(self, prefix: str = "", *, chunked: bool = False) -> bytes:
        """Return the request's bytes, with *prefix*, such as `/v1.41`, before the target.

        With *chunked*, the body follows in chunks.  Raises `ValueError` for what cannot be sent safely.
        """
        target = prefix + self.target
        if not _TARGET.fullmatch(target):
            raise ValueError(f"not a request target: {target!r}")
        lines = [f"{self.method} {target} HTTP/1.1\r\nHost: docker\r\nUser-Agent: dockfleet"]
        for name, value in self.headers.items():
            if "\r" in value or "\n" in value:
                raise ValueError(f"header {name} has a line break")
            lines.append(f"{name}: {value}")
        body = self.body if self.document is None else orjson.dumps(self.document)
        if chunked:
            lines.append("Transfer-Encoding: chunked")
        elif body is not None or self.method in ("POST", "PUT"):
            lines.append(f"Content-Length: {len(body or b'')}")
        lines.append("\r\n")
        return "\r\n".join(lines).encode("latin-1") + (body or b"")


@dataclass(slots=True, weakref_slot=True)
class Response:
    """An engine's response.  Header names are in lower case; the body is empty when it is read as a stream."""

    status: int
    headers: dict[str, str]
    body: bytes = b""
