"""StreamLogs: what clients see of where a log begins, breaks and ends, and what many of them share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from dockfleet.v1 import common_pb2, containers_pb2
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.error_details_pb2 import BadRequest

from tests.support.fake_engine import FakeEngine
from tests.support.fake_log import ID, LOGS, NOON, SECOND, STATE, Log, state
from tests.support.gateway import Client, Failed, failed, gateway_of

LINES = tuple(b"%d\n" % number for number in range(6))


@pytest.fixture
async def daemon() -> AsyncIterator[FakeEngine]:
    """The engine."""
    async with FakeEngine() as daemon:
        yield daemon


@pytest.fixture
async def client(daemon: FakeEngine) -> AsyncIterator[Client]:
    """A client of a gateway in front of it, as two hosts."""
    async with gateway_of(daemon.address, daemon.address) as client:
        yield client


def logs(client: Client, **fields: Any) -> Any:
    """Call StreamLogs."""
    return client.containers.StreamLogs(containers_pb2.StreamLogsRequest(**{"host": "h1", "id": "web"} | fields))


async def failure(call: Any) -> Failed:
    """Read a call that fails."""
    try:
        while await call.read() is not grpc.aio.EOF:
            pass
    except grpc.aio.AioRpcError as error:
        return failed(error)
    raise AssertionError("the call has not failed")


async def lines(call: Any, count: int) -> tuple[list[bytes], bytes]:
    """Read *count* lines; return them, and the last token."""
    read: list[bytes] = []
    token = b""
    while len(read) < count:
        message = await call.read()
        assert message is not grpc.aio.EOF
        assert message.container_id == ID
        read += [entry.data for entry in message.batch.entries]
        token = message.resume_token
    return read, token


async def token_of(client: Client, daemon: FakeEngine) -> bytes:
    """Return the token after the third line."""
    daemon.on(*LOGS, Log(*LINES, plain=[(3, "end")]), times=1)
    daemon.on(*STATE, json=state(running=False))
    return (await lines(logs(client), 3))[1]


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token[:-1],
        lambda token: token[:20] + b"?" + token[21:],
        lambda token: b"\x00" * 100,
        lambda token: b"\x01" + token[1:],
    ],
)
async def test_a_token_that_is_not_ours_is_refused(client: Client, daemon: FakeEngine, change: Any) -> None:
    """Truncated, forged, foreign, of another version: INVALID_ARGUMENT, reason BAD_RESUME_TOKEN."""
    token = change(await token_of(client, daemon))

    refused = await failure(logs(client, resume_token=token))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "BAD_RESUME_TOKEN")


async def test_a_token_of_another_gateways_own_key_is_refused(client: Client, daemon: FakeEngine) -> None:
    """Without a shared key, tokens are good for one run of one gateway."""
    token = await token_of(client, daemon)

    async with gateway_of(daemon.address) as other:
        refused = await failure(logs(other, resume_token=token))

    assert refused.reason == "BAD_RESUME_TOKEN"


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"since": Timestamp(seconds=1)}, "since"),
        ({"tail": 0}, "tail"),
        ({"host": "h2"}, "host"),
        ({"stdout": True}, "stderr"),
        ({"details": True}, "details"),
    ],
)
async def test_a_token_has_to_fit_its_request(
    client: Client, daemon: FakeEngine, fields: dict[str, Any], name: str
) -> None:
    """What contradicts the token is named."""
    token = await token_of(client, daemon)

    refused = await failure(logs(client, resume_token=token, **fields))

    assert refused.reason == "INVALID_FIELD"
    assert refused.detail(BadRequest).field_violations[0].field == name


async def test_a_token_of_another_container_is_refused(client: Client, daemon: FakeEngine) -> None:
    """Also when the other container has the name now."""
    token = await token_of(client, daemon)
    daemon.on(*STATE, json=state() | {"Id": "6f" * 32})

    refused = await failure(logs(client, resume_token=token))

    assert refused.detail(BadRequest).field_violations[0].field == "id"


async def test_a_token_continues_after_its_message(client: Client, daemon: FakeEngine) -> None:
    """Nothing is lost, nothing comes twice, and the end has the container's exit code."""
    token = await token_of(client, daemon)
    daemon.on(*LOGS, Log(*LINES))
    call = logs(client, resume_token=token, follow=True)

    assert (await lines(call, 3))[0] == [b"3", b"4", b"5"]
    assert (await call.read()).end.reason == containers_pb2.LOG_END_REASON_NOT_RUNNING
    assert await call.read() is grpc.aio.EOF


async def test_a_token_of_a_removed_container_gets_its_end(client: Client, daemon: FakeEngine) -> None:
    """Its log has ended; without a token there is no such container."""
    token = await token_of(client, daemon)
    daemon.on(*STATE, error=f"No such container: {ID}", status=404)

    assert (await logs(client, id=ID, resume_token=token).read()).end.reason == containers_pb2.LOG_END_REASON_REMOVED
    assert (await failure(logs(client, id=ID))).code is grpc.StatusCode.NOT_FOUND


