"""What a host sends to its login is handled in the host's turns."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import asyncssh
import pytest

from gateway.engine.transport.ssh.in_turns import InTurns
from gateway.engine.transport.turns import Traffic, Turns
from tests.support.clock import Clock
from tests.support.sshd import Sshd

_MESSAGES = 3000
_IN_ONE_PIECE = 512 // 16 + 1  # of a piece; a message takes at least 16 bytes, and the first may have begun before
_LARGE = 1 << 20
_PACKET = 32_768


class Server(asyncssh.SSHServer):
    """Lets everybody in, and then calls *act* with the login."""

    def __init__(self, act: Callable[[asyncssh.SSHServerConnection], None]) -> None:
        self._act = act

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._ssh = conn

    def begin_auth(self, username: str) -> bool:
        return False

    def auth_completed(self) -> None:
        asyncio.get_running_loop().call_soon(self._act, self._ssh)

    def session_requested(self) -> Any:
        return _send_much


class Client(asyncssh.SSHClient):
    """Counts the messages that it gets between two looks at whether its turn is over."""

    def __init__(self) -> None:
        self.messages = Counter[int]()
        self.all = asyncio.Event()
        self.pieces = 0
        self._looks = 0

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        take: Callable[..., None] = conn.data_received

        def count(*data: Any) -> None:
            self.pieces += 1
            take(*data)

        conn.data_received = count  # type: ignore[method-assign, assignment]
        InTurns.stand_between(conn, Turns(Traffic(), self._look))

    def debug_msg_received(self, msg: str, lang: str, always_display: bool) -> None:
        self.messages[self._looks] += 1
        if self.messages.total() == _MESSAGES:
            self.all.set()

    def _look(self) -> float:
        self._looks += 1
        return 0.0


async def _send_much(stdin: Any, stdout: Any, stderr: Any) -> None:
    stdout.write(bytes(_LARGE))
    stdout.channel.exit(0)


def _messages(ssh: asyncssh.SSHServerConnection) -> None:
    for _ in range(_MESSAGES):
        ssh.send_debug("")


def _messages_in_a_key_exchange(ssh: Any) -> None:
    ssh._send_kexinit()
    ssh._kexinit_sent, ssh._kex_complete = True, True  # so that asyncssh sends more before the end
    _messages(ssh)
    ssh._kex_complete = False


def _in_one_write(send: Callable[[asyncssh.SSHServerConnection], None]) -> Callable[[Any], None]:
    def act(ssh: Any) -> None:
        written = list[bytes]()
        ssh._send = written.append
        send(ssh)
        del ssh._send
        ssh._send(b"".join(written))

    return act


@asynccontextmanager
async def _served(act: Callable[[Any], None] = lambda ssh: None) -> AsyncIterator[int]:
    key = asyncssh.generate_private_key("ssh-ed25519")
    async with asyncssh.listen(
        "127.0.0.1", 0, server_factory=lambda: Server(act), server_host_keys=[key], encoding=None
    ) as listener:
        yield listener.get_port()


def _login(port: int, client: Client, key: Path | None = None, user: str = "me", **options: Any) -> Any:
    options |= {"client_keys": key, "username": user, "known_hosts": None, "config": None}
    return asyncssh.connect("127.0.0.1", port, client_factory=lambda: client, **options)


@pytest.mark.parametrize("methods", [["write", "abort", "set_protocol"], ["write", "abort"]], ids=["socket", "proxy"])
def test_what_is_written_after_the_end_of_the_connection_raises_nothing(methods: list[str]) -> None:
    """An sshd closes the connection too when it finds no algorithm that both have: the login fails for that reason."""
    transport, ssh = Mock(spec=methods), Mock()
    ssh._transport = transport
    InTurns.stand_between(ssh, Turns(Traffic()))
    ssh._transport.write(b"a message")
    transport.write.side_effect = RuntimeError("the handler is closed")  # as that of uvloop
    ssh._transport.write(b"why this side leaves")
    ssh._transport.abort()

    assert [call.args for call in transport.write.call_args_list] == [(b"a message",), (b"why this side leaves",)]
    transport.abort.assert_called_once_with()


@pytest.mark.parametrize("send", [_messages, _messages_in_a_key_exchange])
async def test_many_messages_at_once_are_handled_in_pieces_after_which_the_turn_may_end(
    send: Callable[[asyncssh.SSHServerConnection], None],
) -> None:
    """A host that floods its login does not delay other hosts, also while keys are exchanged: asyncssh would collect
    all messages until the exchange has taken its next step.
    """
    client = Client()
    async with _served(_in_one_write(send)) as port, _login(port, client):
        await client.all.wait()

    assert max(client.messages.values()) <= _IN_ONE_PIECE


async def test_the_messages_of_a_host_behind_a_jump_host_are_handled_in_pieces(sshd: Sshd) -> None:
    """They come in large messages of the jump host."""
    client = Client()
    async with (
        _served(_in_one_write(_messages)) as port,
        _login(sshd.port, Client(), sshd.key, sshd.user) as tunnel,
        _login(port, client, tunnel=tunnel),
    ):
        await client.all.wait()

    assert max(client.messages.values()) <= _IN_ONE_PIECE


async def test_a_large_message_is_handed_over_in_few_pieces() -> None:
    """asyncssh copies what it has of a message with each piece: many of them cost a download most of its time."""
    client = Client()
    async with _served() as port, _login(port, client) as ssh:
        before = client.pieces
        done = await ssh.run("send", encoding=None)

    assert done.stdout == bytes(_LARGE)
    assert client.pieces - before < 5 * _LARGE / _PACKET


async def test_the_end_comes_after_all_messages() -> None:
    """A host that says why it ends the login is heard."""
    client = Client()

    def end(ssh: Any) -> None:
        _in_one_write(_messages)(ssh)
        ssh._transport.close()

    async with _served(end) as port, _login(port, client) as ssh:
        await ssh.wait_closed()

    assert client.messages.total() == _MESSAGES


async def test_the_end_waits_for_a_step_of_the_login() -> None:
    """A host that ends the connection because of its key exchange has said before which kinds it knows."""
    ended = asyncio.Event()
    ssh = Mock(is_closed=lambda: False, connection_lost=lambda exc: ended.set())
    ssh._recv_handler = lambda: False  # asyncssh's during a step
    in_turns = InTurns(ssh, Mock(is_closing=lambda: True), Turns(Traffic()))

    in_turns.connection_lost(None)

    assert not ended.is_set()
    ssh._recv_handler = Mock(__self__=ssh)
    await ended.wait()


async def test_a_message_waits_while_the_turn_of_its_host_is_used_up() -> None:
    """Otherwise each of many small reads would be handled at once."""
    clock = Clock()
    turns = Turns(Traffic(), clock)
    ssh, transport = Mock(is_closed=lambda: False), Mock(is_closing=lambda: False)
    ssh._recv_handler = Mock(__self__=ssh)
    in_turns = InTurns(ssh, transport, turns)
    assert not turns.spent
    clock.advance(0.001)

    in_turns.data_received(b"message")

    transport.pause_reading.assert_called_once()
    ssh.data_received.assert_not_called()
    await turns.next()
    ssh.data_received.assert_called_once_with(b"message")
    transport.resume_reading.assert_called_once()
