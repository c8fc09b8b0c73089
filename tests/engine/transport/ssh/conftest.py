"""A real sshd in front of a scripted engine, and a home without any ssh configuration."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.engine.transport.pool import Pool
from tests.support.fake_engine import FakeEngine
from tests.support.sshd import Sshd, pool_by


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder `.ssh` of the gateway's user, who has no agent; it is empty."""
    (tmp_path / ".ssh").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return tmp_path / ".ssh"


@pytest.fixture
async def engine() -> AsyncIterator[FakeEngine]:
    """A scripted engine."""
    async with FakeEngine() as engine:
        yield engine


@pytest.fixture
async def pool(sshd: Sshd, engine: FakeEngine) -> AsyncIterator[Pool]:
    """The pool of connections to the engine, by ssh."""
    async with pool_by(sshd.address(engine.address)) as pool:
        yield pool
