"""Engines at the other end of a command's input and output, as ssh hosts are."""

from __future__ import annotations

import asyncio
import os
import select
import sys
from pathlib import Path

import psutil
import pytest

from gateway.config.settings import HostSettings, Settings
from gateway.engine.client import APIClient, Endpoint, Engine
from gateway.engine.errors import CredentialsRejected, IdentityMismatch, OutcomeUnknown, TransportError, Unreachable
from gateway.engine.transport.http import Request
from gateway.engine.transport.pool import Address, Limits, Pool
from gateway.server import running
from tests.support.fake_engine import FakeEngine, ResponseParser

# What `docker system dial-stdio` does at the far end of ssh: bytes from here to the socket and back, each half alone.
DIAL = """
import os, socket, sys, threading
engine = socket.socket(socket.AF_UNIX)
engine.connect(sys.argv[1])
def up():
    while data := os.read(0, 65536):
        engine.sendall(data)
    engine.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
while data := engine.recv(65536):
    os.write(1, data)
"""


def dial(engine: FakeEngine) -> Address:
    """Return the address of *engine* behind a command."""
    return Address(command=(sys.executable, "-c", DIAL, engine.address.removeprefix("unix://")))


async def test_an_engine_is_reached_through_a_commands_input_and_output() -> None:
    """SDK methods and version negotiation work over a command as over a socket."""
    async with FakeEngine() as fake:
        fake.on("GET", "/containers/{id}/json", json={"Id": "c1"})
        engine = Engine("far", Endpoint("ssh://far", dial(fake)))
        try:
            found = await engine.call(APIClient.inspect_container, "c1")
        finally:
            engine.close()

    assert found == {"Id": "c1"}
    assert [request.path for request in fake.requests] == ["/_ping", "/_ping", "/containers/c1/json"]


async def test_standard_input_is_closed_through_a_command() -> None:
    """The engine reads end-of-file while its own output goes on."""
    heard = bytearray()

    async def wc(exchange: ResponseParser) -> None:
        exchange.upgrade()
        while data := await exchange.read(100):
            heard.extend(data)
        exchange.write(b"%d" % len(heard))
        exchange.close()

    async with FakeEngine() as fake:
        fake.on("POST", "/exec/{id}/start", wc)
        pool = Pool(dial(fake), Limits())
        upgrade = {"Connection": "Upgrade", "Upgrade": "tcp"}
        try:
            async with pool.open(Request("POST", "/exec/x/start", upgrade)) as (_, connection):
                await connection.write(b"12345")
                connection.close_writing()
                answer = b""
                while data := await connection.read():
                    answer += data
        finally:
            pool.close()

    assert answer == b"5"


def saying(words: str) -> Address:
    """Return the address of a program that says *words* on its standard error, and fails."""
    return Address(command=(sys.executable, "-c", f"import sys; sys.stdin.buffer.read(1); sys.exit({words!r})"))


CHANGED = "@@@@@@\nHost key for lab has changed.\nHost key verification failed."


@pytest.mark.parametrize(
    ("words", "kind", "text"),
    [
        ("ssh: connect to host lab port 22: Connection refused", Unreachable, "host lab port 22: Connection refused"),
        ("kex_exchange_identification: Connection closed by remote host", Unreachable, "closed by remote host"),
        ("bash: docker: command not found", Unreachable, "docker: command not found"),
        ("me@lab: Permission denied (publickey).", CredentialsRejected, "Permission denied (publickey)."),
        (CHANGED, IdentityMismatch, "Host key for lab has changed.; Host key verification failed."),
        ("", Unreachable, "ended before the host answered"),
    ],
)
async def test_a_command_that_ends_before_the_host_answers_has_not_reached_it(
    words: str, kind: type[TransportError], text: str
) -> None:
    """Nothing was sent, whatever the call would have changed: it is said in the program's own words."""
    pool = Pool(saying(words), Limits())

    with pytest.raises(kind) as failed:
        await pool.fetch(Request("POST", "/containers/web/stop"))

    assert str(failed.value).endswith(text)
    assert not failed.value.sent


async def test_a_command_that_ends_after_the_request_was_sent_leaves_the_outcome_unknown() -> None:
    """The host has answered once, so it may have read the request too."""

    async def broken(exchange: ResponseParser) -> None:
        exchange.abort()

    async with FakeEngine() as fake:
        fake.on("POST", "/containers/{id}/stop", broken)
        engine = Engine("far", Endpoint("ssh://far", dial(fake)))
        try:
            with pytest.raises(OutcomeUnknown):
                await engine.call(APIClient.stop, "web")
        finally:
            engine.close()


