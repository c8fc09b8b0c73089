"""One exchange with a Docker Engine over HTTP/1.1, without I/O: bytes of the answer in; its head, body and end out.

The parser is llhttp (httptools).  Who answers is not trusted: what could be taken for another answer, or has no end,
is a `BadResponse`, and so is a redirect.
"""

from __future__ import annotations

from typing import Any

import httptools

from gateway.engine.errors import BadResponse

_HEADER_BYTES = 64 << 10
_LENGTHS = frozenset({"content-length", "transfer-encoding"})


class ResponseParser:
    """The answer to one request as it comes.

    `status` and `headers` count when `head_complete` is true, and `complete` tells that the whole answer is here.  Of
    the body there are `size` bytes to `take`.  `failure` tells why this is no answer; nothing more is taken in then.
    """

    def __init__(self, method: str, *, limit: int | None = None, upgrade: bool = False) -> None:
        """Arguments: *limit*, the most bytes of the body, which is to be taken whole; *upgrade*, whether a session
        was asked for.
        """
        self.limit = limit
        self.status = 0
        self.headers: dict[str, str] = {}
        self.heard = False  # anything of the answer
        self.head_complete: bool = False
        self.complete: bool = False
        self.keep_alive = False
        self.is_session = False
        self.failure: BadResponse | None = None
        self.size = 0
        self._method = method
        self._upgrade = upgrade
        self._parser: Any = httptools.HttpResponseParser(self)  # a fresh one: a HEAD leaves the old one astray
        self._parts: list[bytes] = []
        self._head_bytes = 0
        self._overhead = 0  # bytes since the head, or since the last of the body, that brought no body

    def feed(self, data: bytes) -> None:
        """Take in what has come."""
        self.heard = True
        if self.is_session:
            self.on_body(data)
            return
        self._parse(data)
        if self.limit is not None and self.size > self.limit:
            self.take()
            self._refuse(f"the answer exceeds the {self.limit} bytes allowed")

    def take(self) -> bytes:
        """Return what there is of the body."""
        data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        self.size = 0
        return data

    def finish(self) -> None:
        """Take note that the peer has ended the connection in good order, which is the end of a session."""
        self.complete = self.complete or self.is_session

    def _parse(self, data: bytes) -> None:
        if not self.head_complete:
            self._head_bytes += len(data)
        size = self.size
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self.is_session = self.head_complete = True
            self.status = 101
            if rest := data[upgrade.args[0] :]:
                self.on_body(rest)
        except httptools.HttpParserError as error:
            self._refuse(f"the host's answer is not HTTP: {error}")
        if self.complete:
            self._parser = None  # each holds the other: they would stay until the garbage collector comes by
        self._overhead = 0 if self.size > size else self._overhead + len(data)
        if not self.head_complete and self._head_bytes > _HEADER_BYTES:
            self._refuse(f"the head of the answer exceeds {_HEADER_BYTES} bytes")
        elif self._overhead > len(data) + _HEADER_BYTES:
            self._refuse("the body of the answer goes on without bringing anything")

    def _refuse(self, why: str) -> None:
        if self.failure is None:
            self.failure = BadResponse(why, sent=True)

    # What the parser tells

    def on_message_begin(self) -> None:
        """Refuse a second answer on the heels of the first."""
        if self.complete:
            self._refuse("the host sent two answers to one request")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        key = name.decode("latin-1").lower()
        if key in _LENGTHS and not _LENGTHS.isdisjoint(self.headers):
            # Two opinions on where an answer ends are how one caller gets another's (RFC 9112, 6.3).
            self._refuse("the host's answer gives its length twice")
        self.headers[key] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Judge the head."""
        status = self._parser.get_status_code()
        if 100 <= status < 200 and status != 101:
            self.headers = {}
            return
        self.status = status
        self.head_complete = True
        if status == 101 and not self._upgrade:
            self._refuse("the host opened a session that nobody asked for")
        elif 300 <= status < 400 and status != 304:
            self._refuse(f"the host redirects (HTTP {status}); redirects are not followed")
        elif self._method == "HEAD":
            # A HEAD's answer may give the length of a body that it does not have.
            self.complete = True
            self.keep_alive = self.headers.get("connection", "").lower() != "close"
        elif status >= 400 and self._upgrade and _LENGTHS.isdisjoint(self.headers):
            self.is_session = True  # an engine that took the connection over before it found fault says so to its end
        elif status not in (101, 204, 304) and (
            _LENGTHS.isdisjoint(self.headers)
            or self.headers.get("transfer-encoding", "chunked").lower()
            != "chunked"  # the parser would wait for the end
        ):
            self._refuse("the host's answer does not say where it ends")

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body.  Nothing more: this is called for every chunk, and every line of a log is one."""
        if self._method == "HEAD":
            self._refuse("the host's answer to a HEAD has a body")
        if self.failure is None:
            self._parts.append(body)
            self.size += len(body)

    def on_message_complete(self) -> None:
        """Take note that the answer is whole."""
        if self.status not in (0, 101):
            self.complete = True
            self.keep_alive = self._parser.should_keep_alive()
