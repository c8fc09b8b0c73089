"""Notifies the service manager by the protocol of systemd for `Type=notify` and `WatchdogSec=`: one datagram per state.

Without `$NOTIFY_SOCKET` no service manager listens, and nothing is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Mapping


class ServiceManager:
    """Receives the state of the gateway."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Read its socket and the watchdog interval from *environ*."""
        name = environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{name[1:]}" if name.startswith("@") else name  # an abstract socket
        # At half of the interval, as sd_watchdog_enabled(3) advises.
        self._beat_seconds = int(environ.get("WATCHDOG_USEC") or 0) / 2e6

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Send watchdog messages while the event loop runs, until the end of the block."""
        beating = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            beating.cancel()

    def ready(self) -> None:
        """The gateway serves, with the configuration as it is now."""
        self._notify("READY=1")

    def reloading(self) -> None:
        """The gateway reads its configuration again; `ready` ends that."""
        self._notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """The gateway begins to stop."""
        self._notify("STOPPING=1")

    async def _beat(self) -> None:
        while self._beat_seconds:
            self._notify("WATCHDOG=1")
            await asyncio.sleep(self._beat_seconds)

    def _notify(self, text: str) -> None:
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.setblocking(False)  # a manager that does not read must not stop the loop
            channel.connect(self._address)
            channel.send(text.encode())