DIALLING = """
import pathlib, sys, time
folder = pathlib.Path(sys.argv[1])
mine = folder / "now" / str(time.monotonic_ns())
mine.touch()
with open(folder / "seen", "a") as seen:
    print(len(list((folder / "now").iterdir())), file=seen)
while not (folder / "go").exists():
    time.sleep(0.02)
mine.unlink()
sys.exit("refused")
"""


async def test_only_so_many_commands_dial_at_once(tmp_path: Path) -> None:
    """A host's sshd turns away who comes in a crowd; those who wait get their turn."""
    (tmp_path / "now").mkdir()
    command = (sys.executable, "-c", DIALLING, str(tmp_path))
    pool = Pool(Address(command=command), Limits(connections=20))
    calls = [asyncio.ensure_future(pool.fetch(Request("GET", "/info"))) for _ in range(20)]
    await _until_running(command, 8)
    (tmp_path / "go").touch()
    results = await asyncio.gather(*calls, return_exceptions=True)

    seen = [int(line) for line in (tmp_path / "seen").read_text().split()]
    assert len(seen) == 20
    assert max(seen) <= 8
    assert {type(result) for result in results} == {Unreachable}


async def test_the_command_ends_with_its_connection(tmp_path: Path) -> None:
    """Nothing is left running when a host's connections are closed."""
    noted = tmp_path / "pid"
    note = f"import os; open({str(noted)!r}, 'w').write(str(os.getpid()))\n"
    async with FakeEngine() as fake:
        path = fake.address.removeprefix("unix://")
        pool = Pool(Address(command=(sys.executable, "-c", note + DIAL, path)), Limits())
        await pool.fetch(Request("GET", "/_ping"))
        pid = int(noted.read_text())
        pool.close()
        ended = await asyncio.to_thread(_ended, pid)

    assert ended


def _ended(pid: int) -> bool:
    """Wait for the end of a process that may be gone already."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with os.fdopen(handle):
        return bool(select.select([handle], [], [], 10)[0])


async def test_a_command_that_does_not_heed_its_end_is_ended() -> None:
    """No process is left behind by a call, whatever it is doing and however early the call is cancelled."""
    command = (sys.executable, "-c", "import time; time.sleep(1000)")
    pool = Pool(Address(command=command), Limits(connect_timeout_seconds=20))
    call = asyncio.ensure_future(pool.fetch(Request("GET", "/_ping")))
    await _until_running(command, 1)
    call.cancel()

    await _until_running(command, 0)
    pool.close()


async def test_a_command_that_is_not_there_makes_the_host_unreachable() -> None:
    """A machine without `ssh` can not reach a host by it."""
    pool = Pool(Address(command=("no-such-program-anywhere",)), Limits())

    with pytest.raises(Unreachable):
        await pool.fetch(Request("GET", "/_ping"))


async def test_what_a_command_complains_about_is_a_field_of_the_log(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """What ssh says when it can not log in does not come between the lines of the gateway's own log."""
    program = "import sys; sys.stdin.buffer.read(1); sys.exit('Permission denied (publickey).')"
    pool = Pool(Address(command=(sys.executable, "-c", program)), Limits(), host="far")
    with pytest.raises(CredentialsRejected):
        await pool.fetch(Request("GET", "/_ping"))
    [fields] = [record.fields for record in caplog.records if hasattr(record, "fields")]

    assert (fields["host"], fields["said"]) == ("far", "Permission denied (publickey).")
    assert "denied" not in capfd.readouterr().err


async def _until_running(command: tuple[str, ...], number: int) -> None:
    """Wait until *number* processes of this one run *command*; of processes there are no events."""
    while sum(_runs(child, command) for child in psutil.Process().children()) != number:  # noqa: ASYNC110
        await asyncio.sleep(0.02)


def _runs(process: psutil.Process, command: tuple[str, ...]) -> bool:
    try:
        return tuple(process.cmdline()) == command
    except psutil.NoSuchProcess:
        return False


async def test_ssh_addresses_become_an_ssh_command() -> None:
    """User, port and host come after options that let ssh neither ask nor take the host for an option."""
    hosts = (HostSettings(name="lab", address="ssh://ops@lab.example.com:2222"),)
    settings = Settings(
        hosts=hosts, listen="127.0.0.1:0", metrics_listen=None, drain_timeout_seconds=0, shutdown_timeout_seconds=0
    )
    async with running(settings) as gateway:
        command = gateway.hosts["lab"].engine.endpoint.address.command

    assert command[0] == "ssh"
    assert command[1:3] == ("-o", "BatchMode=yes")
    assert command[-8:] == ("ops", "-p", "2222", "--", "lab.example.com", "docker", "system", "dial-stdio")
