"""How long a call waits for a client that does not read.

Every stream has a limit, `CallInterceptor`'s; a handler that knows better sets its own: `stalls.limit(60)`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from gateway.engine.errors import ReaderTooSlow

_WRITER: ContextVar[Writer] = ContextVar("writer")  # every call is a task, and has a context, of its own


def limit(seconds: float | None) -> None:
    """Let the client of this call take at most so long for each message; None for as long as it likes."""
    _WRITER.get().limit(seconds)


class Writer:
    """Sends the messages of the call whose task makes it.

    It looks at the clock once in a while: there may be thousands of messages a second, each too dear for a timer.
    """

    def __init__(self, send: Callable[[Any], Awaitable[None]], seconds: float | None) -> None:
        """*send* sends one message, and waits while the client takes none."""
        task = asyncio.current_task()
        assert task is not None
        self._seconds = seconds
        self._send = send
        self._task = task
        self._loop = asyncio.get_running_loop()
        self._since = 0.0  # when the message under way was sent; 0 when there is none
        self._timer: asyncio.TimerHandle | None = None
        self._expired = False
        _WRITER.set(self)

    def limit(self, seconds: float | None) -> None:
        """Wait so long from the next message on."""
        self.close()
        self._seconds = seconds

    async def send(self, message: Any) -> None:
        """Send *message*.  Raises `ReaderTooSlow`."""
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
        finally:
            self._since = 0.0

    def close(self) -> None:
        """Stop looking at the clock."""
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
