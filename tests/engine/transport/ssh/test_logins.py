"""Many logins at once, and hosts whose sshd forwards nothing."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.engine.errors import Busy, CredentialsRejected, Unreachable
from gateway.engine.transport.http import Request
from gateway.engine.transport.pool import Limits
from gateway.engine.transport.ssh.address import Hop, SshAddress
from gateway.engine.transport.ssh.login import Logins
from tests.support.fake_engine import FakeEngine
from tests.support.sshd import Sshd, pool_by, silent, sshd_or_skip
from tests.support.upstream import soon

PING = Request("GET", "/_ping")
LOGS = Request("GET", "/containers/c/logs?follow=1")


# At once


async def test_forty_hosts_log_in_at_once_and_sshd_turns_none_away(stopped: Sshd, engine: FakeEngine) -> None:
    """It does so from the tenth on that it has not let in yet."""
    stopped.configure("MaxStartups 9:100:9")
    stopped.start()
    logins = Logins(patience_seconds=60)
    async with contextlib.AsyncExitStack() as stack:
        address = stopped.address(engine.address)
        pools = [await stack.enter_async_context(pool_by(address, None, logins)) for _ in range(40)]
        answers = await asyncio.gather(*(pool.fetch(PING) for pool in pools))

    assert {answer.body for answer in answers} == {b"OK"}
    assert stopped.accepted == 40


async def test_hosts_that_do_not_answer_hold_up_no_other(sshd: Sshd, engine: FakeEngine) -> None:
    """Twenty logins wait for a greeting that never comes, more than are let in at once."""
    logins = Logins()
    async with contextlib.AsyncExitStack() as stack:
        stuck = SshAddress(Hop("127.0.0.1", await stack.enter_async_context(silent())))
        limits = Limits(ssh_login_timeout_seconds=100)
        pools = [await stack.enter_async_context(pool_by(stuck, limits, logins)) for _ in range(20)]
        waiting = [asyncio.ensure_future(pool.fetch(PING)) for pool in pools]
        pool = await stack.enter_async_context(pool_by(sshd.address(engine.address), None, logins))
        answer = await pool.fetch(PING)
        assert not any(call.done() for call in waiting)
        for call in waiting:
            call.cancel()
        await asyncio.wait(waiting)

    assert answer.body == b"OK"


async def test_a_host_that_waits_for_its_turn_is_busy_and_not_down(sshd: Sshd, engine: FakeEngine) -> None:
    """Nothing is known of it yet."""
    logins = Logins()
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(8):
            await stack.enter_async_context(logins.slot())
        pool = await stack.enter_async_context(pool_by(sshd.address(engine.address), None, logins))
        with pytest.raises(Busy):
            await pool.fetch(PING, soon(0.05))

        assert (await pool.fetch(PING)).body == b"OK"


async def test_a_login_continues_when_the_call_that_began_it_is_gone(sshd: Sshd, engine: FakeEngine) -> None:
    """The next call finds it."""
    async with pool_by(sshd.address(engine.address)) as pool:
        with pytest.raises(Unreachable):
            await pool.fetch(PING, soon(0.01))
        assert (await pool.fetch(PING)).body == b"OK"

    assert sshd.accepted == 1


async def test_a_login_in_progress_ends_with_the_pool() -> None:
    """A host that leaves while it is being reached leaves nothing open."""
    began, ended = asyncio.Event(), asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        began.set()
        await reader.read()
        writer.close()
        ended.set()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        async with pool_by(SshAddress(Hop("127.0.0.1", server.sockets[0].getsockname()[1]))) as pool:
            call = asyncio.ensure_future(pool.fetch(PING))
            await began.wait()
        await ended.wait()
        with pytest.raises(Unreachable):
            await call


# Without forwarding

DIAL = """#!{python}
import os, socket, sys, threading
assert sys.argv[1:2] + sys.argv[3:] == ["--host", "system", "dial-stdio"]
engine = socket.socket(socket.AF_UNIX)
try:
    engine.connect(sys.argv[2].removeprefix("unix://"))
except OSError as error:
    sys.exit(f"dial unix: {{error}}")
def up():
    while data := os.read(0, 65536):
        engine.sendall(data)
    engine.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
while data := engine.recv(65536):
    os.write(1, data)
