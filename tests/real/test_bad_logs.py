"""Logs that are hard to read, and requests that should not be answered, on real engines.

`DOCKFLEET_LONG=1` makes lines as long as 100 MB on every engine.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from dockfleet.v1 import common_pb2, containers_pb2, system_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from tests.real.processes import GatewayProcess
from tests.real.support import Containers, Fleet, messages
from tests.support.gateway import Client, failed, gateway_of

LONG = bool(os.environ.get("DOCKFLEET_LONG"))
MEMORY = 32 << 20  # bytes by which the gateway may grow
MOST = 1 << 20  # bytes of an entry

pytestmark = pytest.mark.timeout(600 if LONG else 120)


def stream(client: Client, host: str, container: str, **request: Any) -> Any:
    """Begin to read a log."""
    return client.containers.StreamLogs(containers_pb2.StreamLogsRequest(host=host, id=container, **request))


def watch(client: Client, host: str, **request: Any) -> Any:
    """Begin to watch events."""
    return client.system.StreamEvents(system_pb2.StreamEventsRequest(host=host, **request))


async def refusal(call: Any) -> tuple[grpc.StatusCode, str]:
    """Return how a call fails; it has no messages before."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    return failed(caught.value).code, failed(caught.value).reason


# Tokens and times

SPOILT: dict[str, Callable[[bytes], bytes]] = {
    "forged": lambda token: token[:-1] + bytes([token[-1] ^ 1]),
    "altered": lambda token: bytes([token[0] ^ 1]) + token[1:],
    "truncated": lambda token: token[:-1],
    "made up": lambda token: b"token",
    "too long": lambda token: token * 100,
}
BAD_TOKEN = (grpc.StatusCode.INVALID_ARGUMENT, "BAD_RESUME_TOKEN")


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
async def test_a_token_that_is_not_ours_is_refused(
    client: Client, host: str, containers: Containers, spoil: Callable[[bytes], bytes]
) -> None:
    """A token with any change is refused."""
    container = await containers.run("echo", "line")
    log = (await stream(client, host, container).read()).resume_token
    event = (await watch(client, host, since={"seconds": 1}).read()).resume_token

    assert await refusal(stream(client, host, container, resume_token=spoil(log))) == BAD_TOKEN
    assert await refusal(watch(client, host, resume_token=spoil(event))) == BAD_TOKEN


async def test_a_token_is_good_for_what_it_was_given_for_alone(
    client: Client, fleet: Fleet, host: str, containers: Containers
) -> None:
    """Not for another gateway's key, another container, another host, nor for the other kind of stream."""
    container, other = await containers.run("echo", "line"), await containers.run("echo", "other")
    log = (await stream(client, host, container).read()).resume_token
    event = (await watch(client, host, since={"seconds": 1}).read()).resume_token
    elsewhere = fleet.need("new" if host == "one" else "one")
    async with gateway_of(fleet.hosts[host]) as stranger:
        assert await refusal(stream(stranger, host, container, resume_token=log)) == BAD_TOKEN
        assert await refusal(watch(stranger, host, resume_token=event)) == BAD_TOKEN

    assert (await refusal(stream(client, host, other, resume_token=log)))[0] is grpc.StatusCode.INVALID_ARGUMENT
    assert (await refusal(watch(client, elsewhere, resume_token=event)))[0] is grpc.StatusCode.INVALID_ARGUMENT
    assert await refusal(stream(client, host, container, resume_token=event)) == BAD_TOKEN
    assert await refusal(watch(client, host, resume_token=log)) == BAD_TOKEN


async def test_an_outdated_token_gets_an_end_or_a_gap(client: Client, host: str, containers: Containers) -> None:
    """The log of a removed container ends.  Where a log was rotated away, a gap comes first."""
    logs = {"type": "json-file", "config": {"max-size": "2k", "max-file": "2"}}
    container = await containers.create("seq", "1", "500", host_config={"log_config": logs, "network_mode": "none"})
    await run_again(client, host, container, containers)
    first = await stream(client, host, container).read()
    await run_again(client, host, container, containers)

    gap, *later = await messages(stream(client, host, container, resume_token=first.resume_token))
    await client.containers.RemoveContainer(containers_pb2.RemoveContainerRequest(host=host, id=container))
    [end] = await messages(stream(client, host, container, resume_token=first.resume_token))

    assert gap.gap.reason == common_pb2.GAP_REASON_ROTATED
    assert gap.gap.after.ToNanoseconds() == first.batch.entries[-1].time.ToNanoseconds()
    entries = [entry for message in later for entry in message.batch.entries]
    assert gap.gap.before.ToNanoseconds() == entries[0].time.ToNanoseconds()
    assert entries[-1].data == b"500"
    assert end.end.reason == containers_pb2.LOG_END_REASON_REMOVED


