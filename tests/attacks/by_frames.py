"""What a hostile client sends that is no call, or none that it wants an answer to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from dockfleet.v1 import system_pb2

from tests.attacks import http2
from tests.attacks.attack import (
    HEALTHY,
    PING,
    STREAMS,
    WORK,
    Attack,
    Bound,
    Seen,
    Target,
    connections,
    sizes,
)
from tests.attacks.http2 import Connection

_READ_SECONDS = 60  # in which the gateway has read all that was sent, also on a busy machine


class RapidReset(Attack):
    """Connections that begin calls and cancel them, or make the gateway reset them, as fast as they can"""

    name, kind = "rapid-reset", 4
    resets = sizes(5000, 100_000)
    repeats = True

    def bounds(self) -> tuple[Bound, ...]:
        return STREAMS, Bound("stayed", 0, "of the three connections that the gateway keeps")

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        async with connections(target) as connected:
            ways = (self._cancel, self._cancel, self._provoke)
            for _ in ways:
                connected.append(await target.connect())
            await asyncio.gather(*(self._reset(*pair) for pair in zip(connected, ways, strict=True)))
            with suppress(TimeoutError):
                async with asyncio.timeout(_READ_SECONDS):
                    await asyncio.gather(*(connection.gone.wait() for connection in connected))
            stayed = sum(not connection.gone.is_set() for connection in connected)
            yield {"stayed": stayed, "most_streams": max(each.most_streams for each in connected)}

    async def _reset(self, connection: Connection, begin: Callable[[Connection], None]) -> None:
        for number in range(self.resets):
            if connection.gone.is_set():
                return
            begin(connection)
            if number % 50 == 0:
                await connection.drain()
                await asyncio.sleep(0)

    def _cancel(self, connection: Connection) -> None:
        message = system_pb2.PingRequest(host=HEALTHY).SerializeToString()
        connection.reset(connection.call(PING, message, end=True))

    def _provoke(self, connection: Connection) -> None:
        compressed = b"\1\0\0\0\1x"  # which the head does not say, so the server ends the stream
        connection.send(http2.DATA, 0, connection.call(PING), compressed)


class FrameFloods(Attack):
    """Connections that send one kind of small frame as fast as they can, and others that say nothing at all"""

    name, kind = "frame-floods", 4
    frames = sizes(5000, 100_000)
    heads = sizes(500, 10_000)  # each of them is some KiB, and a call
    silent = sizes(50, 400)
    seconds = sizes(0, 8)
    repeats = True

    def bounds(self) -> tuple[Bound, ...]:
        kept = Bound("silent_kept", 0, f"silent connections that are kept after {self.seconds} s")
        return WORK, Bound("memory_peak", 64, "MiB of memory"), *((kept,) if self.seconds else ())

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        async with connections(target) as connected, AsyncExitStack() as stack:
            ends = []
            for _ in range(self.silent):
                reader, writer = await asyncio.open_connection(target.host, target.port)
                stack.callback(writer.close)  # and it stays open until then
                ends.append(asyncio.create_task(reader.read()))
            kinds = dict.fromkeys((self._pings, self._settings, self._empty_data, self._continuations), self.frames)
            kinds[self._tables] = self.heads
            for _ in kinds:
                connected.append(await target.connect())
            floods = zip(connected, kinds, kinds.values(), strict=True)
            await asyncio.gather(*(self._flood(*flood) for flood in floods))
            await asyncio.sleep(self.seconds)
            yield {"silent_kept": sum(not end.done() for end in ends)}
            for end in ends:
                end.cancel()

    async def _flood(
        self, connection: Connection, frame: Callable[[Connection], Callable[[], None]], count: int
    ) -> None:
        send = frame(connection)
        for number in range(count):
            if connection.gone.is_set():
                return
            send()
            if number % 50 == 0:
                await connection.drain()
                await asyncio.sleep(0)

    def _pings(self, connection: Connection) -> Callable[[], None]:
        return lambda: connection.send(http2.PING, 0, 0, bytes(8))

    def _settings(self, connection: Connection) -> Callable[[], None]:
        return lambda: connection.send(http2.SETTING, 0, 0)

    def _empty_data(self, connection: Connection) -> Callable[[], None]:
        stream = connection.call(PING)
        return lambda: connection.send(http2.DATA, 0, stream)

    def _continuations(self, connection: Connection) -> Callable[[], None]:
        stream = connection.begin_head(PING)
        return lambda: connection.send(http2.CONTINUATION, 0, stream, b"\0\1x\1y" * 20)

    def _tables(self, connection: Connection) -> Callable[[], None]:
        fields = {f"x-some-{number:03}": "y" * 60 for number in range(60)}
        return lambda: connection.churn(PING, fields)
