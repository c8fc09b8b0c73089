"""A connection to an engine over a network that does what the test says."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

from gateway.engine.transport.connection import Connection
from gateway.engine.transport.http import Request
from gateway.engine.transport.large_responses import LargeResponses, SharedRoom
from gateway.engine.transport.turns import Traffic, Turns
from tests.support.clock import Clock

GET, HEAD, POST = (Request(method, "/v1.41/thing") for method in ("GET", "HEAD", "POST"))
UPGRADE = Request("POST", "/exec/1/start", {"Connection": "Upgrade", "Upgrade": "tcp"})
LIMIT = 1000


class Wire(asyncio.Transport):
    """A network that does what the test says."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.aborted = False
        self.half_closed = False
        self.reading = True

    def write(self, data: Any) -> None:
        """Take what the connection sends."""
        self.sent += data

    def write_eof(self) -> None:
        """Note that nothing more will be sent."""
        self.half_closed = True

    def abort(self) -> None:
        """Note that the connection is closed."""
        self.aborted = True

    def pause_reading(self) -> None:
        """Deliver nothing for a while."""
        self.reading = False

    def resume_reading(self) -> None:
        """Deliver again."""
        self.reading = True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Take any limits."""


class Line:
    """A connection over a `Wire`, and how often the gateway has noticed that its peer broke it.

    The `clock` shows how long the work for the host takes.
    """

    def __init__(self) -> None:
        self.breaks = 0
        self.clock = Clock()
        self.connection = Connection(None, self._lost, Turns(Traffic(), self.clock), LargeResponses(SharedRoom()))
        self.wire = Wire()
        self.connection.connection_made(self.wire)

    def _lost(self) -> None:
        self.breaks += 1

    async def during(self, call: Awaitable[Any], *happenings: Callable[[], object] | bytes) -> Any:
        """Await *call* while the *happenings* take place: bytes arrive, or a function is called."""
        task = asyncio.ensure_future(call)
        await asyncio.sleep(0)
        for happening in happenings:
            if isinstance(happening, bytes):
                if happening:
                    self.connection.data_received(happening)
            else:
                happening()
            await asyncio.sleep(0)
        return await task

    def fin(self) -> None:
        """The peer ends the connection in good order."""
        self.connection.eof_received()
        self.connection.connection_lost(None)

    def reset(self) -> None:
        """The peer resets the connection."""
        self.connection.connection_lost(ConnectionResetError("Connection reset by peer"))


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """Return *data* cut at *cuts*."""
    borders = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(borders) if start < end]
