"""A gateway in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc

from gateway.config.settings import HostSettings
from tests.support.gateway import Client

ROOT = Path(__file__).parents[2]


class GatewayProcess:
    """A gateway as it is run in earnest: its `client`, its `log`, and what memory it takes."""

    def __init__(self, pid: int, client: Client, directory: Path) -> None:
        self.pid = pid
        self.client = client
        self.file = directory / "config.json"
        self._log = directory / "log"
        self._before = 0

    @property
    def log(self) -> str:
        """All that it has logged."""
        return self._log.read_text()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def configure(self, hosts: Iterable[HostSettings]) -> None:
        """Write other hosts into its configuration."""
        self.file.write_text(json.dumps(_configuration(self.file.parent, hosts)))

    def weigh(self) -> None:
        """Begin to watch its memory."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")  # the kernel counts the peak anew
        self._before = self._memory("VmRSS")

    def growth(self) -> int:
        """Return by how many bytes its memory has grown at most, since `weigh`."""
        return self._memory("VmHWM") - self._before

    def _memory(self, key: str) -> int:
        found = re.search(rf"{key}:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text())
        assert found
        return int(found[1]) << 10

    @classmethod
    @asynccontextmanager
    async def running(
        cls, directory: Path, hosts: Iterable[HostSettings], *flags: str
    ) -> AsyncIterator[GatewayProcess]:
        """Run a gateway until the end of the block, and end it in good order."""
        file, log = directory / "config.json", directory / "log"
        configuration = _configuration(directory, hosts)
        file.write_text(json.dumps(configuration))
        command = [sys.executable, "-m", "gateway", "--config", str(file), *flags]
        # A gateway refuses variables that it does not know, and those that steer tests are such.
        environment = {key: value for key, value in os.environ.items() if not key.startswith("DOCKFLEET_")}
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *command, cwd=ROOT, env=environment, stdout=output, stderr=output
            )
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_reconnect_backoff_ms", 100)]
        try:
            async with grpc.aio.insecure_channel(configuration["listen"], options) as channel:
                client = Client(channel)
                state = channel.get_state(try_to_connect=True)
                while state is not grpc.ChannelConnectivity.READY:
                    assert process.returncode is None, log.read_text()
                    await channel.wait_for_state_change(state)
                    state = channel.get_state(try_to_connect=True)
                yield cls(process.pid, client, directory)
        finally:
            with contextlib.suppress(ProcessLookupError):  # a test has killed it
                process.terminate()
            await process.wait()


def _configuration(directory: Path, hosts: Iterable[HostSettings]) -> dict[str, Any]:
    return {
        "listen": f"unix://{directory}/gateway",
        "metrics_listen": "off",
        "log_level": "debug",
        "drain_timeout_seconds": 0,
        "shutdown_timeout_seconds": 1,
        "state_directory": str(directory / "state"),
        "hosts": [host.model_dump(mode="json", exclude_none=True) for host in hosts],
    }
