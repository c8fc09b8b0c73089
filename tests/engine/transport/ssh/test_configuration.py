"""The ssh configuration of the gateway's user, agents and jump hosts: hosts are reached as `ssh` reaches them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.engine.errors import CredentialsRejected, IdentityMismatch, TransportError, Unreachable
from gateway.engine.transport.http import Request
from gateway.engine.transport.ssh.address import Credentials, Hop, SshAddress
from tests.support.fake_engine import FakeEngine
from tests.support.sshd import Sshd, pool_by, sshd_or_skip

PING = Request("GET", "/_ping")


@pytest.fixture
def bastion(tmp_path: Path) -> Iterator[Sshd]:
    """Another sshd, with keys of its own."""
    bastion = Sshd(sshd_or_skip(), tmp_path / "bastion")
    bastion.start()
    yield bastion
    bastion.stop()


def lab(engine: FakeEngine) -> SshAddress:
    """The address of the engine at a host that only the configuration knows."""
    return SshAddress(Hop("lab"), engine.address.removeprefix("unix://"))


async def ping(address: SshAddress) -> bytes:
    """Return what the engine at *address* answers."""
    async with pool_by(address) as pool:
        return (await pool.fetch(PING)).body


async def refusal(address: SshAddress) -> TransportError:
    """Return why it cannot be asked."""
    with pytest.raises(TransportError) as failed:
        await ping(address)
    return failed.value


def block(name: str, sshd: Sshd, *lines: str) -> str:
    """Return the lines of an ssh configuration that lead to *sshd* under a name."""
    options = (
        *("HostName 127.0.0.1", f"Port {sshd.port}", f"User {sshd.user}"),
        *(f"IdentityFile {sshd.key}", f"UserKnownHostsFile {sshd.known_hosts}", *lines),
    )
    return "\n  ".join((f"Host {name}", *options)) + "\n"


async def test_the_configuration_of_the_user_leads_to_the_host(sshd: Sshd, engine: FakeEngine, home: Path) -> None:
    """Name, port, user, key and known hosts are those of ~/.ssh/config; an identity that is not there does no harm."""
    (home / "config").write_text(block("lab", sshd, "IdentityFile ~/.ssh/no-such-key", "StrictHostKeyChecking no"))

    assert await ping(lab(engine)) == b"OK"


async def test_blocks_that_count_at_last_are_read(sshd: Sshd, engine: FakeEngine, home: Path) -> None:
    """Fedora's own configuration has such a block."""
    (home / "config").write_text(
        f"{block('lab', sshd)}Match final all\n  Ciphers aes256-gcm@openssh.com,no-such-cipher\n"
    )

    assert await ping(lab(engine)) == b"OK"


@pytest.mark.filterwarnings("ignore:Diffie-Hellman over finite fields")  # cryptography will drop it
async def test_a_key_exchange_that_takes_long_is_used_only_if_the_configuration_names_it(
    stopped: Sshd, engine: FakeEngine, home: Path
) -> None:
    """The host may choose its group: one of 10,000 bits keeps the gateway from all other work for 29 ms, twice."""
    stopped.configure("KexAlgorithms diffie-hellman-group-exchange-sha256,diffie-hellman-group18-sha512")
    stopped.start()
    (home / "config").write_text(block("lab", stopped))

    refused = await refusal(lab(engine))
    (home / "config").write_text(block("lab", stopped, "KexAlgorithms +diffie-hellman-group-exchange-sha256"))

    assert type(refused) is Unreachable
    assert "No matching key exchange algorithm found" in str(refused)
    assert await ping(lab(engine)) == b"OK"


async def test_keys_in_their_usual_places_are_found(sshd: Sshd, engine: FakeEngine, home: Path) -> None:
    """Without any configuration, as ssh does it."""
    (home / "id_ed25519").write_bytes(sshd.key.read_bytes())
    (home / "known_hosts").write_bytes(sshd.known_hosts.read_bytes())

    assert await ping(replace(sshd.address(engine.address), credentials=Credentials())) == b"OK"


@pytest.mark.parametrize(
    "option", ["StrictHostKeyChecking no", "UserKnownHostsFile none", "UserKnownHostsFile /dev/null"]
)
async def test_no_configuration_switches_the_check_of_host_keys_off(
    sshd: Sshd, engine: FakeEngine, home: Path, option: str
) -> None:
    """A key that is not known is refused, whatever it says."""
    sshd.known_hosts.write_text("")
    (home / "config").write_text(f"Host lab\n  {option}\n{block('lab', sshd)}")

    assert type(await refusal(lab(engine))) is IdentityMismatch


async def test_a_condition_that_runs_a_command_holds_up_nothing_else(
    sshd: Sshd, engine: FakeEngine, home: Path, tmp_path: Path
) -> None:
    """The command of `Match exec` ends only when another host has answered."""
    waiting = f'Match originalhost lab exec "until test -e {tmp_path}/asked; do sleep 0.02; done"'
    (home / "config").write_text(f"{waiting}\n{block('lab', sshd)}")
    async with pool_by(lab(engine)) as slow:
        answer = asyncio.ensure_future(slow.fetch(PING))
        assert await ping(sshd.address(engine.address)) == b"OK"
        assert not answer.done()
        (tmp_path / "asked").touch()
        assert (await answer).body == b"OK"