"""


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Sshd]:
    """An sshd that forwards to no sockets, on a host with a `docker` that can do nothing but dial."""
    program = tmp_path / "bin/docker"
    program.parent.mkdir()
    (program.parent / "ls").symlink_to("/bin/ls")
    program.write_text(DIAL.format(python=sys.executable))
    program.chmod(0o755)
    sshd = Sshd(sshd_or_skip(), tmp_path / "sshd", str(program.parent))
    sshd.configure("LogLevel VERBOSE", "AllowStreamLocalForwarding no", "MaxSessions 3")
    sshd.start()
    yield sshd
    sshd.stop()


async def test_where_sshd_forwards_nothing_dockers_own_command_does(closed: Sshd, engine: FakeEngine) -> None:
    """In sessions of the one login; both directions close by themselves."""
    engine.on("GET", "/containers/{id}/logs", chunks=[b"line"], hold=True)
    async with pool_by(closed.address(engine.address)) as pool:
        async with pool.open(LOGS) as (_, connection):
            assert await connection.read() == b"line"
            assert (await pool.fetch(PING)).body == b"OK"
        await engine.until(lambda: engine.open_connections == 1)  # the kept one

    await engine.until(lambda: not engine.open_connections)
    assert closed.accepted == 1


async def test_more_sessions_than_sshd_allows_make_the_host_busy(closed: Sshd, engine: FakeEngine) -> None:
    """The message names the setting; the login and its other sessions stay whole."""
    engine.on("GET", "/containers/{id}/logs", chunks=[b"line"], hold=True)
    async with pool_by(closed.address(engine.address)) as pool, contextlib.AsyncExitStack() as stack:
        streams = [(await stack.enter_async_context(pool.open(LOGS)))[1] for _ in range(3)]
        with pytest.raises(Busy) as refused:
            await pool.fetch(PING)
        lines = [await stream.read() for stream in streams]

    assert str(refused.value) == "host busy: its sshd opens no session beside 3 others (MaxSessions)"
    assert lines == [b"line"] * 3
    assert closed.accepted == 1


async def test_a_command_that_cannot_dial_is_quoted(closed: Sshd, engine: FakeEngine) -> None:
    """The path, and what the shell sees there, are in the message."""
    async with pool_by(closed.address("/no/such.sock")) as pool:
        with pytest.raises(Unreachable) as refused:
            await pool.fetch(PING)

    assert not refused.value.sent
    assert str(refused.value).startswith(
        "ssh: no stream to /no/such.sock on the host: open failed; `docker system dial-stdio` on the host: dial unix: "
        "[Errno 2] No such file or directory; "
    )


async def test_many_calls_at_once_learn_together_that_there_is_no_socket(closed: Sshd) -> None:
    """One of them finds out why; the host does not run a command for each."""
    async with pool_by(closed.address("/no/such.sock"), Limits(connections=20)) as pool:
        ends = await asyncio.gather(*(pool.fetch(PING) for _ in range(20)), return_exceptions=True)

    assert {type(end) for end in ends} == {Unreachable}
    assert len({str(end) for end in ends}) == 1
    assert closed.log.count("Starting session: command") == 2  # the first is a part of the login


async def test_a_command_that_complains_without_end_is_ended(closed: Sshd, tmp_path: Path) -> None:
    """The gateway stops reading long before the call times out."""
    (tmp_path / "bin/docker").write_text("#!/bin/sh\nwhile :; do echo no; done >&2\n")
    async with pool_by(closed.address("/no/such.sock"), Limits(ssh_login_timeout_seconds=600)) as pool:
        with pytest.raises(Unreachable) as refused:
            await pool.fetch(PING)

    assert not refused.value.sent
    assert "`docker system dial-stdio` on the host: " in str(refused.value)
    assert "no; no; no" in str(refused.value)


async def test_a_host_that_greets_in_place_of_docker_has_not_been_reached(closed: Sshd, tmp_path: Path) -> None:
    """Such as one whose accounts are closed: what it says is no answer of an engine."""
    (tmp_path / "bin/docker").write_text("#!/bin/sh\necho This account is currently not available.\n")
    async with pool_by(closed.address("/no/such.sock")) as pool:
        with pytest.raises(Unreachable) as refused:
            await pool.fetch(PING)

    assert not refused.value.sent


async def test_a_host_without_docker_and_without_forwarding_is_refused_with_both_reasons(
    closed: Sshd, engine: FakeEngine, tmp_path: Path
) -> None:
    """The message also says that the socket is there."""
    (tmp_path / "bin/docker").unlink()
    async with pool_by(closed.address(engine.address)) as pool:
        with pytest.raises(Unreachable) as refused:
            await pool.fetch(PING)

    assert "docker: " in str(refused.value)
    assert "not found" in str(refused.value)
    assert "; srw" in str(refused.value)


async def test_a_socket_that_the_user_may_not_open_is_a_refusal_of_the_gateway(
    closed: Sshd, engine: FakeEngine, tmp_path: Path
) -> None:
    """Its user has to be let in on the host."""
    (tmp_path / "bin/docker").write_text(
        "#!/bin/sh\necho 'Got permission denied while trying to connect' >&2; exit 1\n"
    )
    async with pool_by(closed.address(engine.address)) as pool:
        with pytest.raises(CredentialsRejected):
            await pool.fetch(PING)


async def test_a_user_without_a_shell_still_has_streams(stopped: Sshd, engine: FakeEngine) -> None:
    """Nothing but forwarding is needed of a host."""
    stopped.configure("ForceCommand /bin/false", "PermitTTY no", "X11Forwarding no")
    stopped.start()
    async with pool_by(stopped.address(engine.address)) as pool:
        assert (await pool.fetch(PING)).body == b"OK"
