"""StreamLogs: what containers have written, and what they write."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from dockfleet.v1 import common_pb2, containers_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from tests.real.support import Containers, messages, news, until
from tests.support.gateway import Client

BOTH = [pytest.param(False, id="plain"), pytest.param(True, id="terminal")]


def stream(client: Client, host: str, container: str, **request: Any) -> Any:
    """Begin to read a log."""
    return client.containers.StreamLogs(containers_pb2.StreamLogsRequest(host=host, id=container, **request))


async def read(client: Client, host: str, container: str, **request: Any) -> list[containers_pb2.LogEntry]:
    """Read a log to its end."""
    call = stream(client, host, container, **request)
    return [entry for response in await messages(call) for entry in response.batch.entries]


def lines(entries: list[containers_pb2.LogEntry], stream: int = common_pb2.STANDARD_STREAM_STDOUT) -> list[bytes]:
    """Return the lines of one stream, those that were cut put together again."""
    put, begun = [], b""
    for entry in entries:
        if entry.stream == stream:
            begun += entry.data
            if not entry.partial:
                put.append(begun)
                begun = b""
    return [*put, begun] if begun else put


@pytest.mark.parametrize("host", ["one", "two", "new"], indirect=True)
async def test_following_ends_with_the_container_and_misses_nothing(
    client: Client, host: str, containers: Containers
) -> None:
    """A follower gets every line of both outputs once, in order and with its time, until the container ends."""
    # The pause: Docker 20.10 itself drops the end of a followed log when the container ends right after it.
    count = "for i in $(seq 1 5000); do echo out $i; [ $((i % 5)) = 0 ] && echo err $i >&2; done"
    script = f"read go; {count}; sleep 1; exit 3"
    container = await containers.start("sh", "-c", f"echo begin; {script}", open_stdin=True)
    call = stream(client, host, container, follow=True)
    first = list((await news(call)).batch.entries)
    typing = client.containers.AttachContainer()
    start = containers_pb2.AttachContainerStart(host=host, id=container, stream=True, attach_stdin=True)
    await typing.write(containers_pb2.AttachContainerRequest(start=start))
    await typing.write(containers_pb2.AttachContainerRequest(stdin=b"go\n"))

    entries = first + [entry for response in await messages(call) for entry in response.batch.entries]

    assert lines(entries) == [b"begin", *(b"out %d" % number for number in range(1, 5001))]
    assert lines(entries, common_pb2.STANDARD_STREAM_STDERR) == [b"err %d" % number for number in range(5, 5001, 5)]
    times = [entry.time.ToNanoseconds() for entry in entries if entry.stream == common_pb2.STANDARD_STREAM_STDOUT]
    assert times == sorted(times)
    assert times[0] > 0
    assert not any(entry.partial for entry in entries)
    assert (await containers.inspect(container)).state.exit_code == 3


@pytest.mark.parametrize("way", ["exits with --rm", "is removed"])
async def test_following_a_container_that_is_removed_ends_with_its_exit_code(
    client: Client, host: str, containers: Containers, way: str
) -> None:
    """The engine refuses the log of a container that is being removed: that is its end, and no failure."""

    async def follow() -> containers_pb2.StreamLogsResponse:
        removes_itself = way == "exits with --rm"
        host_config = {"auto_remove": removes_itself, "network_mode": "none"}
        script = "echo begun; sleep 1; echo over; exit 7" if removes_itself else "echo begun; exec sleep 1000"
        container = await containers.start("sh", "-c", script, host_config=host_config)
        call = stream(client, host, container, follow=True)
        first = await news(call)
        assert [entry.data for entry in first.batch.entries] == [b"begun"]
        if not removes_itself:
            request = containers_pb2.RemoveContainerRequest(host=host, id=container, force=True)
            await client.containers.RemoveContainer(request)
        last: containers_pb2.StreamLogsResponse = (await messages(call))[-1]
        return last

    async def gone() -> bool:
        return not await containers.all_ids()

    ends = [last.end for last in await asyncio.gather(*(follow() for _ in range(8)))]
    await until(gone)

    code = 7 if way == "exits with --rm" else 137
    exited = containers_pb2.LogEnd(reason=containers_pb2.LOG_END_REASON_EXITED, exit_code=code)
    assert ends == [exited] * len(ends)


async def test_without_follow_it_ends_at_once(client: Client, host: str, containers: Containers) -> None:
    """The log up to now ends with OK while the container runs on."""
    container = await containers.start("sh", "-c", "echo one; echo two; exec sleep 1000")
    follower = stream(client, host, container, follow=True)
    seen = 0
    while seen < 2:
        seen += len((await follower.read()).batch.entries)

    entries = await read(client, host, container)

    assert lines(entries) == [b"one", b"two"]
    assert (await containers.inspect(container)).state.running


async def test_what_is_asked_for_is_what_comes(client: Client, host: str, containers: Containers) -> None:
    """One output alone, the last lines alone, no times: as the request says."""
    script = "for i in 1 2 3; do echo out $i; echo err $i >&2; done"
    container = await containers.run("sh", "-c", script)

    both = await read(client, host, container)
    output = await read(client, host, container, stdout=True)
    errors = await read(client, host, container, stderr=True)
    last = await read(client, host, container, tail=2)
    none = await read(client, host, container, tail=0)
    timeless = await read(client, host, container, timestamps=False)

    # The two outputs are two pipes, and the engine gives no order between them.
    assert sorted(entry.data for entry in both) == [b"err 1", b"err 2", b"err 3", b"out 1", b"out 2", b"out 3"]
    assert [entry.data for entry in output] == [b"out 1", b"out 2", b"out 3"]
    assert [entry.data for entry in errors] == [b"err 1", b"err 2", b"err 3"]
    assert [entry.data for entry in last] == [entry.data for entry in both[-2:]]
    assert none == []
    assert [entry.data for entry in timeless] == [entry.data for entry in both]
    assert not any(entry.HasField("time") for entry in timeless)


async def test_since_and_until_cut_a_piece_out(client: Client, host: str, containers: Containers) -> None:
    """`since` includes its instant, and `until` too, to the nanosecond."""
    container = await containers.run("sh", "-c", "for i in 1 2 3 4 5; do echo $i; sleep 0.02; done")
    times = [entry.time for entry in await read(client, host, container)]

    later = await read(client, host, container, since=times[1])
    after = await read(client, host, container, since=_plus(times[1], 1))
    piece = await read(client, host, container, since=times[1], until=_plus(times[2], 1))

    assert lines(later) == [b"2", b"3", b"4", b"5"]
    assert lines(after) == [b"3", b"4", b"5"]
    assert lines(piece) == [b"2", b"3"]


@pytest.mark.parametrize("tty", BOTH)
async def test_long_lines_come_whole(client: Client, host: str, containers: Containers, tty: bool) -> None:
    """An engine cuts lines into pieces of 16 KiB: they are joined; a line without an end is marked as partial."""
    script = "head -c 50000 /dev/zero | tr '\\0' 'x'; echo; echo short; printf unfinished"
    container = await containers.run("sh", "-c", script, tty=tty)

    entries = await read(client, host, container)

    feed = b"\r" if tty else b""
    assert [entry.data for entry in entries] == [b"x" * 50000 + feed, b"short" + feed, b"unfinished"]
    assert [entry.partial for entry in entries] == [False, False, True]
    assert all(entry.time.seconds for entry in entries)


@pytest.mark.parametrize("tty", BOTH)
async def test_longer_lines_come_in_parts(client: Client, host: str, containers: Containers, tty: bool) -> None:
    """A line beyond 1 MiB comes in parts that are marked; together they are the line."""
    script = "head -c 3000000 /dev/zero | tr '\\0' 'x'; echo; echo short"
    container = await containers.run("sh", "-c", script, tty=tty)

    entries = await read(client, host, container)

    feed = b"\r" if tty else b""
    assert lines(entries) == [b"x" * 3_000_000 + feed, b"short" + feed]
    assert [entry.partial for entry in entries] == [True, True, False, False]
    assert max(len(entry.data) for entry in entries) <= 1 << 20


@pytest.mark.parametrize("tty", BOTH)
async def test_bytes_are_not_text(client: Client, host: str, containers: Containers, tty: bool) -> None:
    """Where the log driver keeps bytes as they are, they arrive as they are."""
    everything = "".join(f"\\{number:03o}" for number in range(256) if number not in (10, 13))
    script = f"stty -opost 2> /dev/null; printf '{everything}\\n\\n{everything}\\n'"
    host_config = {"log_config": {"type": "local"}, "network_mode": "none"}
    container = await containers.run("sh", "-c", script, tty=tty, host_config=host_config)

    entries = await read(client, host, container)

    data = bytes(number for number in range(256) if number not in (10, 13))
    assert [entry.data for entry in entries] == [data, b"", data]


async def test_a_terminal_has_one_output_with_times(client: Client, host: str, containers: Containers) -> None:
    """With a terminal every line is standard output's, and has its time."""
    container = await containers.run("sh", "-c", "echo one; echo two >&2; echo; echo four", tty=True)

    entries = await read(client, host, container, follow=True)

    assert [entry.data for entry in entries] == [b"one\r", b"two\r", b"\r", b"four\r"]
    assert {entry.stream for entry in entries} == {common_pb2.STANDARD_STREAM_STDOUT}
    assert all(entry.time.seconds for entry in entries)


