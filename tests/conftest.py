"""How all tests run, and the gateway that they run."""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

# Tests start programs during calls; gRPC's support for forks has crashed the process then.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

import hypothesis
import pytest
import uvloop

from tests.support.gateway import OpenGateway, gateway_of
from tests.support.sshd import Sshd, sshd_or_skip

# How long an example takes says nothing: tests hold on a machine that is busy.
hypothesis.settings.register_profile("busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("busy")


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run the tests on the loop that the gateway runs on."""
    return {"uvloop": uvloop.new_event_loop}


TIERS = {  # what the tests of a folder or file need besides Python: CONTRIBUTING.md, Tests
    "tests/real": ("engines",),
    "tests/real/test_faults.py": ("faults",),
    "tests/deploy/test_private_engines.py": ("engines",),
    "tests/engine/transport/ssh": ("engines",),
    "tests/fleet/test_ssh_hosts.py": ("engines",),
    "tests/clients": ("toolchains",),
    "tests/test_breaking.py": ("toolchains",),
    "tests/test_install.py": ("toolchains",),
}


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the garbage collector off the tests themselves: half a million objects, which stay to the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark a test with its tier, and bound the time of an asynchronous one."""
    for marker in _tiers(item.path, item.config.rootpath):
        item.add_marker(marker)
    _bound(item)


@functools.cache
def _tiers(file: Path, root: Path) -> list[str]:
    path = file.relative_to(root)
    return [marker for name, markers in TIERS.items() if path.is_relative_to(name) for marker in markers]


def _bound(item: pytest.Item) -> None:
    """End an asynchronous test when its time is over; uvloop would swallow the exception of pytest-timeout."""
    test = getattr(item, "obj", None)
    if not isinstance(item, pytest.Function) or not inspect.iscoroutinefunction(test):
        return
    marker = item.get_closest_marker("timeout")
    seconds = float(marker.args[0] if marker else item.config.getoption("timeout") or item.config.getini("timeout"))

    @functools.wraps(test)
    async def timed(*args: Any, **kwargs: Any) -> None:
        async with asyncio.timeout(seconds - 1):
            await test(*args, **kwargs)

    item.obj = timed


@pytest.fixture
def open_gateway() -> OpenGateway:
    """Give the function that runs a gateway: `async with open_gateway("unix:///…") as client`."""
    return gateway_of


@pytest.fixture
def stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sshd]:
    """An sshd that does not run yet; the gateway's user has no ssh configuration."""
    monkeypatch.setenv("HOME", str(tmp_path))
    sshd = Sshd(sshd_or_skip(), tmp_path / "sshd")
    yield sshd
    sshd.stop()


@pytest.fixture
def sshd(stopped: Sshd) -> Sshd:
    """The same, and it runs."""
    stopped.start()
    return stopped