async def test_a_name_that_was_taken_away_does_not_end_a_log(client: Client, daemon: FakeEngine) -> None:
    """A token continues with its own container, also when no container has the name of the request any more."""
    token = await token_of(client, daemon)
    daemon.on("GET", "/containers/web/json", error="No such container: web", status=404)
    daemon.on("GET", f"/containers/{ID}/json", json=state(running=False))
    daemon.on(*LOGS, Log(*LINES))

    assert (await lines(logs(client, resume_token=token), 3))[0] == [b"3", b"4", b"5"]
    daemon.on("GET", f"/containers/{ID}/json", error=f"No such container: {ID}", status=404)
    assert (await logs(client, resume_token=token).read()).end.reason == containers_pb2.LOG_END_REASON_REMOVED


@pytest.mark.parametrize("strict", [False, True])
async def test_a_gap_is_a_record_or_a_failure(client: Client, daemon: FakeEngine, strict: bool) -> None:
    """The request decides which."""
    token = await token_of(client, daemon)
    daemon.on(*STATE, json=state(running=False, log={"max-size": "1m", "max-file": "3"}))
    rotated = Log(*LINES)
    del rotated.lines[:4]
    daemon.on(*LOGS, rotated)
    call = logs(client, resume_token=token, strict=strict)

    if strict:
        refused = await failure(call)
        assert (refused.code, refused.reason) == (grpc.StatusCode.DATA_LOSS, "GAP")
    else:
        gap = (await call.read()).gap
        assert gap.reason == common_pb2.GAP_REASON_ROTATED
        assert client.metrics.registry.get_sample_value(
            "dockfleet_stream_gaps_total", {"host": "h1", "stream": "logs", "reason": "rotated"}
        )
        assert gap.before.ToNanoseconds() - gap.after.ToNanoseconds() == 2_000_000_000
        assert (await lines(call, 2))[0] == [b"4", b"5"]


@pytest.mark.parametrize("first", [{}, {"tail": 2}, {"tail": 6}], ids=["all", "the end", "all by number"])
async def test_followers_of_one_log_share_one_connection(
    client: Client, daemon: FakeEngine, first: dict[str, int]
) -> None:
    """Later followers do too: they read the past with requests of their own, and then join."""
    daemon.on(*STATE, json=state())
    daemon.on(*LOGS, Log(*LINES))
    calls = [logs(client, follow=True, **first)]
    assert len((await lines(calls[0], first.get("tail", 6)))[0]) == first.get("tail", 6)

    for fields in ({}, {"tail": 2}, {"tail": 6}, {"tail": 0}):
        calls.append(logs(client, follow=True, **fields))
        if fields.get("tail") != 0:
            count = fields.get("tail", 6)
            assert (await lines(calls[-1], count))[0] == [line[:-1] for line in LINES[6 - count :]]
    engine = client.hosts_of_gateway["h1"].engine
    async with asyncio.timeout(5):
        await daemon.until(lambda: engine.open_streams == 1)

    for call in calls:
        call.cancel()
    async with asyncio.timeout(5):
        await daemon.until(lambda: engine.open_streams == 0)


@pytest.mark.parametrize("ahead_seconds", [-60, 1])
async def test_a_followed_log_that_stays_silent_ends_at_until(
    client: Client, daemon: FakeEngine, ahead_seconds: int
) -> None:
    """An engine ends it only with the first line after that time."""
    daemon.on(*LOGS, Log(*LINES))
    daemon.on(*STATE, json=state())
    until = Timestamp(seconds=int(time.time()) + ahead_seconds)

    *before, last = [message async for message in logs(client, follow=True, until=until)]

    assert [entry.data for message in before for entry in message.batch.entries] == [
        b"%d" % number for number in range(6)
    ]
    assert last.end.reason == containers_pb2.LOG_END_REASON_COMPLETE


async def test_the_records_of_a_log_are_freed_when_its_last_follower_leaves(client: Client, daemon: FakeEngine) -> None:
    """They were kept until the next collection of garbage, which 20 logs at once made take 0.17 seconds."""
    log = Log(*LINES)
    daemon.on(*STATE, json=state())
    daemon.on(*LOGS, log)
    call, shared = logs(client, follow=True), client.hosts_of_gateway["h1"].logs
    await lines(call, 6)
    await daemon.until(lambda: log.followed)
    log.write((NOON + 60 * SECOND, b"more\n", 1))
    await lines(call, 1)
    [upstream] = shared._upstreams._upstreams.values()
    kept = len(list(upstream.journal))
    call.cancel()
    async with asyncio.timeout(5):
        await daemon.until(lambda: client.hosts_of_gateway["h1"].engine.open_streams == 0)

    assert kept > 0
    assert list(upstream.journal) == []
