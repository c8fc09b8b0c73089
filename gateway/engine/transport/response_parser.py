"""The response to one HTTP/1.1 request, without I/O: bytes in; status, headers, body and end out.

The parser is llhttp (httptools).  The peer is not trusted: an ambiguous or unterminated response, and a redirect, is
a `BadResponse`.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from sys import intern
from typing import Any

import httptools

from gateway.engine.errors import BadResponse

ERROR_BODY_BYTES = 64 << 10
"""The bytes of an error's body that are kept, about; the rest is dropped."""

_HEADER_BYTES = 64 << 10
_SMALL_PARTS = 1024  # parts of a body that are kept apart: each takes 40 bytes more than its data
_SMALL_BYTES = 1 << 20  # of parts that are kept apart: to join them takes half a millisecond
_LENGTHS = frozenset({"content-length", "transfer-encoding"})
_WITHOUT_BODY = frozenset({101, 204, 304})


class ResponseParser:
    """The response to one request, as its bytes arrive.

    `status` and `headers` are valid once `head_complete` is true.  `complete` is true when the response has ended.
    `size` bytes of the body can be taken.  `failure` says why the bytes are no valid response; no more are accepted
    then.
    """

    def __init__(self, method: str, *, limit: int | None = None, upgrade: bool = False) -> None:
        """Expect the response to a request with *method*.

        *limit* is the most bytes of a body that may wait to be taken; *upgrade* says that a session was requested.
        """
        self.limit = limit
        self.status = 0
        self.headers: dict[str, str] = {}
        self.received_anything = False
        self.head_complete: bool = False
        self.complete: bool = False
        self.keep_alive = False
        self.is_session = False
        self.has_length = False  # the head says where the body ends
        self.failure: BadResponse | None = None
        self.size = 0
        self.method = method
        self.upgrade = upgrade
        self._parser: Any = httptools.HttpResponseParser(self)  # not reused: after a HEAD, llhttp is in a wrong state
        self._parts: list[bytes] = []
        self._buffer: BytesIO | None = None  # of many or large parts: its bytes are taken without a copy
        self._forgotten = 0  # dropped bytes of an error's body
        self._overhead = 0  # bytes since the last data of the body

    def feed(self, data: bytes) -> None:
        """Accept bytes of the response."""
        self.received_anything = True
        if self.is_session:
            self.on_body(data)
            return
        size = self.size + self._forgotten
        self._parse(data)
        self._overhead = 0 if self.size + self._forgotten > size else self._overhead + len(data)
        if self._overhead > _HEADER_BYTES + (len(data) if self.head_complete else 0):
            self._refuse(f"the host sent more than {_HEADER_BYTES} bytes of headers, or of chunks without data")
        if self.limit is not None and self.size + self._forgotten > self.limit:
            self.take()
            self._refuse(f"the host's response exceeds {self.limit} bytes (limits.max_response_bytes)")

    def take(self) -> bytes:
        """Remove and return the bytes of the body that have arrived."""
        if self._buffer is not None:
            data, self._buffer = self._buffer.getvalue(), None
        else:
            data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
            self._parts.clear()
        self.size = 0
        return data

    def finish(self) -> None:
        """Note that the peer has closed the connection properly, which ends a session."""
        self.complete = self.complete or self.is_session

    def stop(self) -> None:
        """Accept no more bytes: what has arrived can still be taken."""
        self._parser = None  # parser and protocol refer to each other; this frees both without the collector

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self.is_session = self.head_complete = True
            self.status = 101
            if rest := data[upgrade.args[0] :]:
                self.on_body(rest)
        except httptools.HttpParserError as error:
            self._refuse(f"the host's response is not HTTP: {error}")
        if self.complete:
            self.stop()

    def _refuse(self, why: str) -> None:
        if self.failure is None:
            self.failure = BadResponse(why, sent=True)

    # The callbacks of llhttp

    def on_message_begin(self) -> None:
        """Refuse a second response that follows the first."""
        if self.complete:
            self._refuse("the host sent two responses to one request")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        key = intern(name.decode("latin-1").lower())  # each of many kept connections and responses has the same ones
        if key in _LENGTHS:
            if not _LENGTHS.isdisjoint(self.headers):
                # Two lengths are an attack: request smuggling (RFC 9112, 6.3).
                self._refuse("the host's response gives its length twice")
            # With another transfer encoding, llhttp would read until the end of the connection.
            self.has_length = key == "content-length" or value.lower() == b"chunked"
        self.headers[key] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Check the head."""
        status = self._parser.get_status_code()
        if 100 <= status < 200 and status != 101:  # an interim response, such as 100 Continue
            self.headers, self.has_length = {}, False
            return
        self.status = status
        self.head_complete = True
        if self.method == "HEAD":
            # The response to a HEAD may have the length of a body, but never a body.
            self.complete = True
            self.keep_alive = self.headers.get("connection", "").lower() != "close"
        elif status >= 400 and self.upgrade and _LENGTHS.isdisjoint(self.headers):
            self.is_session = True  # an engine that fails after the upgrade writes the error and closes
        if self.has_length and 200 <= status < 300:
            return  # the usual case: no row applies
        for applies, why in _REFUSED_HEADS:
            if applies(self):
                self._refuse(why.format(status=status))

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body.  It is called for every chunk, and every line of a log is one."""
        if self.method == "HEAD":
            self._refuse("the host's response to a HEAD has a body")
        if self.failure is not None:
            return
        if self.status >= 400 and self.size >= ERROR_BODY_BYTES:
            self._forgotten += len(body)
            return
        self.size += len(body)
        if self._buffer is not None:
            self._buffer.write(body)
            return
        self._parts.append(body)
        if len(self._parts) > _SMALL_PARTS or self.size > _SMALL_BYTES:
            self._buffer = BytesIO()
            self._buffer.writelines(self._parts)
            self._parts.clear()

    def on_message_complete(self) -> None:
        """Note that the response is complete."""
        if self.status not in (0, 101):
            self.complete = True
            self.keep_alive = self._parser.should_keep_alive()


_REFUSED_HEADS: tuple[tuple[Callable[[ResponseParser], bool], str], ...] = (
    (
        lambda head: head.status == 101 and not head.upgrade,
        "the host opened a session that was not requested",
    ),
    (
        lambda head: 300 <= head.status < 400 and head.status != 304,
        "the host redirects (HTTP {status}); redirects are not followed",
    ),
    (
        lambda head: head.status == 400 and not head.headers and not (head.complete or head.is_session),
        "the host answers HTTP 400 without any header, as a port that takes TLS only: perhaps the host needs tls",
    ),
    (
        lambda head: not (head.has_length or head.complete or head.is_session or head.status in _WITHOUT_BODY),
        "the host's response does not say where it ends",
    ),
)
"""The heads that are refused, and why; the first row that applies counts."""
