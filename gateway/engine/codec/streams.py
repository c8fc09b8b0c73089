"""The shapes of a streamed response: JSON lines, bytes, output frames.

Each function takes the connection that `Engine.open` or `Engine.session` yields and reads it to its end.  All raise
when the response breaks off.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from gateway.engine.codec.frames import SYSTEM_ERROR, Decoder, Frame, FrameError, system_error
from gateway.engine.codec.json import NotEngineJson, parse
from gateway.engine.errors import BadResponse, OperationFailed, TornStream
from gateway.engine.resumable.subscription import Idle
from gateway.engine.sdk import ERROR_BYTES
from gateway.engine.transport.connection import Connection
from gateway.engine.transport.http import Response
from gateway.engine.transport.timeouts import Deadline

_LINE_BYTES = 4 << 20
_WHOLE_BYTES = 16 << 20
_CHUNK_BYTES = 256 << 10
_PIECE_BYTES = 8 << 10  # of output that is decoded at once: they may be 1,000 empty frames
_BLANKS = b"\x1e\r "  # application/json-seq begins each line with a record separator (RFC 7464)


async def lines(connection: Connection, idle_seconds: float | None = None) -> AsyncGenerator[Any, None]:
    """Yield the JSON documents of a response, wherever reads cut them.

    Raises `OperationFailed` for a document that reports the failure of the operation, `TornStream`, and
    `TimedOut` when no document is complete for *idle_seconds*.
    """
    turns, begun = connection.turns, bytearray()
    deadline = _after(idle_seconds)
    while data := await _read(connection, deadline):
        if b"\n" not in data:  # searching a long line again with each read would cost too much
            begun += data
            if len(begun) > _LINE_BYTES:
                raise TornStream(f"a line of the stream exceeds {_LINE_BYTES} bytes", sent=True)
            continue
        first, *whole, rest = data.split(b"\n")
        for line in (bytes(begun) + first, *whole):
            if turns.spent:
                await turns.next()
            if line := line.strip(_BLANKS):
                yield _document(line)
                deadline = None
        begun = bytearray(rest)
        deadline = deadline or _after(idle_seconds)
        data = first = line = rest = b""  # a stream can be silent for long: then it keeps nothing
        whole.clear()
    if last := bytes(begun).strip(_BLANKS):
        yield _document(last)


def _after(seconds: float | None) -> float | None:
    return None if seconds is None else Deadline.after(seconds)


def _document(line: bytes) -> Any:
    try:
        document = parse(line)
    except NotEngineJson as error:
        raise TornStream(f"a line of the stream is not JSON: {error}", sent=True) from error
    if isinstance(document, dict) and ("errorDetail" in document or "error" in document):
        raise _failure(document)
    return document


def _failure(document: dict[str, Any]) -> OperationFailed:
    """Return the failure that a document reports."""
    detail = document.get("errorDetail")
    detail = detail if isinstance(detail, dict) else {}
    words = [text for text in (detail.get("message"), document.get("error")) if text and isinstance(text, str)]
    code = detail.get("code")
    # A build reports the exit code of its command as `code`; only codes of HTTP are a status.
    status = code if isinstance(code, int) and 400 <= code < 600 else 0
    return OperationFailed(words[0][:ERROR_BYTES] if words else "the engine does not say why", status)


async def chunks(connection: Connection, idle_seconds: float | None = None) -> AsyncGenerator[bytes, None]:
    """Yield the bytes of a response, 256 KiB at a time, fewer at the end.

    Raises `TimedOut` when these do not arrive within *idle_seconds*.
    """
    while data := await _read(connection, _after(idle_seconds), least=_CHUNK_BYTES):
        for start in range(0, len(data), _CHUNK_BYTES):
            yield data[start : start + _CHUNK_BYTES]


async def _read(connection: Connection, deadline: float | None = None, least: int = 1) -> bytes:
    """Read a piece of a stream.  When the rest is malformed, what came before it remains valid."""
    try:
        return await connection.read(deadline, least=least)
    except BadResponse as error:
        raise TornStream(str(error), sent=True) from error


async def whole(connection: Connection, idle_seconds: float | None = None) -> bytes:
    """Return all bytes of a response that should be short.

    Raises `BadResponse` when it is not, and `TimedOut` when nothing arrives for *idle_seconds*.
    """
    body = bytearray()
    while data := await connection.read(_after(idle_seconds)):
        body += data
        if len(body) > _WHOLE_BYTES:
            raise BadResponse(f"the host's response exceeds {_WHOLE_BYTES} bytes", sent=True)
    return bytes(body)


def is_terminal(response: Response, configured: bool) -> bool:
    """Return whether the output in a response is a terminal's, without frames.

    The content type of engines from API 1.42 on tells it; for older ones the container's configuration counts.
    """
    return configured and "multiplexed" not in response.headers.get("content-type", "")


async def output(
    connection: Connection, decode: Decoder, heartbeat_seconds: float
) -> AsyncGenerator[list[Frame] | Idle, None]:
    """Yield the output of a process as it arrives, the frames of one read together, and `Idle` while none arrives.

    Frames without data are no output.  Raises `OperationFailed` for an error of the engine within the output, and
    `TornStream`.
    """
    clock, turns, cutter = asyncio.get_running_loop().time, connection.turns, _Cutter(decode)
    silent, due = 0.0, clock() + heartbeat_seconds
    try:
        while True:
            if clock() >= due or await connection.silent_for(due - clock()):
                silent += heartbeat_seconds
                yield Idle(silent)
                due = clock() + heartbeat_seconds
                continue
            if not (data := await _read(connection)):
                break
            for start in range(0, len(data), _PIECE_BYTES):
                if turns.spent:
                    await turns.next()
                if frames := cutter.feed(data[start : start + _PIECE_BYTES]):
                    yield frames
                    silent, due = 0.0, clock() + heartbeat_seconds
                if cutter.failure is not None:
                    raise cutter.failure
        decode.finish()
    except FrameError as error:
        raise TornStream(str(error), sent=True) from error


class _Cutter:
    """Cuts bytes into the frames of a process; `failure` is an error of the engine after these frames."""

    def __init__(self, decode: Decoder) -> None:
        self.failure: OperationFailed | None = None
        self._decode = decode
        self._report = b""

    def feed(self, data: bytes) -> list[Frame]:
        frames: list[Frame] = []
        for frame in self._decode.feed(data):
            if frame.stream != SYSTEM_ERROR:
                frames.append(frame)
                continue
            self._report += frame.data
            if frame.last or len(self._report) > ERROR_BYTES:
                self.failure = system_error(self._report[:ERROR_BYTES])
                break
        return frames
