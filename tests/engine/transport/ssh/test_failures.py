"""Why there is no login, or no stream of it: by whose fault, in ssh's words, and with the remedy."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from gateway.engine.errors import CredentialsRejected, IdentityMismatch, TransportError, Unreachable
from gateway.engine.transport.http import Request
from gateway.engine.transport.pool import Limits
from gateway.engine.transport.ssh.address import Credentials, SshAddress
from tests.support.fake_engine import FakeEngine
from tests.support.sshd import Sshd, pool_by

STOP = Request("POST", "/containers/web/stop")


async def refusal(address: SshAddress, limits: Limits | None = None) -> TransportError:
    """Return why a change cannot be sent to *address*; it was not sent."""
    async with pool_by(address, limits) as pool:
        with pytest.raises(TransportError) as failed:
            await pool.fetch(STOP)
    assert not failed.value.sent
    return failed.value


def given(address: SshAddress, **credentials: str) -> SshAddress:
    """Return *address* with other credentials."""
    return replace(address, credentials=replace(address.credentials, **credentials))


def fingerprint(key: Path) -> str:
    """Return what is said of the key in a file."""
    public = asyncssh.read_public_key(key)
    return f"{public.get_algorithm()} {public.get_fingerprint()}"


# The host's key


async def test_an_unknown_key_is_shown_with_the_way_to_make_it_known(sshd: Sshd, engine: FakeEngine) -> None:
    """It is not taken for granted: its fingerprint can be compared with that of the host."""
    sshd.known_hosts.write_text("")

    refused = await refusal(sshd.address(engine.address))

    sent = fingerprint(sshd.directory / "host_key.pub")
    assert type(refused) is IdentityMismatch
    assert str(refused) == (
        f"ssh: Host key verification failed: the key of 127.0.0.1 is not known: it sends {sent}, and "
        f"{sshd.known_hosts} has none; if this is the key of the host, add what "
        f"`ssh-keyscan -p {sshd.port} 127.0.0.1` prints"
    )


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
async def test_a_changed_key_differs_from_an_unknown_one(sshd: Sshd, engine: FakeEngine, kind: str) -> None:
    """Another machine may have taken the address; also where its key is of another kind."""
    sshd.make_key(sshd.directory / "other", kind)
    sshd.know(sshd.directory / "other.pub")

    refused = await refusal(sshd.address(engine.address))

    sent = fingerprint(sshd.directory / "host_key.pub")
    assert type(refused) is IdentityMismatch
    assert str(refused) == (
        "ssh: Host key verification failed: the key of 127.0.0.1 has changed, or another machine answers in its place: "
        f"it sends {sent}, and {sshd.known_hosts} has another; if the change is meant, replace that by what "
        f"`ssh-keyscan -p {sshd.port} 127.0.0.1` prints"
    )


async def test_a_revoked_key_is_refused(sshd: Sshd, engine: FakeEngine) -> None:
    """Also beside the line that lets it in."""
    known = sshd.known_hosts.read_text()
    sshd.known_hosts.write_text(f"{known}@revoked {known}")

    refused = await refusal(sshd.address(engine.address))

    assert type(refused) is IdentityMismatch
    assert str(refused) == "ssh: Host key verification failed: Host key is revoked for host 127.0.0.1"


async def test_known_hosts_can_be_text(sshd: Sshd, engine: FakeEngine) -> None:
    """Hosts that are added at run time have no files."""
    known = sshd.known_hosts.read_text()
    address = given(sshd.address(engine.address), known_hosts_file="", known_hosts=known)
    async with pool_by(address) as pool:
        assert (await pool.fetch(Request("GET", "/_ping"))).body == b"OK"

    refused = await refusal(given(address, known_hosts=known.replace("127.0.0.1", "127.0.0.2")))

    assert "what is given as known_hosts has none" in str(refused)


async def test_a_key_that_was_made_known_counts_at_once(sshd: Sshd, engine: FakeEngine) -> None:
    """The files are read again when they have changed."""
    known = sshd.known_hosts.read_text()
    sshd.known_hosts.write_text("# nothing yet\n")
    async with pool_by(sshd.address(engine.address)) as pool:
        with pytest.raises(IdentityMismatch):
            await pool.fetch(STOP)
        sshd.known_hosts.write_text(known)
        assert (await pool.fetch(Request("GET", "/_ping"))).body == b"OK"


# The gateway's key


async def test_a_key_that_the_host_does_not_let_in_is_named(sshd: Sshd, engine: FakeEngine) -> None:
    """Its owner has to put it into authorized_keys."""
    sshd.make_key(sshd.key)

    refused = await refusal(sshd.address(engine.address))

    assert type(refused) is CredentialsRejected
    assert str(refused) == (
        f"ssh: {sshd.user}@127.0.0.1: Permission denied (publickey) with the key in {sshd.key}: "
        "authorized_keys there must have the key"
    )


async def test_a_user_without_keys_is_refused_as_well(sshd: Sshd, engine: FakeEngine) -> None:
    """Nothing is asked of a terminal."""
    refused = await refusal(given(sshd.address(engine.address), identity_file=""))

    assert type(refused) is CredentialsRejected
    assert "with the keys and the agent of the gateway's user" in str(refused)


async def test_a_key_can_be_text(sshd: Sshd, engine: FakeEngine) -> None:
    """An error about an unusable key does not show the key."""
    text = sshd.key.read_text()
    address = given(sshd.address(engine.address), identity_file="", private_key=text)
    async with pool_by(address) as pool:
        assert (await pool.fetch(Request("GET", "/_ping"))).body == b"OK"

    refused = await refusal(given(address, private_key=text.replace("a", "b")))

    assert type(refused) is CredentialsRejected
    assert str(refused).startswith("ssh: the given private key cannot be used: ")
    assert not any(line in f"{refused!r}{address!r}" for line in text.splitlines()[1:3])


async def test_a_key_file_of_no_use_is_named(sshd: Sshd, engine: FakeEngine) -> None:
    """The key is missing, or has a passphrase, which the gateway cannot ask for."""
    sshd.make_key(sshd.key, passphrase="secret")
    encrypted = await refusal(sshd.address(engine.address))
    sshd.key.unlink()
    gone = await refusal(sshd.address(engine.address))

    assert {type(encrypted), type(gone)} == {CredentialsRejected}
    assert str(encrypted).startswith(f"ssh: the key in {sshd.key} cannot be used: Passphrase must be specified")
    assert "give a key without one, or give none and add the key to the ssh agent" in str(encrypted)
    assert str(gone).startswith(f"ssh: the key in {sshd.key} cannot be used: [Errno 2] No such file")


# The way


async def test_a_refused_connection_has_not_reached_the_host(stopped: Sshd, engine: FakeEngine) -> None:
    """The words are those of OpenSSH."""
    refused = await refusal(stopped.address(engine.address))

    assert type(refused) is Unreachable
    assert str(refused) == f"ssh: connect to host {stopped.place}: Connection refused"


async def test_a_name_that_leads_nowhere_is_unreachable(stopped: Sshd, engine: FakeEngine) -> None:
    """As the resolver says it."""
    address = stopped.address(engine.address)

    refused = await refusal(replace(address, hop=replace(address.hop, host="no-such-host.invalid")))

    assert type(refused) is Unreachable
    assert str(refused).startswith(f"ssh: connect to host no-such-host.invalid port {stopped.port}: ")
    assert "Name or service not known" in str(refused) or "name resolution" in str(refused)


async def test_what_does_not_answer_is_given_up_after_the_login_timeout(stopped: Sshd, engine: FakeEngine) -> None:
    """The key that sets it is named."""
    with socket.create_server(("127.0.0.1", stopped.port)):
        refused = await refusal(stopped.address(engine.address), Limits(ssh_login_timeout_seconds=0.2))

    assert type(refused) is Unreachable
    assert str(refused) == (
        f"ssh: no login at 127.0.0.1 port {stopped.port} within 0.2 s (limits.ssh_login_timeout_seconds)"
    )


@pytest.mark.parametrize("greeting", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
async def test_what_is_no_ssh_server_is_not_the_host(stopped: Sshd, engine: FakeEngine, greeting: bytes) -> None:
    """It closes the connection, as an sshd with too many logins at once does, or speaks something else."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", stopped.port):
        refused = await refusal(stopped.address(engine.address))

    assert type(refused) is Unreachable
    assert str(refused) == f"ssh: Connection closed by 127.0.0.1 port {stopped.port}"


