"""What systemd's protocol says of a gateway, seen at the socket that the service manager listens on."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from signal import SIGHUP

import pytest

from tests.support.fake_engine import FakeEngine
from tests.support.process import Process


class Manager:
    """A service manager."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel

    async def hears(self, word: str) -> list[str]:
        """Return what was said until *word*, with it."""
        heard: list[str] = []
        while word not in heard:
            text = await asyncio.get_running_loop().sock_recv(self._channel, 1024)
            heard.append(text.decode().partition("\n")[0])
        return heard


@pytest.fixture
async def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Manager]:
    """A service manager that gateways find, and that wants to hear of them five times a second."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.setblocking(False)
        channel.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "200000")
        yield Manager(channel)


async def test_the_service_manager_hears_of_start_reload_and_stop(manager: Manager, tmp_path: Path) -> None:
    """Each word comes when it is true: also a reload that is refused has an end."""
    file = tmp_path / "gateway.yaml"
    async with FakeEngine() as engine:
        file.write_text(f"hosts: [{{name: h1, address: '{engine.address}'}}]")
        async with Process.running(tmp_path, "--config", str(file)) as gateway:
            await manager.hears("READY=1")
            await manager.hears("WATCHDOG=1")

            for text in (file.read_text(), "hosts: nonsense"):
                file.write_text(text)
                gateway.signal(SIGHUP)
                await manager.hears("RELOADING=1")
                await manager.hears("READY=1")

            await gateway.stop()
            heard = await manager.hears("STOPPING=1")

    assert set(heard) <= {"WATCHDOG=1", "STOPPING=1"}
