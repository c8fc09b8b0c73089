"""Readers that stop reading, and storms of short calls, on real engines: who notices, and what remains.

`DOCKFLEET_LONG=1` takes the long time and the large numbers.
"""

from __future__ import annotations

import asyncio
import os
import time
from itertools import pairwise
from typing import Any

import grpc
import psutil
import pytest
from dockfleet.v1 import common_pb2, containers_pb2, exec_pb2, system_pb2

from tests.conftest import Client
from tests.real.support import Containers, until

LONG = bool(os.environ.get("DOCKFLEET_LONG"))
STALL = 60.0 if LONG else 6.0  # seconds without reading; more would reach `limits.stall_seconds`
MANY = 10_000 if LONG else 1_000
MEMORY = 64 << 20  # bytes by which this process, gateway and client in one, may grow

# Not `new`: it is chrooted, and execs are not contained there.
pytestmark = [
    pytest.mark.parametrize("host", ["one"], indirect=True),
    pytest.mark.timeout(1800 if LONG else 180),
]
# Writes without end, and counts in a file of its own container how often it has.
WRITER = (
    "i=0; while :; do i=$((i+1)); head -c 60000 /dev/zero | tr '\\0' x; echo; "
    "echo $i >/tmp/c; mv /tmp/c /tmp/count; done"
)


async def counted(client: Client, host: str, container: str) -> int:
    """How far the container's process has come."""
    call = client.exec.Exec()
    start = exec_pb2.ExecStart(host=host, id=container, cmd=["cat", "/tmp/count"])
    await call.write(exec_pb2.ExecRequest(start=start))
    await call.done_writing()
    return int(b"".join([message.output.data async for message in rest(call)]) or 0)


async def rest(call: Any) -> Any:
    """Yield what is left of a call."""
    while (message := await call.read()) is not grpc.aio.EOF:
        yield message


async def test_a_container_runs_on_while_its_attached_reader_stands_still(
    client: Client, host: str, containers: Containers
) -> None:
    """Its counter goes on to the last second, other calls are answered, memory is bounded, and the loss is told."""
    container = await containers.start("sh", "-c", WRITER, host_config={"log_config": {"type": "none"}})
    call = client.containers.AttachContainer()
    start = containers_pb2.AttachContainerStart(host=host, id=container, stream=True, stdout=True)
    await call.write(containers_pb2.AttachContainerRequest(start=start))
    assert (await call.read()).HasField("started")
    before, counts, slowest = psutil.Process().memory_info().rss, [], 0.0

    end = time.monotonic() + STALL
    while time.monotonic() < end:
        await asyncio.sleep(0.5)  # the time that passes is what is tested
        began = time.monotonic()
        await client.containers.InspectContainer(containers_pb2.InspectContainerRequest(host=host, id=container))
        slowest = max(slowest, time.monotonic() - began)
        counts.append(await counted(client, host, container))

    grown = psutil.Process().memory_info().rss - before
    async for message in rest(call):
        if message.HasField("dropped"):
            break
    print(f"counts {counts[0]} … {counts[-1]}, grown {grown >> 20} MiB, slowest {slowest:.3f} s")
    assert message.dropped.bytes > 1 << 20
    assert all(later > earlier for earlier, later in pairwise(counts))
    assert grown < MEMORY
    assert slowest < 2


async def test_an_exec_that_nobody_reads_waits_and_holds_up_nothing_else(
    client: Client, host: str, containers: Containers
) -> None:
    """The process stands still with its pipe full; the container and the engine go on; then all comes."""
    total = 64 << 20
    container = await containers.start(
        "sh", "-c", "i=0; while :; do i=$((i+1)); echo $i >/tmp/c; mv /tmp/c /tmp/count; usleep 1000; done"
    )
    call = client.exec.Exec()
    start = exec_pb2.ExecStart(host=host, id=container, cmd=["head", "-c", str(total), "/dev/zero"])
    await call.write(exec_pb2.ExecRequest(start=start))
    assert (await call.read()).HasField("started")
    before, first = psutil.Process().memory_info().rss, await counted(client, host, container)

    await asyncio.sleep(min(STALL, 30))

    grown = psutil.Process().memory_info().rss - before
    assert await counted(client, host, container) > first + 100
    *output, end = [message async for message in rest(call)]
    assert sum(len(message.output.data) for message in output) == total
    assert end.exit.exit_code == 0
    assert grown < MEMORY


async def test_every_short_exec_has_one_exit_message_with_its_code(
    client: Client, host: str, containers: Containers
) -> None:
    """However many there are, and however short."""
    container = await containers.start("sleep", "10000")
    numbers = iter(range(MANY))

    async def one_after_the_other() -> int:
        right = 0
        for number in numbers:
            call = client.exec.Exec()
            cmd = ["sh", "-c", f"echo {number}; exit {number % 200}"]
            await call.write(exec_pb2.ExecRequest(start=exec_pb2.ExecStart(host=host, id=container, cmd=cmd)))
            await call.done_writing()
            read = [message async for message in rest(call)]
            exits = [message.exit for message in read if message.HasField("exit")]
            assert len(exits) == 1
            assert exits[0].HasField("exit_code")
            assert exits[0].exit_code == number % 200
            assert b"".join(message.output.data for message in read) == b"%d\n" % number
            right += 1
        return right

    assert sum(await asyncio.gather(*(one_after_the_other() for _ in range(8)))) == MANY


async def test_nothing_is_left_of_streams_that_were_cancelled(
    client: Client, host: str, containers: Containers
) -> None:
    """Descriptors, tasks and the engine's goroutines are what they were before, give or take five.

    An engine itself notices that an attached client is gone only when the container writes, or ends.
    """
    container = await containers.start("sh", "-c", "while :; do echo; sleep 1; done")
    await storm(client, host, container, 50)  # what is made once is made now
    base = await figures(client, host)

    await storm(client, host, container, MANY)

    async def back() -> bool:
        now = await figures(client, host)
        return all(one <= was + 5 for one, was in zip(now, base, strict=True))

    await until(back, 10)


async def storm(client: Client, host: str, container: str, number: int) -> None:
    """Open attaches and watchers of events, a few at a time, and cancel each."""
    attach = containers_pb2.AttachContainerStart(host=host, id=container, stream=True, stdout=True)
    numbers = iter(range(number))

    async def one_after_the_other() -> None:
        for one in numbers:
            if one % 2:
                call = client.containers.AttachContainer()
                await call.write(containers_pb2.AttachContainerRequest(start=attach))
                await call.read()
            else:
                filters = {"container": common_pb2.StringList(items=[container])}
                call = client.system.StreamEvents(system_pb2.StreamEventsRequest(host=host, filters=filters))
                await asyncio.sleep(0.001)  # sometimes before it is there
            call.cancel()

    await asyncio.gather(*(one_after_the_other() for _ in range(10)))


async def figures(client: Client, host: str) -> tuple[int, int, int]:
    """Descriptors and tasks of this process, and goroutines of the engine."""
    goroutines = (await client.system.GetInfo(system_pb2.GetInfoRequest(host=host))).info.goroutines
    return psutil.Process().num_fds(), len(asyncio.all_tasks()), goroutines
