"""Queries to name servers that can be cancelled.  Importing this takes as long as importing dnspython."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from dns._asyncio_backend import Backend

T = TypeVar("T")


async def answered(query: Coroutine[Any, Any, T]) -> T:
    """Return the result of *query*; a cancellation ends both.

    dnspython waits with `asyncio.wait_for`.  In Python 3.11, that ignores a cancellation that comes together with the
    response, and the caller would continue.
    """
    task = asyncio.create_task(query)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait({task})
        raise


class ClosingBackend(Backend):
    """dnspython's backend for asyncio, which closes a UDP socket whose creation was cancelled.

    uvloop keeps such a socket open, and its loop can wait for it when it closes (seen with uvloop 0.23).
    """

    async def make_socket(self, af: Any, socktype: Any, *args: Any, **kwargs: Any) -> Any:
        """Return a new socket.  Raises `OSError`."""
        making = super().make_socket(af, socktype, *args, **kwargs)  # type: ignore[no-untyped-call]
        if socktype != socket.SOCK_DGRAM:
            return await making
        task = asyncio.ensure_future(making)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            with suppress(OSError):
                made = await task
                await made.close()
            raise
