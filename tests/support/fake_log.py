"""A container's log in the fake engine."""

from __future__ import annotations

from typing import Any

from gateway.engine.codec.timestamps import time_of
from tests.support.fake_engine import ResponseParser, frame

ID = "5e" * 32
NOON = 1_790_000_000_000_000_000  # nanoseconds since 1970
SECOND = 1_000_000_000
STATE = "GET", "/containers/{id}/json"
LOGS = "GET", "/containers/{id}/logs"


def state(*, running: bool = True, run: int = 0, code: int = 0, **more: Any) -> dict[str, Any]:
    """Return what an inspection says of the container in its first run, or a later one."""
    started = time_of(NOON + run * 100 * SECOND).decode()
    finished = "0001-01-01T00:00:00Z" if running and not run else time_of(NOON + (run * 100 - 50) * SECOND).decode()
    status = {"Running": running, "StartedAt": started, "FinishedAt": finished, "ExitCode": code} | more
    return {"Id": ID, "State": status, "Config": {"Tty": False}}


class Log:
    """A container's log in the fake engine: it answers with what it has, from the time asked for on.

    `script` says how the answers end, one after the other: "cut", "end" or "open", after so many entries.
    """

    def __init__(self, *lines: bytes, script: list[tuple[int, str]], stamps: list[int] | None = None) -> None:
        self.lines = [(NOON + (stamps[n] if stamps else n * SECOND), line) for n, line in enumerate(lines)]
        self.script = script
        self.asked: list[dict[str, str]] = []
        self._open: list[ResponseParser] = []

    def cut(self) -> None:
        """Break the answers that are open."""
        for exchange in self._open:
            exchange.abort()
        self._open.clear()

    async def __call__(self, exchange: ResponseParser) -> None:
        """Answer one request."""
        query = dict(exchange.request.query)
        if query["follow"] == "false" and "tail" in query:  # a look at the end, which no script is about
            exchange.head(200, {"Transfer-Encoding": "chunked"})
            for time, line in self.lines[-int(query["tail"]) :]:
                await exchange.chunk(frame(1, time_of(time) + b" " + line))
            await exchange.chunk(b"")
            return
        self.asked.append(query)
        since = int(query.get("since", "0.0").replace(".", ""))
        until = int(query["until"].replace(".", "")) if "until" in query else NOON * 2
        count, end = self.script.pop(0) if self.script else (len(self.lines), "end")
        found = [line for line in self.lines[:count] if since <= line[0] <= until]
        exchange.head(200, {"Transfer-Encoding": "chunked"})
        for time, line in found[-int(query["tail"]) :] if "tail" in query else found:
            await exchange.chunk(frame(1, time_of(time) + b" " + line))
        if end == "cut":
            exchange.abort()
        elif end == "open":
            self._open.append(exchange)
            await exchange.wait_closed()
        else:
            await exchange.chunk(b"")
