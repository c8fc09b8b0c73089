"""Very many short calls on real engines: each ends as it should, and nothing is left of them.

By default hundreds; `DOCKFLEET_LONG=1` makes it ten thousand.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

import psutil
import pytest
from dockfleet.v1 import common_pb2, containers_pb2, exec_pb2, system_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from tests.real.support import Containers, execute, until
from tests.support.gateway import Client, receive

LONG = bool(os.environ.get("DOCKFLEET_LONG"))
STREAMS = 10_000 if LONG else 500
EXECS = 10_000 if LONG else 150
LEAVING = 190 if LONG else 40  # less than the 200 streams that one connection may have
AT_ONCE = 8
SLACK = 5  # descriptors, tasks, goroutines: what there may be more than before

pytestmark = pytest.mark.timeout(3600 if LONG else 120)


async def follow_log(client: Client, host: str, container: str, number: int) -> Any:
    """Follow a log, of its own: those who begin alike share what can be shared."""
    request = containers_pb2.StreamLogsRequest(host=host, id=container, follow=True, tail=number % 7)
    return client.containers.StreamLogs(request)


async def watch_stats(client: Client, host: str, container: str, number: int) -> Any:
    """Watch the use of resources."""
    return client.containers.StreamStats(containers_pb2.StreamStatsRequest(host=host, id=container))


async def watch_events(client: Client, host: str, container: str, number: int) -> Any:
    """Watch events, from the first that is remembered."""
    return client.system.StreamEvents(system_pb2.StreamEventsRequest(host=host, since=Timestamp(seconds=1)))


async def attach(client: Client, host: str, container: str, number: int) -> Any:
    """Attach to a container."""
    call = client.containers.AttachContainer()
    start = containers_pb2.AttachContainerStart(
        host=host, id=container, stream=True, attach_stdout=True, attach_stdin=True
    )
    await call.write(containers_pb2.AttachContainerRequest(start=start))
    return call


async def execute_cat(client: Client, host: str, container: str, number: int) -> Any:
    """Run what ends when its client is gone; of some the gateway makes sure."""
    call = client.exec.Exec()
    keep = exec_pb2.ON_DISCONNECT_KEEP if number % 4 else exec_pb2.ON_DISCONNECT_KILL
    start = exec_pb2.ExecStart(host=host, id=container, cmd=["cat"], attach_stdin=True, on_disconnect=keep)
    await call.write(exec_pb2.ExecRequest(start=start))
    return call


# An exec costs the engine as much as a dozen of the others.
MIX = (follow_log, watch_events, attach, watch_stats) * 3 + (execute_cat,)


async def test_nothing_is_left_of_streams_that_were_cancelled(
    client: Client, host: str, containers: Containers, private: None
) -> None:
    """Whenever they are cancelled: descriptors, tasks and the engine's goroutines are back within five seconds."""
    # An engine notices that an attached client is gone only when the container writes.
    script = "while :; do echo line; usleep 300000; done"
    several = [await containers.start("sh", "-c", script, open_stdin=True) for _ in range(4)]
    await storm(client, host, several, len(MIX) * AT_ONCE)  # what is made once is made now
    base = await settled(client, host)

    await storm(client, host, several, STREAMS)

    async def back() -> bool:
        now = await figures(client, host)
        return all(one <= was + SLACK for one, was in zip(now, base, strict=True))

    try:
        await until(back, 5)
    finally:
        print(f"{STREAMS} streams on {host}: descriptors, tasks, goroutines {base}, then {await figures(client, host)}")

    async def alone() -> bool:
        processes = [await processes_of(client, host, container) for container in several]
        return all(set(names) <= {"sh", "usleep"} for names in processes)

    await until(alone, 5)  # those who look for processes to kill take turns, and may be at it when none is left


async def storm(client: Client, host: str, several: list[str], count: int) -> None:
    """Open *count* streams of all kinds, some at once; cancel a third of them at once, the others after a message."""
    numbers = iter(range(count))

    async def one_after_the_other() -> None:
        for number in numbers:
            call = await MIX[number % len(MIX)](client, host, several[number // len(MIX) % len(several)], number)
            if number % 3:
                await receive(call)
            call.cancel()

    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))


async def figures(client: Client, host: str) -> tuple[int, int, int]:
    """Descriptors and tasks of this process, gateway and client in one, and goroutines of the engine."""
    goroutines = (await client.system.GetInfo(system_pb2.GetInfoRequest(host=host))).info.goroutines
    return psutil.Process().num_fds(), len(asyncio.all_tasks()), goroutines


async def settled(client: Client, host: str) -> tuple[int, int, int]:
    """The figures when they do not fall any more."""
    before = await figures(client, host)
    for _ in range(40):
        await asyncio.sleep(0.25)
        now = await figures(client, host)
        if sum(now) >= sum(before) - 1:
            break
        before = now
    return before


async def processes_of(client: Client, host: str, container: str) -> list[str]:
    """The names of a container's processes."""
    request = containers_pb2.TopContainerRequest(host=host, id=container, ps_args="-eo pid,comm")
    processes = (await client.containers.TopContainer(request)).processes
    return [process.items[1] for process in processes]


async def test_every_short_exec_has_one_exit_message_with_its_code(
    client: Client, host: str, containers: Containers
) -> None:
    """However many there are, and however short."""
    container = await containers.start("sleep", "10000")
    numbers = iter(range(EXECS))

    async def one_after_the_other() -> int:
        right = 0
        for number in numbers:
            ended = await execute(client, host, container, "sh", "-c", f"echo {number}; exit {number % 200}")
            assert ended.order == ["started", "output", "end"]
            assert ended.exit_code == number % 200
            assert ended.stdout == b"%d\n" % number
            right += 1
        return right

    assert sum(await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))) == EXECS


async def test_however_many_leave_at_once_none_of_their_processes_is_left(
    client: Client, host: str, containers: Containers
) -> None:
    """An exec of the gateway costs the engine as much as one of a client; it kills the processes of many."""
    container = await containers.start("sh", "-c", "while :; do usleep 300000; done")
    start = exec_pb2.ExecStart(host=host, id=container, cmd=["sleep", "1000"])
    calls = []
    for _ in range(LEAVING):
        calls.append(call := client.exec.Exec())  # not earlier: calls without a message have no room for long
        await call.write(exec_pb2.ExecRequest(start=start))
        assert (await receive(call)).HasField("started")
    for call in calls:
        call.cancel()

    async def all_gone() -> bool:
        return "sleep" not in await processes_of(client, host, container)

    await until(all_gone, 90)
    assert await execs_of_the_gateway(client, host, container) < LEAVING


async def execs_of_the_gateway(client: Client, host: str, container: str) -> int:
    """How many execs the gateway has started in a container to kill what was left there."""
    filters = {"container": common_pb2.StringList(items=[container])}
    request = system_pb2.StreamEventsRequest(
        host=host, since=Timestamp(seconds=1), until=Timestamp(seconds=int(time.time()) + 1), filters=filters
    )
    events = [message.event async for message in client.system.StreamEvents(request) if message.HasField("event")]
    return sum("exec_start" in event.action and "dockfleet-kill" in event.action for event in events)
