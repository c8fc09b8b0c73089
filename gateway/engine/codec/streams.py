"""The shapes of a streamed response: JSON lines, bytes, output frames.

Each function takes the connection that `Engine.open` or `Engine.session` yields and reads it to its end.  All raise
when the response breaks off.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from gateway.engine.codec.frames import SYSTEM_ERROR, Decoder, Frame, FrameError, system_error
from gateway.engine.codec.json import NotEngineJson, parse
from gateway.engine.errors import BadResponse, OperationFailed, TornStream
from gateway.engine.resumable.subscription import Idle
from gateway.engine.sdk import ERROR_BYTES
from gateway.engine.transport.connection import Connection
from gateway.engine.transport.http import Response

_LINE_BYTES = 16 << 20
_CHUNK_BYTES = 256 << 10


async def lines(connection: Connection, idle_seconds: float | None = None) -> AsyncGenerator[Any, None]:
    """Yield the JSON documents of a response, wherever reads cut them.

    Raises `OperationFailed` for a document that reports the failure of the operation, `TornStream`, and
    `TimedOut` when nothing arrives for *idle_seconds*.
    """
    rest = b""
    while data := await _read(connection, idle_seconds):
        # Lines end in \n or \r\n; application/json-seq begins each with a record separator (RFC 7464).
        *whole, rest = (rest + data).split(b"\n")
        if len(rest) > _LINE_BYTES:
            raise TornStream(f"a line of the stream exceeds {_LINE_BYTES} bytes", sent=True)
        for line in whole:
            if line := line.strip(b"\x1e\r "):
                yield _document(line)
    if rest := rest.strip(b"\x1e\r "):
        yield _document(rest)


def _document(line: bytes) -> Any:
    try:
        document = parse(line)
    except NotEngineJson as error:
        raise TornStream(f"a line of the stream is not JSON: {error}", sent=True) from error
    if isinstance(document, dict) and ("errorDetail" in document or "error" in document):
        detail = document.get("errorDetail")
        detail = detail if isinstance(detail, dict) else {}
        code = detail.get("code")
        # A build reports the exit code of its command as `code`; only codes of HTTP are a status.
        status = code if isinstance(code, int) and 400 <= code < 600 else 0
        raise OperationFailed(str(detail.get("message") or document.get("error"))[:ERROR_BYTES], status)
    return document


async def chunks(connection: Connection, idle_seconds: float | None = None) -> AsyncGenerator[bytes, None]:
    """Yield the bytes of a response, 256 KiB at a time, fewer at the end.

    Raises `TimedOut` when these do not arrive within *idle_seconds*.
    """
    while data := await _read(connection, idle_seconds, least=_CHUNK_BYTES):
        for start in range(0, len(data), _CHUNK_BYTES):
            yield data[start : start + _CHUNK_BYTES]


async def _read(connection: Connection, idle_seconds: float | None = None, least: int = 1) -> bytes:
    """Read a piece of a stream.  When the rest is malformed, what came before it remains valid."""
    try:
        return await connection.read(idle_seconds, least=least)
    except BadResponse as error:
        raise TornStream(str(error), sent=True) from error


async def whole(connection: Connection, idle_seconds: float | None = None) -> bytes:
    """Return all bytes of a response that should be short.

    Raises `BadResponse` when it is not, and `TimedOut` when nothing arrives for *idle_seconds*.
    """
    body = b""
    while data := await connection.read(idle_seconds):
        body += data
        if len(body) > _LINE_BYTES:
            raise BadResponse(f"the host's response exceeds {_LINE_BYTES} bytes", sent=True)
    return body


def is_terminal(response: Response, configured: bool) -> bool:
    """Tell whether the output in a response is a terminal's, without frames.

    Engines from API 1.42 on say so in the content type; for older ones the container's configuration counts.
    """
    return configured and "multiplexed" not in response.headers.get("content-type", "")


async def output(
    connection: Connection, decode: Decoder, heartbeat_seconds: float
) -> AsyncGenerator[list[Frame] | Idle, None]:
    """Yield the output of a process as it arrives, the frames of one read together, and `Idle` while none arrives.

    Raises `OperationFailed` for an error of the engine within the output, and `TornStream`.
    """
    report = b""
    silent = 0.0
    try:
        while True:
            if await connection.silent_for(heartbeat_seconds):
                silent += heartbeat_seconds
                yield Idle(silent)
                continue
            silent = 0.0
            if not (data := await _read(connection)):
                break
            frames: list[Frame] = []
            for frame in decode.feed(data):
                if frame.stream != SYSTEM_ERROR:
                    frames.append(frame)
                    continue
                report += frame.data
                if frame.last or len(report) > ERROR_BYTES:
                    if frames:
                        yield frames
                    raise system_error(report)
            if frames:
                yield frames
        decode.finish()
    except FrameError as error:
        raise TornStream(str(error), sent=True) from error
