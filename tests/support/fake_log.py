"""A container's log in the fake engine."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from gateway.engine.codec.timestamps import time_of
from tests.support.fake_engine import ResponseParser, frame

ID = "5e" * 32
NOON = 1_790_000_000_000_000_000  # nanoseconds since 1970
SECOND = 1_000_000_000
STATE = "GET", "/containers/{id}/json"
LOGS = "GET", "/containers/{id}/logs"
Line = tuple[int, bytes, int]  # time in nanoseconds, text, stream


def state(
    *, running: bool = True, run: int = 0, code: int = 0, log: dict[str, str] | None = None, **more: Any
) -> dict[str, Any]:
    """Return what an inspection says of the container in its first run, or a later one.

    Its log is of the driver json-file, with the options *log*; without any, it is not rotated.
    """
    started = time_of(NOON + run * 100 * SECOND).decode()
    finished = "0001-01-01T00:00:00Z" if running and not run else time_of(NOON + (run * 100 - 50) * SECOND).decode()
    status = {"Running": running, "StartedAt": started, "FinishedAt": finished, "ExitCode": code} | more
    log_config = {"Type": "json-file", "Config": log or {}}
    return {"Id": ID, "State": status, "Config": {"Tty": False}, "HostConfig": {"LogConfig": log_config}}


class Log:
    """A container's log in the fake engine.

    A plain answer has all `lines` that were asked for.  `plain` and `script` say how plain answers and those that
    follow end, one after the other: "cut", "end" or "open", after so many lines of the log; then all is sent, and a
    plain answer ends and one that follows stays open.  `asked` are the queries of all requests.
    """

    def __init__(
        self,
        *lines: bytes,
        script: Iterable[tuple[int, str]] = (),
        plain: Iterable[tuple[int, str]] = (),
        stamps: list[int] | None = None,
    ) -> None:
        """*stamps* are the times of the lines, in nanoseconds after noon; a second lies between them without."""
        self.lines: list[Line] = [
            (NOON + (stamps[n] if stamps else n * SECOND), line, 1) for n, line in enumerate(lines)
        ]
        self.script, self.plain = list(script), list(plain)
        self.asked: list[dict[str, str]] = []
        self.followed = 0  # how many answers have stayed open
        self._open: list[ResponseParser] = []
        self._later: list[list[Line]] = []  # what is written while an answer that will stay open is sent

    def asked_for(self, *, follow: bool) -> list[dict[str, str]]:
        """Return the queries of the plain requests, or of those that follow."""
        return [query for query in self.asked if query["follow"] == str(follow).lower()]

    def write(self, *lines: Line, skip: bool = False, keep: bool = True) -> None:
        """Add lines to the log.  With *skip*, those who follow do not get them; without *keep*, only they do."""
        if keep:
            self.lines += lines
        for later in () if skip else self._later:
            later += lines
        for exchange in () if skip else self._open:
            with suppress(ConnectionError):  # the reader has just left
                exchange.write(b"".join([_chunk(_framed(line)) for line in lines]))

    def cut(self) -> None:
        """Break the answers that are open."""
        for exchange in self._open:
            exchange.abort()
        self._open.clear()

    def end(self) -> None:
        """End the answers that are open in good order."""
        for exchange in self._open:
            with suppress(ConnectionError):
                exchange.write(_chunk(b""))
        self._open.clear()

    async def __call__(self, exchange: ResponseParser) -> None:
        """Answer one request."""
        query = dict(exchange.request.query)
        follow = query["follow"] == "true"
        self.asked.append(query)
        script = self.script if follow else self.plain
        count, end = script.pop(0) if script else (len(self.lines), "open" if follow else "end")
        since = int(query.get("since", "0.0").replace(".", ""))
        until = int(query["until"].replace(".", "")) if "until" in query else NOON * 2
        known = self.lines[:count]
        if "tail" in query:
            known = known[len(known) - min(int(query["tail"]), len(known)) :]
        exchange.head(200, {"Transfer-Encoding": "chunked"})
        later: list[Line] = []
        if end == "open":
            self._later.append(later)
        try:
            for lines in (known, later):
                for line in lines:
                    if since <= line[0] <= until:
                        await exchange.chunk(_framed(line))
        finally:
            if end == "open":
                self._later = [other for other in self._later if other is not later]
        if end == "cut":
            exchange.abort()
        elif end == "open":
            self._open.append(exchange)
            self.followed += 1
            exchange.engine._notify()
            exchange.keep_alive = False
            await exchange.wait_closed()
            if exchange in self._open:
                self._open.remove(exchange)
        else:
            await exchange.chunk(b"")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _framed(line: Line) -> bytes:
    time, text, stream = line
    return frame(stream, time_of(time) + b" " + text)