async def test_a_configuration_of_no_use_is_named_with_its_line(sshd: Sshd, engine: FakeEngine, home: Path) -> None:
    """The host cannot be reached before it is put right."""
    (home / "config").write_text("Host lab\n  Port many\n")

    refused = await refusal(lab(engine))

    assert type(refused) is Unreachable
    assert str(refused).startswith(f"ssh: the ssh configuration cannot be used: {home}/config line 2: Invalid Port")


async def test_what_is_configured_for_the_host_itself_comes_first(sshd: Sshd, engine: FakeEngine, home: Path) -> None:
    """A key and known hosts that are given are used, and no others."""
    (home / "config").write_text("Host *\n  IdentityFile /no/such/key\n  UserKnownHostsFile /dev/null\n  Port 1\n")

    assert await ping(sshd.address(engine.address)) == b"OK"


@pytest.fixture
def agent(sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An agent that has the key for the host; the file of the key is gone."""
    socket = str(tmp_path / "agent.sock")
    process = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()  # it listens
    monkeypatch.setenv("SSH_AUTH_SOCK", socket)
    subprocess.run(["ssh-add", "-q", sshd.key], check=True)
    sshd.key.unlink()
    yield
    process.terminate()
    process.wait()
    process.stdout.close()


@pytest.mark.usefixtures("agent")
async def test_the_agent_of_the_user_is_asked(sshd: Sshd, engine: FakeEngine) -> None:
    """Where no key is given."""
    address = sshd.address(engine.address)

    assert await ping(replace(address, credentials=replace(address.credentials, identity_file=""))) == b"OK"


@pytest.mark.usefixtures("agent")
async def test_beside_a_key_that_is_given_no_agent_is_asked(sshd: Sshd, engine: FakeEngine) -> None:
    """Its keys would be tried first, and sshd ends a login after a few that it does not know."""
    sshd.make_key(sshd.key)

    assert type(await refusal(sshd.address(engine.address))) is CredentialsRejected


# Jump hosts


def through(bastion: Sshd, sshd: Sshd, engine: FakeEngine) -> SshAddress:
    """Return the address of the engine at *sshd* through *bastion*, with the same credentials for both."""
    known = bastion.known_hosts.read_text() + sshd.known_hosts.read_text()
    credentials = Credentials(identity_file=str(sshd.key), known_hosts=known)
    (bastion.directory / "authorized_keys").write_bytes(sshd.key.with_suffix(".pub").read_bytes())
    jumps = (Hop("127.0.0.1", bastion.port, bastion.user),)
    return replace(sshd.address(engine.address), jumps=jumps, credentials=credentials)


async def test_a_jump_host_leads_to_the_host_and_is_left_with_it(sshd: Sshd, bastion: Sshd, engine: FakeEngine) -> None:
    """One login at each, with the credentials of the host; both end with the pool."""
    async with pool_by(through(bastion, sshd, engine)) as pool:
        assert (await pool.fetch(PING)).body == b"OK"
        assert (bastion.accepted, sshd.accepted) == (1, 1)
        assert (len(bastion.logins()), len(sshd.logins())) == (1, 1)

    await bastion.until_logins(0)
    await sshd.until_logins(0)


async def test_jump_hosts_of_the_configuration_are_used(
    sshd: Sshd, bastion: Sshd, engine: FakeEngine, home: Path
) -> None:
    """Each with its own key and known hosts, as ProxyJump says."""
    (home / "config").write_text(block("lab", sshd, "ProxyJump gate") + block("gate", bastion))

    assert await ping(lab(engine)) == b"OK"
    assert (bastion.accepted, sshd.accepted) == (1, 1)


RELAY = """
import os, socket, sys, threading
far = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def up():
    while data := os.read(0, 65536):
        far.sendall(data)
threading.Thread(target=up, daemon=True).start()
while data := far.recv(65536):
    os.write(1, data)
"""


async def test_a_proxy_command_is_run_and_ends_with_the_login(
    sshd: Sshd, engine: FakeEngine, home: Path, tmp_path: Path
) -> None:
    """It is what leads through gates of other kinds than ssh."""
    program = tmp_path / "relay.py"
    program.write_text(RELAY)
    (home / "config").write_text(block("lab", sshd, f"ProxyCommand {sys.executable} {program} %h %p"))

    assert await ping(lab(engine)) == b"OK"

    await sshd.until_logins(0)


async def test_a_jump_host_that_refuses_is_named(sshd: Sshd, bastion: Sshd, engine: FakeEngine) -> None:
    """It is not the host itself that does."""
    address = through(bastion, sshd, engine)
    (bastion.directory / "authorized_keys").write_text("")

    refused = await refusal(address)

    assert type(refused) is CredentialsRejected
    assert str(refused).startswith(f"ssh: jump host 127.0.0.1: {bastion.user}@127.0.0.1: Permission denied (publickey)")


async def test_a_host_that_the_jump_host_cannot_reach_is_named(
    stopped: Sshd, bastion: Sshd, engine: FakeEngine
) -> None:
    """The login at the jump host does not stay for it."""
    refused = await refusal(through(bastion, stopped, engine))

    assert type(refused) is Unreachable
    assert str(refused) == f"ssh: connect to host {stopped.place} from the jump host: Connection refused"
    await bastion.until_logins(0)


async def test_jump_hosts_that_lead_in_a_circle_end(sshd: Sshd, engine: FakeEngine, home: Path) -> None:
    """Nobody logs in forever."""
    (home / "config").write_text("Host *\n  ProxyJump gate\n")

    refused = await refusal(lab(engine))

    assert type(refused) is Unreachable
    assert str(refused).endswith("5 jump hosts lead to each other: look for a circle of ProxyJump")
