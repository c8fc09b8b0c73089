"""A testee that runs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Self

from clients.conformance.programs import ROOT, Program

TESTEE_SECONDS = 60.0  # within which a testee must have ended, or printed what is waited for


def environment(address: str, settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a client of the gateway at *address*, with more *settings*, such as `TOKEN`."""
    own = {key: value for key, value in os.environ.items() if not key.startswith("DOCKFLEET_")}
    path = os.pathsep.join((str(ROOT), str(ROOT / "clients/python")))
    more = {f"DOCKFLEET_{name}": value for name, value in (settings or {}).items()}
    return own | {"DOCKFLEET_ADDRESS": address, "PYTHONPATH": path} | more


class Running:
    """A testee that runs: its `lines` so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.lines: list[str] = []
        self.process = process
        self._news = asyncio.Condition()
        self._ended = False
        self._reading = asyncio.ensure_future(self._read())

    @classmethod
    @asynccontextmanager
    async def start(cls, testee: Program, address: str, *argv: str) -> AsyncIterator[Self]:
        """Run *testee* until the end of the block, and then end it with SIGKILL.  Its input does not end."""
        process = await asyncio.create_subprocess_exec(
            *testee.command(*argv),
            env=environment(address),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        running = cls(process)
        try:
            yield running
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            await running._reading

    @classmethod
    async def run(cls, testee: Program, address: str, *argv: str) -> tuple[int, list[str], str]:
        """Run *testee* to its end without input; return its exit code, its lines and its standard error."""
        async with cls.start(testee, address, *argv) as running:
            assert running.process.stdin is not None
            running.process.stdin.close()
            try:
                async with asyncio.timeout(TESTEE_SECONDS):
                    await running._reading
                    code = await running.process.wait()
            except TimeoutError:
                return -1, running.lines, "it has not ended"
            return code, running.lines, await running.errors()

    async def wait_lines(self, count: int) -> bool:
        """Wait for so many lines; return False when it ends before, or takes too long."""
        try:
            async with asyncio.timeout(TESTEE_SECONDS), self._news:
                await self._news.wait_for(lambda: len(self.lines) >= count or self._ended)
        except TimeoutError:
            return False
        return len(self.lines) >= count

    async def errors(self) -> str:
        """Return the end of its standard error, if it has ended."""
        assert self.process.stderr is not None
        return (await self.process.stderr.read()).decode(errors="replace").strip()[-500:] if self._ended else ""

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            async with self._news:
                self.lines.append(line.decode(errors="replace").rstrip("\n"))
                self._news.notify_all()
        async with self._news:
            self._ended = True
            self._news.notify_all()