_IGNORE = bytes.fromhex("0000000c 06 02 00000000") + bytes(6)  # a message that means nothing


@pytest.mark.parametrize("flood", [b"\n".join([b"x" * 8000] * 20), b"SSH-2.0-flood\r\n" + _IGNORE * 5000])
async def test_a_host_that_sends_too_much_before_a_login_loses_it(
    stopped: Sshd, engine: FakeEngine, flood: bytes
) -> None:
    """The gateway stops reading long before the login times out."""

    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(flood)
        while await reader.read(65536):
            pass
        writer.close()

    async with await asyncio.start_server(send, "127.0.0.1", stopped.port):
        refused = await refusal(stopped.address(engine.address), Limits(ssh_login_timeout_seconds=600))

    assert type(refused) is Unreachable
    assert str(refused) == (
        f"ssh: 127.0.0.1 port {stopped.port}: the host sends more than 64 KiB before it lets the gateway in"
    )


async def test_all_who_wait_for_a_login_learn_why_there_is_none(stopped: Sshd, engine: FakeEngine) -> None:
    """One attempt for all, and one line of the log."""
    async with pool_by(stopped.address(engine.address)) as pool:
        ends = await asyncio.gather(*(pool.fetch(STOP) for _ in range(10)), return_exceptions=True)

    assert {str(end) for end in ends} == {f"ssh: connect to host {stopped.place}: Connection refused"}
    assert len({id(end) for end in ends}) == 10


