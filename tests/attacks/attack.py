"""The definition of an attack: its actions, and what the gateway guarantees during the attack."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

import grpc

from tests.attacks.http2 import Connection
from tests.support.fake_engine import FakeEngine, Handler, ResponseParser

Size = Literal["small", "full"]
Row = Mapping[str, Any]  # what was measured, by name: see `harness.measure`
Seen = dict[str, Any]  # what an attacker saw; its figures become part of the row

HEALTHY, HOSTILE = "healthy", "hostile"  # the hosts of a gateway that is attacked
PING = "/dockfleet.v1.SystemService/Ping"
_CONNECT_SECONDS = 5  # a server that accepts no more is tried by the kernel for minutes
_SOURCE = "127.0.0.66"  # the address that raw connections come from: the honest client's is another


class _Sizes(NamedTuple):
    small: Any
    full: Any


def sizes(small: Any, full: Any) -> Any:
    """Return a figure of an attack: in small size, which takes seconds, and in full."""
    return _Sizes(small, full)


@dataclass(frozen=True)
class Bound:
    """A promise: the figure *measure* of a row is at most *most*."""

    measure: str
    most: float
    what: str  # in words, such as "MiB of memory"

    def holds(self, row: Row) -> bool:
        """Return whether *row* keeps it."""
        return bool(row[self.measure] <= self.most)

    def __str__(self) -> str:
        return f"{self.what} ≤ {self.most:g}"


EVERYWHERE = (  # what holds under every attack
    Bound("failed_pings", 0, "honest pings that fail"),
    Bound("memory_after", 50, "MiB kept afterwards"),
    Bound("killed", 0, "gateways that SIGTERM does not end"),
    Bound("foreign_lines", 0, "lines of others in the log"),
)
STREAMS = Bound("most_streams", 250, "streams that a connection may have")
WORK = Bound("work_p90_ms", 50, "ms that the loop computes within nine of ten honest pings")  # under floods
_LATE = "seconds until SIGTERM ends it, beyond drain and grace"
BY_SIZE = {  # small ones run on machines that are so busy that the clock says little
    "small": (Bound("late_seconds", 10, _LATE),),
    "full": (Bound("late_seconds", 2, _LATE), Bound("p99_ratio", 3, "p99 of honest pings, times that without")),
}


@dataclass(frozen=True)
class Target:
    """The gateway as attackers find it.  `hostile` is the socket of the hostile host, `pid` the gateway's process.

    For grpcio alone, `hostile` is empty.
    """

    host: str
    port: int
    metrics_port: int
    hostile: str
    pid: int = 0

    async def connect(self, **settings: int) -> Connection:
        """Open a raw HTTP/2 connection with *settings* of its own: see `http2.SETTINGS`.  Raises `OSError`."""
        async with asyncio.timeout(_CONNECT_SECONDS):
            return await Connection.open(self.host, self.port, _SOURCE, settings)

    @asynccontextmanager
    async def channel(self) -> AsyncIterator[grpc.aio.Channel]:
        """Give a channel of gRPC's own, without bounds on the size of messages."""
        options = [
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.max_send_message_length", -1),
            ("grpc.max_receive_message_length", -1),
        ]
        async with grpc.aio.insecure_channel(f"{self.host}:{self.port}", options) as channel:
            yield channel


class Attack:
    """An attack in one of two sizes.  The first line of the class's docstring says what it does, for the table.

    Attributes that are `sizes` have the value of its size.  `script` runs in the process of the hostile host, and
    `strike` in that of the attacker.
    """

    name: ClassVar[str]
    kind: ClassVar[int]  # in the issue about hostile clients and hosts; 0 is no attack
    repeats: ClassVar[bool] = False  # it ends by itself, and goes on by being done again
    descriptors: ClassVar[int | None] = None  # how many file descriptors the gateway may have

    def __init__(self, size: Size) -> None:
        self.size = size
        self.figures = {name: getattr(value, size) for name, value in vars(type(self)).items() if type(value) is _Sizes}
        vars(self).update(self.figures)

    @property
    def does(self) -> str:
        """What it does, in a sentence."""
        return (type(self).__doc__ or "").partition("\n")[0]

    def bounds(self) -> tuple[Bound, ...]:
        """What is promised besides what holds everywhere."""
        return ()

    def promised(self) -> tuple[Bound, ...]:
        """All that is promised in this size."""
        return *self.bounds(), *EVERYWHERE, *BY_SIZE[self.size]

    def configuration(self) -> dict[str, Any]:
        """Keys of the gateway's configuration."""
        return {}

    def hosts(self, target: Target) -> list[dict[str, Any]]:
        """The hostile hosts, as they are configured."""
        return [{"name": HOSTILE, "address": f"unix://{target.hostile}"}]

    serves: ClassVar[bool] = True  # the hostile host answers by `script`; else the attacker serves it

    def script(self, engine: FakeEngine) -> None:
        """Say how the hostile host answers.  Without more, it is a good one."""

    def strike(self, target: Target) -> AbstractAsyncContextManager[Seen]:
        """Attack: the block begins at the attack's height, and it lasts as long as the block."""
        raise NotImplementedError


class Nothing(Attack):
    """Nothing: what the figures are without an attack"""

    name, kind = "nothing", 0

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        yield {}


def mib(count: float) -> int:
    """Return so many MiB in bytes."""
    return int(count * (1 << 20))


def turned(engine: FakeEngine, **ping: Any) -> Handler:
    """Answer a list, and from then on pings with *ping*."""

    async def turn(exchange: ResponseParser) -> None:
        engine.on("GET", "/_ping", **ping)
        await exchange.answer(json=[])

    return turn


async def code(call: Any) -> str:
    """Return the status of a call at its end, whatever it is."""
    with contextlib.suppress(grpc.RpcError, asyncio.CancelledError):
        if hasattr(call, "__aiter__"):
            async for _ in call:
                pass
        else:
            await call
    name: str = (await call.code()).name
    return name


@asynccontextmanager
async def connections(target: Target) -> AsyncIterator[Connected]:
    """Give a list of raw connections, to be added to; all are closed at the end."""
    connected = Connected(target)
    try:
        yield connected
    finally:
        for connection in connected:
            connection.close()


class Connected(list[Connection]):
    """The raw connections to a target."""

    def __init__(self, target: Target) -> None:
        super().__init__()
        self.target = target


async def spread(connected: Connected, calls: int) -> AsyncIterator[Connection]:
    """Yield a connection for each of so many calls, and open another one whenever the server's bound is reached."""
    room = 0
    for _ in range(calls):
        if not room:
            try:
                connected.append(await connected.target.connect())
            except OSError:
                return
            await connected[-1].settled.wait()
            room = connected[-1].most_streams
        room -= 1
        yield connected[-1]
