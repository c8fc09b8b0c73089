"""A gateway in a process of its own, whose log is read as it is written."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc

from tests.support.gateway import Client


class Process:
    """`python -m gateway` with some flags; nothing of the environment configures it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.port = 0

    @classmethod
    @asynccontextmanager
    async def running(cls, state: Path, *flags: str) -> AsyncIterator[Process]:
        """Run it until the end of the block, with *state* as its state directory; it serves."""
        names = {name for name in os.environ if name.startswith(("DOCKER", "DOCKFLEET"))}
        environment = {name: value for name, value in os.environ.items() if name not in names}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", "--metrics-listen", "off", "--drain-timeout-seconds", "0",
            "--shutdown-timeout-seconds", "1", "--listen", "127.0.0.1:0", "--state-directory", str(state), *flags,
            stderr=asyncio.subprocess.PIPE, env=environment, limit=1 << 24,
        )  # fmt: skip
        gateway = cls(process)
        try:
            gateway.port = int((await gateway.said("serving"))["listen"].rpartition(":")[2])
            yield gateway
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            await process.communicate()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    async def said(self, message: str) -> dict[str, Any]:
        """Read its log up to the line with *message*, and return that; each line must be an object."""
        assert self._process.stderr is not None
        while line := await self._process.stderr.readline():
            found: dict[str, Any] = json.loads(line)
            if found["message"] == message:
                return found
        raise AssertionError(f"the log ended without {message!r}")

    async def stop(self) -> list[dict[str, Any]]:
        """End it by SIGTERM, and return the rest of its log."""
        self.signal(signal.SIGTERM)
        _, rest = await self._process.communicate()
        assert self._process.returncode == 0
        return [json.loads(line) for line in rest.splitlines()]

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """A client of it, in plaintext."""
        options = [("grpc.use_local_subchannel_pool", 1)]
        async with grpc.aio.insecure_channel(f"127.0.0.1:{self.port}", options) as channel:
            yield Client(channel)