async def run_again(client: Client, host: str, container: str, containers: Containers) -> None:
    """Start a container and wait for its end."""
    await client.containers.StartContainer(containers_pb2.StartContainerRequest(host=host, id=container))
    await containers.wait(container)


@pytest.mark.parametrize("follow", [False, True], ids=["once", "follow"])
async def test_a_time_that_ends_before_it_begins_is_refused(
    client: Client, host: str, containers: Containers, follow: bool
) -> None:
    """`since` after `until`, even by a nanosecond, is a mistake, and not an empty log."""
    container = await containers.run("echo", "line")
    times = {"since": Timestamp(seconds=1_700_000_000, nanos=1), "until": Timestamp(seconds=1_700_000_000)}

    assert (await refusal(stream(client, host, container, follow=follow, **times)))[0] is (
        grpc.StatusCode.INVALID_ARGUMENT
    )
    assert (await refusal(watch(client, host, **times)))[0] is grpc.StatusCode.INVALID_ARGUMENT


# Logs that cannot be read

UNREADABLE = {
    "none": {"type": "none"},
    "syslog": {"type": "syslog", "config": {"syslog-address": "udp://127.0.0.1:9", "cache-disabled": "true"}},
    "gelf": {"type": "gelf", "config": {"gelf-address": "udp://127.0.0.1:9", "cache-disabled": "true"}},
}