async def test_why_there_is_no_login_is_in_the_log_until_it_changes(
    stopped: Sshd, engine: FakeEngine, caplog: pytest.LogCaptureFixture
) -> None:
    """A host that stays away does not fill the log."""
    caplog.set_level("INFO")
    async with pool_by(stopped.address(engine.address)) as pool:
        for _ in range(3):
            with pytest.raises(Unreachable):
                await pool.fetch(STOP)
        stopped.start()
        await pool.fetch(Request("GET", "/_ping"))

    said = [(r.message, vars(r)["fields"]["host"]) for r in caplog.records if r.name == "gateway.engine"]
    assert said == [("ssh login failed", "far"), ("ssh login", "far")]


# The socket


async def test_a_socket_that_is_not_there_is_named(sshd: Sshd, engine: FakeEngine) -> None:
    """sshd does not say why it opens no stream; the host's shell does."""
    refused = await refusal(sshd.address("/no/such.sock"))

    assert type(refused) is Unreachable
    assert str(refused).startswith("ssh: no stream to /no/such.sock on the host: open failed; ")
    assert re.search(r"/no/such\.sock'?: No such file or directory", str(refused))


async def test_a_socket_that_has_gone_is_named(sshd: Sshd, engine: FakeEngine, tmp_path: Path) -> None:
    """The engine is down: where streams were opened before, nothing more has to be found out."""
    path = tmp_path / "engine.sock"
    async with pool_by(sshd.address(str(path))) as pool:
        async with FakeEngine(str(path)):
            await pool.fetch(Request("GET", "/_ping"))
        path.unlink(missing_ok=True)
        with pytest.raises(Unreachable) as refused:
            async with pool.open(STOP):
                pass

    assert str(refused.value) == f"ssh: no stream to {path} on the host: open failed"
    assert sshd.accepted == 1


async def test_a_host_that_hangs_opens_no_stream(sshd: Sshd, engine: FakeEngine) -> None:
    """It is given up after the time to reach a host."""
    async with pool_by(sshd.address(engine.address), Limits(connect_timeout_seconds=1, connections=2)) as pool:
        await asyncio.gather(pool.fetch(Request("GET", "/_ping")), pool.fetch(Request("GET", "/_ping")))
        sshd.signal(signal.SIGSTOP)
        with pytest.raises(Unreachable) as refused:
            async with pool.open(STOP):
                pass
        sshd.signal(signal.SIGCONT)

    assert str(refused.value) == "ssh: the host opened no stream within 1 s (limits.connect_timeout_seconds)"


def test_credentials_show_no_key() -> None:
    """Not in a log, nor in a traceback."""
    assert "hunter2" not in repr(Credentials(private_key="hunter2"))
