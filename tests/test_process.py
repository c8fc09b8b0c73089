"""What the gateway's process is to the operating system."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest


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


async def test_too_few_files_are_reported_and_half_of_them_are_for_the_hosts() -> None:
    """With all of them as connections of clients, the gateway would reach no host any more."""
    process = await asyncio.create_subprocess_exec(
        *("prlimit", "--nofile=256:256", sys.executable, "-m", "gateway", "--metrics-listen", "off"),
        *("--listen", "127.0.0.1:0", "--host", "h1=unix:///nowhere"),
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    lines = [json.loads(await process.stderr.readline())]
    while lines[-1]["message"] != "serving":
        lines.append(json.loads(await process.stderr.readline()))
    process.terminate()
    await process.communicate()

    [warned] = [line for line in lines if line["message"].startswith("the limit of open files")]
    assert (warned["level"], warned["open_files"], warned["max_client_connections"]) == ("warning", 256, 128)
