"""The log of the gateway: one JSON object a line, or text for people.

A thread writes it from a bounded queue, so that a stalled reader of the log does not stall the gateway.  Records that
do not fit are dropped, and the next line says how many.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import queue
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

_WAITING_LINES = 10_000
_MAX_FIELD = 4096  # characters; a client can send a name of megabytes
_MAX_TRACEBACK = 16_384
_AT_ONCE, _EVERY_SECONDS = 10, 10.0  # lines that clients can cause in any number: a burst, and then one per interval
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")  # these can change the direction of the text, or begin an escape sequence


def start(level: str, form: str) -> logging.handlers.QueueListener:
    """Set up logging to standard error at *level* ("info"), in *form* ("json" or "text").

    Returns the writer, which the caller stops.
    """
    writer = logging.StreamHandler(sys.stderr)
    writer.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    lines: queue.Queue[logging.LogRecord] = queue.Queue(_WAITING_LINES)
    listener = logging.handlers.QueueListener(lines, writer)
    logging.captureWarnings(True)
    root = logging.getLogger()
    root.handlers[:] = [_Droppable(lines)]
    root.setLevel(level.upper())
    for chatty in ("urllib3", "docker", "asyncio", "asyncssh", "grpc"):
        logging.getLogger(chatty).setLevel(logging.WARNING)  # some of them log headers with credentials
    logging.getLogger("grpc._cython.cygrpc").addFilter(_is_no_leaving_client)
    listener.start()
    return listener


class RateLimitedLines:
    """Rate-limits log lines that clients can cause in any number: a burst of each kind, and then one line per interval.

    The field `left_out` of a line is the number of lines of its kind that were dropped before it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kinds: dict[str, _Kind] = {}

    def write(self, log: logging.Logger, level: int, message: str, fields: dict[str, Any], kind: str = "") -> None:
        """Write or drop a line.  *kind*, of a closed set, is by default the message."""
        now = self._clock()
        found = self._kinds.setdefault(kind or message, _Kind(_AT_ONCE, now))
        found.room = min(_AT_ONCE, found.room + (now - found.since) / _EVERY_SECONDS)
        found.since = now
        if found.room < 1:
            found.left_out += 1
            return
        found.room -= 1
        if found.left_out:
            fields = {**fields, "left_out": found.left_out}
            found.left_out = 0
        log.log(level, message, extra={"fields": fields})


@dataclass(slots=True)
class _Kind:
    """The state of one kind: the lines that are still allowed, as of when, and the number of dropped lines."""

    room: float
    since: float
    left_out: int = 0


def _is_no_leaving_client(record: logging.LogRecord) -> bool:
    """Return false for a client that leaves during a message, which grpc logs as an error."""
    return "ExecuteBatchError raised in core" not in record.getMessage()


class _Droppable(logging.handlers.QueueHandler):
    """Puts records into the queue, and counts those that do not fit."""

    dropped = 0

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Cut what waits to be written, and free what the frames of a traceback hold."""
        record.fields = {key: _bounded(value) for key, value in getattr(record, "fields", {}).items()}
        record.exc_text, record.exc_info = _traceback(record), None
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            if self.dropped:
                record.dropped_before = self.dropped
            self.queue.put_nowait(record)
            self.dropped = 0
        except queue.Full:
            self.dropped += 1


def _fields(record: logging.LogRecord) -> dict[str, object]:
    fields: dict[str, object] = {**getattr(record, "fields", {})}
    if dropped := getattr(record, "dropped_before", 0):
        fields["dropped_before"] = dropped
    return fields


def _traceback(record: logging.LogRecord) -> str:
    """Return the end of the traceback of *record*; "" when it has none."""
    text = record.exc_text or ""
    if record.exc_info:
        text = logging.Formatter().formatException(record.exc_info)
    return text[-_MAX_TRACEBACK:]


def _bounded(value: object) -> object:
    """Return *value* as a field of the log: not too long, and without meaningless digits."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, str):
        return _cut(value)
    if value is None or isinstance(value, int):
        return value
    text = repr(value)
    return value if len(text) <= _MAX_FIELD else _cut(text)


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_FIELD else f"{text[:_MAX_FIELD]}… ({len(text) - _MAX_FIELD} more)"


class JsonFormatter(logging.Formatter):
    """Formats a record as one line with a JSON object; no field can begin a new line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of *record*."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _cut(record.getMessage()),
            **_fields(record),
        }
        if traceback := _traceback(record):
            line["traceback"] = traceback
        try:
            text = orjson.dumps(line, default=str).decode()
        except TypeError:  # half of a surrogate pair, or a number beyond 64 bits
            return json.dumps(line, default=str)
        return text if text.isascii() else _NOT_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], text)


class TextFormatter(logging.Formatter):
    """Formats a record as a line for people: date and time, level, message, fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of *record*."""
        time = datetime.fromtimestamp(record.created).strftime("%Y-%m-%d %H:%M:%S")
        fields = " ".join(f"{key}={value!r}" for key, value in _fields(record).items())
        text = f"{time} {record.levelname:<7} {_cut(record.getMessage())} {fields}".rstrip()
        traceback = _traceback(record)
        return f"{text}\n{traceback}" if traceback else text
