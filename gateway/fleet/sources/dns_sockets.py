"""Sockets for queries to name servers.  Importing this takes as long as importing dnspython."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import Any

from dns._asyncio_backend import Backend


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
