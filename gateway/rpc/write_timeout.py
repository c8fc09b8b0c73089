"""The limit on how long a stream waits for a client that does not read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc

from gateway.engine.errors import ReaderTooSlow


class StallGuard:
    """Sends the messages of one stream, and ends the stream when its client does not read for too long.

    It belongs to the task that creates it.  It checks the time at an interval, because a timer for each of thousands of
    messages a second would cost too much.
    """

    def __init__(self, send: Callable[[Any], Awaitable[None]], seconds: float | None) -> None:
        """Allow the client *seconds* to read a message; None is no limit.  *send* sends a message and waits for the
        client.
        """
        task = asyncio.current_task()
        assert task is not None
        self._seconds = seconds
        self._send = send
        self._task = task
        self._loop = asyncio.get_running_loop()
        self._since = 0.0  # when the current message was sent; 0 when none is being sent
        self._timer: asyncio.TimerHandle | None = None
        self._expired = False

    def limit(self, seconds: float | None) -> None:
        """Set the limit, from the next message on."""
        self._stop_timer()
        self._seconds = seconds

    async def send(self, message: Any) -> None:
        """Send *message*.  Raises `ReaderTooSlow`, and `CancelledError` when the client has left."""
        self._since = self._loop.time()
        if self._timer is None and self._seconds is not None:
            self._timer = self._loop.call_later(self._seconds, self._look, self._seconds)
        cancelling = self._task.cancelling()
        try:
            await self._send(message)
        except asyncio.CancelledError:
            if self._expired and self._task.uncancel() <= cancelling:
                raise ReaderTooSlow(f"the client has read nothing for {self._seconds:g} s") from None
            raise
        except grpc.aio.InternalError:
            raise asyncio.CancelledError from None
        finally:
            self._since = 0.0

    def close(self) -> None:
        """End the limit.  Nothing can be sent after this."""
        self._stop_timer()
        self._send = _closed  # what sends owns this object: the two would wait for the garbage collector

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self, seconds: float) -> None:
        waited = self._loop.time() - self._since if self._since else 0.0
        if waited < seconds:
            self._timer = self._loop.call_later(seconds - waited, self._look, seconds)
        else:
            self._expired = True
            self._task.cancel()


async def _closed(message: Any) -> None:
    raise RuntimeError("the stream has ended")