@pytest.mark.parametrize("tty", BOTH)
async def test_details_are_sent_when_asked_for(client: Client, host: str, containers: Containers, tty: bool) -> None:
    """With `details`, entries have the attributes that the log driver keeps, and their data have not."""
    container = await containers.run(
        "sh",
        "-c",
        "echo a b=c",
        tty=tty,
        env=["COLOUR=light blue, dark=red"],
        host_config={"log_config": {"type": "json-file", "config": {"env": "COLOUR"}}, "network_mode": "none"},
    )

    entries = await read(client, host, container, details=True)

    assert [entry.data.strip() for entry in entries] == [b"a b=c"]
    assert dict(entries[0].details) == {"COLOUR": "light blue, dark=red"}
    assert entries[0].time.seconds


async def test_a_reader_that_stalls_loses_nothing(client: Client, host: str, containers: Containers) -> None:
    """A reader that begins long after the log is full gets all of it: the engine waits."""
    container = await containers.start("sh", "-c", "yes 0123456789012345678901234567890123456789 | head -n 300000")
    call = stream(client, host, container, follow=True)
    await containers.wait(container)

    entries = [entry for response in await messages(call) for entry in response.batch.entries]

    assert lines(entries) == [b"0123456789" * 4] * 300000


def _plus(time: Timestamp, nanoseconds: int) -> Timestamp:
    later = Timestamp()
    later.FromNanoseconds(time.ToNanoseconds() + nanoseconds)
    return later


@pytest.mark.parametrize("host", ["one", "new"], indirect=True)
async def test_times_of_a_request_are_included(client: Client, host: str, containers: Containers) -> None:
    """`since` and `until` name the first and the last entry: what has their very time comes too."""
    container = await containers.run("sh", "-c", "for i in 1 2 3 4 5; do echo $i; sleep 0.01; done")
    times = [entry.time for entry in await read(client, host, container)]

    part = await read(client, host, container, since=times[1], until=times[3])
    just_before = Timestamp(seconds=times[3].seconds, nanos=times[3].nanos - 1)
    without = await read(client, host, container, since=times[1], until=just_before)

    assert lines(part) == [b"2", b"3", b"4"]
    assert lines(without) == [b"2", b"3"]
