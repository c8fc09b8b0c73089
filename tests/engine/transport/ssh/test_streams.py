"""Streams of one login, through a real sshd: what goes in at one end comes out at the other."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncssh
import pytest

from gateway.engine.client import APIClient, Endpoint, Engine
from gateway.engine.errors import Disconnected, OutcomeUnknown, Unreachable
from gateway.engine.transport.http import Request
from gateway.engine.transport.pool import Address, Limits, Pool
from gateway.engine.transport.ssh.address import Credentials, Hop, SshAddress
from tests.support.fake_engine import FakeEngine, ResponseParser
from tests.support.sshd import Sshd, pool_by
from tests.support.upstream import Held, soon

PING = Request("GET", "/_ping")
EXEC = Request("POST", "/exec/x/start", {"Connection": "Upgrade", "Upgrade": "tcp"})
LOGS = Request("GET", "/containers/c/logs?follow=1")
BODY = bytes(range(256)) * 16384  # 4 MiB: more than the window of a channel, and than what is read ahead


def begin(exchange: ResponseParser) -> None:
    """Begin an endless body."""
    exchange.head(200, {"Transfer-Encoding": "chunked"})


async def test_fifty_calls_and_twenty_followers_share_one_login(sshd: Sshd, engine: FakeEngine, pool: Pool) -> None:
    """A stock sshd allows ten sessions in a login; streams to sockets are not sessions."""
    engine.on("GET", "/containers/{id}/logs", chunks=[b"line"], hold=True)

    async def follow() -> bytes:
        async with pool.open(LOGS) as (_, connection):
            data = await connection.read()
            await asyncio.gather(*(pool.fetch(PING) for _ in range(3)))
            return data

    lines = await asyncio.gather(*(follow() for _ in range(20)))

    assert lines == [b"line"] * 20
    assert sum(request.path == "/_ping" for request in engine.requests) == 60
    assert engine.connections > 20
    assert sshd.accepted == 1


async def test_methods_of_the_sdk_work_through_ssh(sshd: Sshd, engine: FakeEngine) -> None:
    """The version is negotiated, and calls find the engine, as over its socket."""
    engine.on("GET", "/containers/{id}/json", json={"Id": "c1"})
    client = Engine("far", Endpoint("ssh://far", Address(ssh=sshd.address(engine.address))))
    try:
        found = await client.call(APIClient.inspect_container, "c1")
    finally:
        client.close()

    assert found == {"Id": "c1"}
    assert [request.path for request in engine.requests] == ["/_ping", "/containers/c1/json"]


async def test_standard_input_is_closed_while_output_continues(engine: FakeEngine, pool: Pool) -> None:
    """The process reads all of its input, then its end, and answers after that."""
    heard = bytearray()

    async def wc(exchange: ResponseParser) -> None:
        exchange.upgrade()
        while data := await exchange.read(65536):
            heard.extend(data)
        exchange.write(b"%d" % len(heard))
        exchange.close()

    engine.on("POST", "/exec/{id}/start", wc)
    async with pool.open(EXEC) as (_, connection):
        for start in range(0, 300_000, 30_000):
            await connection.write(BODY[start : start + 30_000])
        connection.close_writing()
        output = b""
        while data := await connection.read():
            output += data

    assert output == b"300000"
    assert heard == BODY[:300_000]


async def test_a_slow_reader_gets_all_of_a_stream_that_has_ended(engine: FakeEngine, pool: Pool) -> None:
    """The end comes after what waits for the reader, also where the end is all that tells the length."""

    async def bulk(exchange: ResponseParser) -> None:
        exchange.upgrade()
        exchange.write(waiting)
        await exchange.drain()
        exchange.close()

    waiting = BODY[:2_000_000]  # what fits into a channel
    engine.on("POST", "/exec/{id}/start", bulk)
    async with pool.open(EXEC) as (_, connection):
        await engine.until(lambda: not engine.open_connections)
        output = b""
        while data := await connection.read():
            output += data

    assert output == waiting


async def test_an_upload_arrives_whole(engine: FakeEngine, pool: Pool) -> None:
    """Bytes go up as they come, and wait while the engine does not read."""

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(BODY), 100_000):
            yield BODY[start : start + 100_000]

    engine.on("POST", "/images/load", body=b"loaded")
    async with pool.open(Request("POST", "/images/load"), upload=pieces()) as (_, connection):
        assert await connection.read() == b"loaded"

    assert engine.requests[-1].body == BODY


async def test_nothing_is_left_when_the_connections_are_closed(sshd: Sshd, engine: FakeEngine, pool: Pool) -> None:
    """Neither the login nor a connection to the engine."""
    engine.on("GET", "/containers/{id}/logs", hold := Held(begin))
    await pool.fetch(PING)
    async with pool.open(LOGS):
        await hold.called.wait()
        assert len(sshd.logins()) == 1
        pool.close()
        await engine.until(lambda: not engine.open_connections)

    await sshd.until_logins(0)
    with pytest.raises(Unreachable):
        await pool.fetch(PING)
    assert sshd.accepted == 1


async def test_a_stream_that_ends_here_ends_at_the_engine(engine: FakeEngine, pool: Pool) -> None:
    """The login stays; the engine sees its client leave."""
    engine.on("GET", "/containers/{id}/logs", chunks=[b"line"], hold=True)
    for _ in range(3):
        async with pool.open(LOGS) as (_, connection):
            await connection.read()

    assert await engine.until(lambda: not engine.open_connections)


async def test_streams_break_with_their_login_and_the_next_call_logs_in_again(
    sshd: Sshd, engine: FakeEngine, pool: Pool
) -> None:
    """kill -9 of the session of sshd: readers get a broken connection, not an end."""
    engine.on("GET", "/containers/{id}/logs", hold := Held(begin))
    async with pool.open(LOGS) as (_, connection):
        await hold.called.wait()
        sshd.signal(signal.SIGKILL)
        with pytest.raises(Disconnected):
            await connection.read()

    assert (await pool.fetch(PING)).body == b"OK"
    assert sshd.accepted == 2


async def test_a_change_that_was_sent_when_the_login_broke_has_an_unknown_outcome(
    sshd: Sshd, engine: FakeEngine
) -> None:
    """The engine may have read it."""
    engine.on("POST", "/containers/{id}/stop", hold := Held())
    client = Engine("far", Endpoint("ssh://far", Address(ssh=sshd.address(engine.address))))
    try:
        stop = asyncio.ensure_future(client.call(APIClient.stop, "web"))
        await hold.called.wait()
        sshd.signal(signal.SIGKILL)
        with pytest.raises(OutcomeUnknown):
            await stop
    finally:
        client.close()


async def test_a_login_that_does_not_answer_is_lost(sshd: Sshd, engine: FakeEngine) -> None:
    """A session of sshd that hangs is noticed by the keepalive; its streams break, and others come."""
    engine.on("GET", "/containers/{id}/logs", hold := Held(begin))
    async with (
        pool_by(sshd.address(engine.address), Limits(ssh_keepalive_interval_seconds=0.1)) as pool,
        pool.open(LOGS) as (_, connection),
    ):
        await hold.called.wait()
        sshd.signal(signal.SIGSTOP)
        with pytest.raises(Disconnected):
            await connection.read()
        answer = await pool.fetch(PING)
        sshd.signal(signal.SIGCONT)

    assert answer.body == b"OK"


async def test_a_stream_that_opens_after_its_caller_has_left_is_closed(
    sshd: Sshd, engine: FakeEngine, pool: Pool
) -> None:
    """What a hanging host was asked for in vain does not stay open there."""
    await pool.fetch(PING)
    sshd.signal(signal.SIGSTOP)
    with pytest.raises(Unreachable) as failed:
        async with pool.open(LOGS, soon()):
            pass
    sshd.signal(signal.SIGCONT)

    assert not failed.value.sent
    await engine.until(lambda: engine.connections == 2)
    await engine.until(lambda: engine.open_connections == 1)  # the kept one
    assert not any(request.path.endswith("/logs") for request in engine.requests)


async def test_streams_at_an_old_address_continue_and_its_login_ends_with_them(sshd: Sshd, engine: FakeEngine) -> None:
    """A host that is reached in another way from now on, such as with another key."""
    engine.on("GET", "/containers/{id}/logs", hold := Held(begin))
    address = sshd.address(engine.address)
    async with pool_by(address) as pool:
        await pool.fetch(PING)
        async with pool.open(LOGS) as (_, connection):
            await hold.called.wait()
            pool.renew(Address(ssh=replace(address, socket=f"/proc/self/root{address.socket}")))
            await pool.fetch(PING)
            await sshd.until_logins(2)
            hold.exchange.write(b"4\r\nmore\r\n")
            assert await connection.read() == b"more"
        await sshd.until_logins(1)


async def test_a_server_that_ends_the_login_in_good_order_has_broken_its_streams(engine: FakeEngine) -> None:
    """A body whose length only its end tells is not complete then."""

    class Server(asyncssh.SSHServer):
        def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
            self.ssh = conn
            servers.append(conn)

        def begin_auth(self, username: str) -> bool:
            return False

        def unix_connection_requested(self, dest_path: str) -> bool:
            return True

    servers: list[asyncssh.SSHServerConnection] = []
    engine.on("POST", "/exec/{id}/start", hold := Held(lambda exchange: exchange.upgrade(b"some")))
    key = asyncssh.generate_private_key("ssh-ed25519")
    async with await asyncssh.listen("127.0.0.1", 0, server_factory=Server, server_host_keys=[key]) as server:
        path = engine.address.removeprefix("unix://")
        known = f"* {key.export_public_key().decode()}"
        address = SshAddress(Hop("127.0.0.1", server.get_port()), path, credentials=Credentials(known_hosts=known))
        async with pool_by(address) as pool, pool.open(EXEC) as (_, connection):
            await hold.called.wait()
            assert await connection.read() == b"some"
            servers[0].disconnect(asyncssh.DISC_BY_APPLICATION, "bye")
            with pytest.raises(Disconnected):
                await connection.read()