@pytest.mark.parametrize("log_config", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("follow", [False, True], ids=["once", "follow"])
async def test_a_driver_that_cannot_be_read_is_an_error(
    client: Client, host: str, containers: Containers, log_config: dict[str, Any], follow: bool
) -> None:
    """A container whose log driver keeps nothing has no log to read, and none to wait for."""
    script = "echo lost; sleep 1000" if follow else "echo lost"
    begin = containers.start if follow else containers.run
    container = await begin("sh", "-c", script, host_config={"log_config": log_config, "network_mode": "none"})

    code, reason = await refusal(stream(client, host, container, follow=follow))

    assert (code, reason) == (grpc.StatusCode.FAILED_PRECONDITION, "NOT_SUPPORTED")


async def test_a_driver_that_sends_its_log_away_is_read_from_the_engines_own_copy(
    client: Client, host: str, containers: Containers
) -> None:
    """Engines keep one, unless they are configured not to."""
    config = {"type": "syslog", "config": {"syslog-address": "udp://127.0.0.1:9"}}
    container = await containers.run("echo", "kept", host_config={"log_config": config, "network_mode": "none"})

    read = await messages(stream(client, host, container))

    assert [entry.data for message in read for entry in message.batch.entries] == [b"kept"]


# Long lines

# One line of what $1 prints, and then one with its digest.  (The pause: Docker 20.10 itself drops the end of a followed
# log when the container ends right after it.)
SCRIPT = "stty -opost 2>/dev/null; eval $1 | tr -d '\\n' >/line; cat /line; echo; sha256sum </line; sleep 1"
BYTES = "local", "head -c {0}000000 /dev/urandom"  # no text, NUL among them
TEXT = "json-file", "head -c {0}000000 /dev/urandom | base64"  # as it is kept as JSON

BOTH = [pytest.param(False, id="plain"), pytest.param(True, id="terminal")]
KEPT = [
    pytest.param("one", TEXT, id="one-text"),
    pytest.param("new", TEXT, id="new-text"),
    pytest.param("new", BYTES, id="new-bytes"),
]


@pytest.mark.parametrize("tty", BOTH)
@pytest.mark.parametrize(("host", "kept"), KEPT, indirect=["host"])
async def test_a_line_of_100_mb_comes_in_parts(
    host: str, containers: Containers, gateway_process: GatewayProcess, kept: tuple[str, str], tty: bool
) -> None:
    """Every byte comes, in parts marked as such; the next line is whole; the gateway keeps none of it for long."""
    driver, script = kept
    megabytes = 100 if LONG or not tty else 25
    log_config = {"type": driver, "config": {"max-size": "200m"}}
    host_config = {"log_config": log_config, "network_mode": "none"}
    container = await containers.start(
        "sh", "-c", SCRIPT, "sh", script.format(megabytes), tty=tty, host_config=host_config
    )
    gateway_process.weigh()

    sha, sizes, more, lines, others = hashlib.sha256(), [], True, [], []
    call = stream(gateway_process.client, host, container, follow=True)
    while (message := await call.read()) is not grpc.aio.EOF:
        if (kind := message.WhichOneof("record")) != "batch":
            others.append((kind, str(getattr(message, kind))))
        for entry in message.batch.entries:
            if more:
                sha.update(entry.data)
                sizes.append(len(entry.data))
                more = entry.partial
            else:
                lines.append(entry)
    grown = gateway_process.growth()

    print(f"{sum(sizes)} bytes in {len(sizes)} parts, grown by {grown / 2**20:.1f} MiB; also {others}")
    assert "gap" not in dict(others)
    assert [entry.data.split()[0] for entry in lines] == [sha.hexdigest().encode()]
    assert not lines[0].partial
    assert sum(sizes) > megabytes * 990_000  # line feeds were taken out
    assert max(sizes) <= MOST
    assert grown < MEMORY


# $1 writes a line of some megabytes, in pieces of 16 KiB, of which r makes some that differ.
REPEATED = (
    "r() { head -c $((12288 * $1)) /dev/urandom | base64 | tr -d '\\n'; }; r 1 >/a; r 1 >/b; eval $1 >/line; "
    "cat /line; echo; sha256sum </line; sleep 1"
)
LINES = {
    "equal": "for i in $(seq 400); do cat /a; done",
    "alternating": "for i in $(seq 200); do cat /a /b; done",
    "far apart": "for n in 1 2 3 40 100 70 5; do r $n; cat /a; done; r 200",
    "period": "r 90 >/c; for i in $(seq 5); do cat /c; done",
}
KEPT_IN = {
    "not rotated": ("json-file", {}),
    "one file": ("json-file", {"max-size": "200m"}),
    "several files": ("json-file", {"max-size": "5m", "max-file": "9"}),
    "local": ("local", {}),
}


@pytest.mark.parametrize("kept", KEPT_IN.values(), ids=KEPT_IN)
@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
@pytest.mark.parametrize("host", ["one", "new"], indirect=True)
async def test_a_line_that_repeats_itself_comes_exactly(
    client: Client, host: str, containers: Containers, line: str, kept: tuple[str, dict[str, str]]
) -> None:
    """Every piece comes once, and no gap."""
    log_config = {"type": kept[0], "config": kept[1]}
    host_config = {"log_config": log_config, "network_mode": "none"}
    container = await containers.start("sh", "-c", REPEATED, "sh", line, host_config=host_config)

    read = await messages(stream(client, host, container, follow=True))

    data, size = b"".join(entry.data for message in read for entry in message.batch.entries), len(b"%064d  -" % 0)
    assert not [message for message in read if message.WhichOneof("record") == "gap"]
    assert hashlib.sha256(data[:-size]).hexdigest().encode() == data[-size:].split()[0]


async def test_bytes_arrive_exactly_where_lines_do_not(client: Client, host: str, containers: Containers) -> None:
    """Also where the engine forgets that a long line has ended, as Docker 20.10 does with the driver `local`."""
    command = ("sh", "-c", SCRIPT, "sh", "head -c 3000000 /dev/urandom")
    container = await containers.run(*command, host_config={"log_config": {"type": "local"}, "network_mode": "none"})

    read = await messages(stream(client, host, container))

    entries = [entry.data for message in read for entry in message.batch.entries]
    data, size = b"".join(entries), len(b"%064d  -" % 0)
    assert hashlib.sha256(data[:-size]).hexdigest().encode() == data[-size:].split()[0]
    assert max(map(len, entries)) <= MOST
