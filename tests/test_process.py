"""What the gateway's process is to the operating system."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pytest

Logged: TypeAlias = AsyncIterator[dict[str, Any]]


async def limits_of(*command: str) -> dict[str, list[str]]:
    """Return the limits of a process that runs `main` of the gateway as far as its configuration, by name."""
    program = (
        "import sys, asyncio; from gateway import __main__ as gateway\n"
        "async def show(*_): print(open('/proc/self/limits').read())\n"
        "gateway.serve = show; sys.argv[1:] = ['--metrics-listen', 'off']; gateway.main()"
    )
    process = await asyncio.create_subprocess_exec(
        *command, sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    output, _ = await process.communicate()
    return {line[:26].strip(): line[26:].split() for line in output.decode().splitlines()[1:]}


async def test_as_many_files_are_opened_as_the_process_may_have() -> None:
    """The soft limit of many systems is 1,024, which is less than the connections of a fleet."""
    found = await limits_of("prlimit", "--nofile=200:400")

    assert found["Max open files"][:2] == ["400", "400"]


async def test_a_crash_leaves_no_file_with_keys_in_it() -> None:
    """There are no core dumps."""
    found = await limits_of("prlimit", "--core=unlimited:unlimited")

    assert found["Max core file size"][0] == "0"


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_the_memory_of_the_process_is_not_for_others_of_its_user() -> None:
    """The kernel says that the process is not to be dumped, nor to be traced."""
    program = "from gateway import process; import ctypes; process.hide_memory(); print(ctypes.CDLL(None).prctl(3))"
    dumpable = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout

    assert dumpable.strip() == "0"


@asynccontextmanager
async def small_gateway(*arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, Logged]]:
    """A gateway process that may open 256 files, and its log."""
    process = await asyncio.create_subprocess_exec(
        *("prlimit", "--nofile=256:256", sys.executable, "-m", "gateway", "--metrics-listen", "off"),
        *("--listen", "127.0.0.1:0", *arguments),
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None

    async def logged() -> AsyncIterator[dict[str, Any]]:
        while line := await process.stderr.readline():  # type: ignore[union-attr]
            yield json.loads(line)

    try:
        yield process, logged()
    finally:
        process.terminate()
        await process.communicate()


async def until(logged: Logged, **fields: Any) -> list[dict[str, Any]]:
    """The lines that tell of the limit of open files, up to the line that has *fields*."""
    lines = []
    async for line in logged:
        if line["message"].startswith("the limit of open files"):
            lines.append(line)
        if fields.items() <= line.items():
            return lines
    raise AssertionError(f"the log ends without {fields}")


async def test_too_few_files_are_reported_and_half_of_them_are_for_the_hosts() -> None:
    """With all of them as connections of clients, the gateway would reach no host any more."""
    async with small_gateway("--host", "h1=unix:///nowhere") as (_, logged):
        [warned] = await until(logged, message="serving")

    assert (warned["level"], warned["open_files"], warned["max_client_connections"]) == ("warning", 256, 128)


async def test_more_hosts_than_there_are_files_for_are_reported_at_the_start_and_when_more_come(tmp_path: Path) -> None:
    """The warning has the numbers and the remedy; of as many hosts as before there is no second one."""
    file = tmp_path / "config.json"

    def configure(count: int, labels: dict[str, str]) -> None:
        hosts = [{"name": f"h{number}", "address": "unix:///nowhere", "labels": labels} for number in range(count)]
        file.write_text(json.dumps({"hosts": hosts}))

    configure(9, {})
    async with small_gateway("--config", str(file)) as (process, logged):
        first = (await until(logged, message="serving"))[1:]  # the other one is about clients
        configure(9, {"as": "before"})
        process.send_signal(signal.SIGHUP)
        second = await until(logged, message="reloaded")
        configure(10, {})
        process.send_signal(signal.SIGHUP)
        third = await until(logged, hosts=10, open_files=256)

    told = [(line["level"], line["hosts"], line["open_files"], line["needed"]) for line in (*first, *second, *third)]
    assert told == [("warning", 9, 256, 1356), ("warning", 10, 256, 1360)]
    assert "LimitNOFILE=" in first[0]["message"]
