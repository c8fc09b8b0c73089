"""One stream of a login as the transport of a `Connection`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, SupportsIndex

import asyncssh
from asyncssh.channel import SSHChannel

from gateway.engine.transport.connection import Connection

_SAID_BYTES = 4096  # the end of what a command says on its standard error
_HEARD_BYTES = 64 << 10  # of it; a command that says more has more to say
_JOINED_BYTES = 16 << 10  # from which on a piece that waits gets no more


class Waiting(list[Any]):
    """What a paused channel has received, in the place of asyncssh's list.

    A host may send a window of 2 MiB in messages of two bytes: a million pieces, of 124 bytes each in memory, and each
    of them would be moved whenever the first is taken.  So small pieces of a datatype are joined.
    """

    @classmethod
    def replace(cls, channel: SSHChannel[bytes]) -> None:
        """Put one into *channel*, with what has come already."""
        waiting = cls()
        for piece in channel._recv_buf:
            waiting.append(piece)
        channel._recv_buf = waiting

    def append(self, piece: tuple[bytes, int | None]) -> None:
        """Add *piece*, bytes and their datatype."""
        data, datatype = piece
        for joined, kind in self[-2:]:  # output and standard error may alternate
            if kind == datatype and len(joined) < _JOINED_BYTES:
                joined += data
                return
        super().append((bytearray(data), datatype))

    def pop(self, index: SupportsIndex = -1) -> tuple[bytes, int | None]:
        """Take a piece."""
        joined, datatype = super().pop(index)
        return bytes(joined), datatype


class Channel(asyncssh.SSHClientSession[bytes], asyncio.Transport):
    """Joins a channel of asyncssh, which sees its session here, to a connection, which sees its transport."""

    _channel: SSHChannel[bytes]

    def __init__(
        self, connection: Connection, opened: Callable[[Channel], None], closed: Callable[[Channel], None]
    ) -> None:
        """*opened* is called when there is a channel, and *closed* when there is none any more."""
        super().__init__()
        self._connection = connection
        self._opened = opened
        self._closed = closed
        self._said = b""
        self._heard = 0  # bytes of the standard error

    @property
    def said(self) -> str:
        """What the command at the other end has said on its standard error, if there is one."""
        lines = self._said.decode(errors="backslashreplace").splitlines()
        return "; ".join(line.strip() for line in lines if line.strip())

    async def wait_closed(self) -> None:
        """Wait for the end."""
        await self._channel.wait_closed()

    # What asyncssh calls

    def connection_made(self, channel: SSHChannel[bytes]) -> None:
        """Begin."""
        self._opened(self)
        self._channel = channel
        Waiting.replace(channel)
        self._ssh = channel.get_connection()
        self._connection.connection_made(self)

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Accept bytes of the stream, or, with a *datatype*, of a command's standard error, which is short."""
        if datatype is None:
            self._connection.data_received(data)
        else:
            self._said = (self._said + data)[-_SAID_BYTES:]
            self._heard += len(data)
            if self._heard > _HEARD_BYTES:
                self.abort()

    def eof_received(self) -> bool:
        """Accept the end of the stream."""
        return self._connection.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Accept the end of the channel."""
        self._closed(self)
        # Without an error, it is the end of the stream or that of the whole login, which only then counts as closed.
        asyncio.get_running_loop().call_soon(self._end, exc)

    def _end(self, exc: Exception | None) -> None:
        if exc is None and self._ssh.is_closed():
            exc = ConnectionResetError("the ssh login has ended")
        self._connection.connection_lost(exc)

    def pause_writing(self) -> None:
        """Make the writer wait."""
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        """Let the writer continue."""
        self._connection.resume_writing()

    # What the connection calls

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Know nothing: asyncssh's channel would answer for the socket that all channels share."""
        return default

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set how many bytes may wait before the writer must."""
        self._channel.set_write_buffer_limits(high, low)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send *data*; after the end it is dropped, as a socket's transport does."""
        with contextlib.suppress(BrokenPipeError):
            self._channel.write(bytes(data))

    def write_eof(self) -> None:
        """Send the end of this side."""
        self._channel.write_eof()

    def pause_reading(self) -> None:
        """Deliver nothing for now."""
        self._channel.pause_reading()

    def resume_reading(self) -> None:
        """Deliver again, first what has arrived meanwhile."""
        self._channel.resume_reading()

    def abort(self) -> None:
        """Close the channel, whatever is in it."""
        self._channel.abort()
