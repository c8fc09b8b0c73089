"""HTTP/1.1 without I/O: parses requests and encodes responses.

The parser is llhttp (httptools) in its strict mode.  The peer is not trusted: bytes that another HTTP server could read
differently raise `Refused` (RFC 9112, 11.2).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httptools

MAX_HEADER_BYTES = 16 << 10  # including the request line
MAX_HEADER_FIELDS = 100
_END = b"\r\n\r\n"
_PIECE_BYTES = 256 << 10
_ORIGIN = re.compile(r"^https?://[^/?]*", re.IGNORECASE)  # the beginning of a target in absolute form


@dataclass(frozen=True, slots=True)
class Request:
    """A request without its body.  Names of headers are in lower case; path and query are not decoded."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    has_body: bool
    keep_alive: bool


@dataclass(frozen=True, slots=True)
class Response:
    """A whole response."""

    body: bytes
    status: int = 200
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)

    def encode(self, *, keep_alive: bool, head_only: bool = False) -> Iterator[bytes | memoryview]:
        """Yield the bytes to send, in pieces: a page can have megabytes, and a copy of it takes milliseconds."""
        headers = {
            "Content-Type": self.content_type,
            "Content-Length": len(self.body),
            "Connection": "keep-alive" if keep_alive else "close",
            **self.headers,
        }
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = "\r\n".join(lines).encode("latin-1") + _END
        if head_only:
            yield head
            return
        yield head + self.body[:_PIECE_BYTES]
        for start in range(_PIECE_BYTES, len(self.body), _PIECE_BYTES):
            yield memoryview(self.body)[start : start + _PIECE_BYTES]


def text(message: str, status: int = 200, **headers: str) -> Response:
    """Return a response of one line."""
    return Response(f"{message}\n".encode(), status, headers=headers)


class Refused(Exception):
    """A request that no page can answer; the connection ends after the response."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.response = text(message, status)


class RequestParser:
    """Parses one request; the bytes after its headers are in `rest`."""

    def __init__(self) -> None:
        self.rest = b""
        self._parser: Any = httptools.HttpRequestParser(self)
        self._data = bytearray()
        self._fed = 0  # bytes of the data that the parser has seen
        self._target = b""
        self._fields: list[tuple[str, str]] = []
        self._lines: list[tuple[str, str, bool]] = []  # method, version, keep-alive of each request in the data

    def feed(self, data: bytes) -> Request | None:
        """Parse *data*, and return the request when its headers are complete.  Raises `Refused`.

        The parser gets no bytes after the headers, so it does not parse the next request.
        """
        self._data += data
        end = self._data.find(_END, max(0, self._fed - len(_END)))
        stop = len(self._data) if end < 0 else end + len(_END)
        if stop > MAX_HEADER_BYTES:
            raise Refused(431, f"the headers have more than {MAX_HEADER_BYTES} bytes")
        piece, self._fed = bytes(self._data[self._fed : stop]), stop
        try:
            self._parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            pass  # a server may ignore an Upgrade header
        except httptools.HttpParserError as error:
            raise Refused(400, f"this is not an HTTP/1.1 request: {error}") from error
        if len(self._fields) > MAX_HEADER_FIELDS:
            raise Refused(431, f"there are more than {MAX_HEADER_FIELDS} header fields")
        return None if end < 0 else self._request()

    def _request(self) -> Request:
        if len(self._lines) != 1:
            raise Refused(400, "this is not an HTTP/1.1 request: its headers do not end with an empty line")
        method, version, keep_alive = self._lines[0]
        if version not in ("1.0", "1.1"):
            raise Refused(505, "use HTTP/1.1")
        headers: dict[str, str] = {}
        for name, value in self._fields:
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        hosts = [name for name, _ in self._fields].count("host")
        if hosts > 1 or (hosts == 0 and version == "1.1"):
            raise Refused(400, f"there are {hosts} Host headers: send one")
        path, _, query = _ORIGIN.sub("", self._target.decode("latin-1")).partition("?")
        has_body = "transfer-encoding" in headers or headers.get("content-length", "0").strip("0") != ""
        self.rest = bytes(self._data[self._fed :])
        self._parser = None  # otherwise a reference cycle, which the garbage collector frees late
        return Request(method, path, query, headers, has_body, keep_alive)

    # Callbacks of the parser

    def on_url(self, piece: bytes) -> None:
        """Keep a piece of the target."""
        self._target += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header field."""
        self._fields.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        """Keep what the parser forgets after the request."""
        parser = self._parser
        self._lines.append((parser.get_method().decode(), parser.get_http_version(), parser.should_keep_alive()))
