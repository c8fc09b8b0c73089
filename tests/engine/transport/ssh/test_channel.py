"""A stream of a login whose reader is slow."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest.mock import Mock

import asyncssh

from gateway.engine.transport.ssh.channel import Channel

_MESSAGES = 4000


class Server(asyncssh.SSHServer):
    """Lets everybody in, sends many messages of two bytes when the input of a session ends, and says when it has."""

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._ssh = conn

    def begin_auth(self, username: str) -> bool:
        return False

    def session_requested(self) -> Any:
        return self._send

    async def _send(self, stdin: Any, stdout: Any, stderr: Any) -> None:
        await stdin.read()
        for _ in range(_MESSAGES):
            stdout.write(b"xy")
            stderr.write(b"no")
        self._ssh.send_debug("")
        stdout.channel.exit(0)


class Client(asyncssh.SSHClient):
    """Knows when the server has sent all."""

    def __init__(self) -> None:
        self.all = asyncio.Event()

    def debug_msg_received(self, msg: str, lang: str, always_display: bool) -> None:
        self.all.set()


async def test_small_messages_that_wait_for_a_reader_are_joined() -> None:
    """A million of them would take 124 MiB, and to deliver them many seconds of the event loop."""
    client, connection = Client(), Mock()
    channel = Channel(connection, Mock(), Mock())
    key = asyncssh.generate_private_key("ssh-ed25519")
    async with (
        asyncssh.listen("127.0.0.1", 0, server_factory=Server, server_host_keys=[key], encoding=None) as listener,
        asyncssh.connect(
            *("127.0.0.1", listener.get_port()),
            client_factory=lambda: client,
            known_hosts=None,
            config=None,
            username="me",
        ) as ssh,
    ):
        await ssh.create_session(lambda: channel, "send", encoding=None, request_pty=False)
        channel.pause_reading()
        channel.write_eof()
        await client.all.wait()
        channel.resume_reading()
        await channel.wait_closed()

    pieces = [call.args[0] for call in connection.data_received.call_args_list]
    assert b"".join(pieces) == b"xy" * _MESSAGES
    assert len(pieces) < 10


async def test_what_comes_before_asyncssh_shows_the_channel_is_kept() -> None:
    """A host may send right after it has opened the channel."""
    opened: Any = Mock(_recv_buf=[(b"first ", None)])
    Channel(Mock(), Mock(), Mock()).connection_made(opened)

    opened._recv_buf.append((b"second", None))

    assert opened._recv_buf.pop(0) == (b"first second", None)
