"""A failure of a host means the same for followed logs, events and stats."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol

import grpc
import pytest
from dockfleet.v1 import containers_pb2, system_pb2

from gateway.config.settings import Limits
from gateway.engine.errors import (
    BadResponse,
    Busy,
    CredentialsRejected,
    Disconnected,
    IdentityMismatch,
    Incompatible,
    OperationFailed,
    Refused,
    TimedOut,
    TornStream,
    Unreachable,
)
from gateway.engine.kinds import Kind
from gateway.engine.sdk import engine_error
from gateway.engine.transport.http import Response
from gateway.engine.transport.pool import Pool
from tests.support.fake_engine import FakeEngine
from tests.support.fake_events import Daemon
from tests.support.fake_log import LOGS, NOON, STATE, Log, state
from tests.support.fake_stats import Container, sample
from tests.support.gateway import Client, failed, gateway_of

NEVER_SECONDS = 3600.0  # a stream that is tried again for so long does not end within a test


class Stream(Protocol):
    """One kind of stream, and the side of the engine."""

    def call(self, client: Client) -> Any:
        """Open it."""

    async def opened(self) -> None:
        """Wait until the engine has been asked."""

    def write(self, number: int) -> None:
        """Give it a record."""

    def number(self, message: Any) -> int | None:
        """Return which record a response holds."""

    def cut(self) -> None:
        """Break its connection."""


class Logs:
    """A followed log."""

    def __init__(self, engine: FakeEngine) -> None:
        self._engine = engine
        self._log = Log()
        self._followed = 0
        engine.on(*STATE, json=state())
        engine.on(*LOGS, self._log)

    def call(self, client: Client) -> Any:
        """Follow."""
        return client.containers.StreamLogs(containers_pb2.StreamLogsRequest(host="h1", id="web", follow=True))

    async def opened(self) -> None:
        """Wait for an answer that follows."""
        self._followed += 1
        await self._engine.until(lambda: self._log.followed >= self._followed)

    def write(self, number: int) -> None:
        """Write a line."""
        self._log.write((NOON + number, b"%d\n" % number, 1))

    def number(self, message: Any) -> int | None:
        """Return the number that the line is."""
        return int(message.batch.entries[-1].data) if message.batch.entries else None

    def cut(self) -> None:
        """Break its connection."""
        self._log.cut()


class Events:
    """The events of a host."""

    def __init__(self, engine: FakeEngine) -> None:
        self._daemon = Daemon(engine)

    def call(self, client: Client) -> Any:
        """Watch."""
        return client.system.StreamEvents(system_pb2.StreamEventsRequest(host="h1"))

    async def opened(self) -> None:
        """Wait for a subscription."""
        await self._daemon.subscribed(1)

    def write(self, number: int) -> None:
        """Let something happen."""
        self._daemon.happen("container", "start", str(number))

    def number(self, message: Any) -> int | None:
        """Return the id of the container."""
        return int(message.event.actor.id) if message.HasField("event") else None

    def cut(self) -> None:
        """Break its connection."""
        self._daemon.cut()


class Stats:
    """The samples of a container."""

    def __init__(self, engine: FakeEngine) -> None:
        self._container = Container(engine)
        self._listened = 0

    def call(self, client: Client) -> Any:
        """Read."""
        return client.containers.StreamStats(containers_pb2.StreamStatsRequest(host="h1", id="web"))

    async def opened(self) -> None:
        """Wait for a stream."""
        self._listened += 1
        await self._container.listened(self._listened)

    def write(self, number: int) -> None:
        """Give a sample."""
        self._container.give(sample(number))

    def number(self, message: Any) -> int | None:
        """Return the second of the sample."""
        return message.stats.read_at.seconds % 60 if message.HasField("stats") else None

    def cut(self) -> None:
        """Break its connection."""
        self._container.cut()


class Outage:
    """Lets requests to one engine fail, but for those by which the gateway finds out how it is."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, engine: FakeEngine) -> None:
        self.error: Exception | None = None
        self.requests = 0  # that failed
        self._address = engine.address
        self._left = 0
        fetch, open_stream = Pool.fetch, Pool.open

        async def failing_fetch(pool: Pool, *args: Any, **keys: Any) -> Any:
            if Kind.PROBE not in args:
                self._fail(pool)
            return await fetch(pool, *args, **keys)

        @contextlib.asynccontextmanager
        async def failing_open(pool: Pool, *args: Any, **keys: Any) -> AsyncIterator[Any]:
            self._fail(pool)
            async with open_stream(pool, *args, **keys) as opened:
                yield opened

        monkeypatch.setattr(Pool, "fetch", failing_fetch)
        monkeypatch.setattr(Pool, "open", failing_open)

    def begin(self, error: Exception, requests: int = 1_000_000) -> None:
        """Let so many *requests* fail with *error* from now on."""
        self.error, self._left = error, requests

    def _fail(self, pool: Pool) -> None:
        if self.error is not None and self._left > 0 and f"unix://{pool._address.path}" == self._address:
            self._left -= 1
            self.requests += 1
            raise self.error


def status(code: int) -> Exception:
    """An engine's answer with this status."""
    return engine_error(Response(code, {}, b'{"message": "no"}'))


PASSING = [Unreachable("away"), Disconnected("away"), TimedOut("away"), Busy("away"), status(500), status(503)]
PLACED = [TornStream("torn"), OperationFailed("torn")]
LASTING = [
    *(IdentityMismatch("wrong"), CredentialsRejected("wrong"), BadResponse("wrong"), Incompatible("wrong")),
    *(status(400), status(403)),
]


REFUSED = {
    400: ("INVALID_ARGUMENT", "INVALID_REQUEST"),
    403: ("PERMISSION_DENIED", "ENGINE_AUTHZ"),
    500: ("INTERNAL", "ENGINE_ERROR"),
    503: ("UNAVAILABLE", "ENGINE_BACKEND"),
}


def name(value: Any) -> str:
    """Name a parameter."""
    code = getattr(value, "status_code", "")
    return f"{type(value).__name__}{code}" if isinstance(value, Exception) else value.__name__


every_kind = pytest.mark.parametrize("kind", [Logs, Events, Stats], ids=name)


def failures(*errors: Exception) -> pytest.MarkDecorator:
    """Run a test for each of *errors*."""
    return pytest.mark.parametrize("error", errors, ids=name)


@pytest.fixture
async def engine() -> AsyncIterator[FakeEngine]:
    """The engine."""
    async with FakeEngine() as engine:
        yield engine


@pytest.fixture
def outage(monkeypatch: pytest.MonkeyPatch, engine: FakeEngine) -> Outage:
    """What lets requests fail."""
    return Outage(monkeypatch, engine)


@contextlib.asynccontextmanager
async def open_stream(
    engine: FakeEngine, kind: Callable[[FakeEngine], Stream], seconds: float
) -> AsyncIterator[tuple[Stream, Any]]:
    """Open a stream that is tried again for *seconds*, and give it once it has begun."""
    stream = kind(engine)
    limits = Limits(reconnect_timeout_seconds=seconds)
    async with gateway_of(engine.address, limits=limits, health_check_interval_seconds=NEVER_SECONDS) as client:
        call = stream.call(client)
        await stream.opened()
        await call.initial_metadata() if kind is Events else None
        stream.write(0)
        assert await next_number(stream, call) == 0
        yield stream, call


async def next_number(stream: Stream, call: Any) -> int:
    """Return the number of the next record."""
    while True:
        message = await call.read()
        assert message is not grpc.aio.EOF
        if (number := stream.number(message)) is not None:
            return number


async def end(call: Any) -> tuple[str, str]:
    """Read a call that fails to its end, and return its status and reason."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        while await call.read() is not grpc.aio.EOF:
            pass
    return failed(caught.value).code.name, failed(caught.value).reason


def expected(error: Any) -> tuple[str, str]:
    """Return the status and reason of a stream that ends with *error*."""
    if isinstance(error, OperationFailed):
        return "FAILED_PRECONDITION", "OPERATION_FAILED"
    if isinstance(error, Refused):
        return REFUSED[error.status_code]
    return error.status, error.reason


@every_kind
@failures(*LASTING)
async def test_a_failure_that_lasts_ends_a_stream_at_once(
    engine: FakeEngine, outage: Outage, kind: Any, error: Exception
) -> None:
    """A wrong certificate, an incompatible engine: waiting would not help, so the client learns of it."""
    async with open_stream(engine, kind, NEVER_SECONDS) as (stream, call):
        outage.begin(error)
        stream.cut()

        assert await end(call) == expected(error)
    assert outage.requests <= 2  # one of them may be for the lists of a host, which come after its events have begun


Check = Callable[[FakeEngine, Outage, Exception], Awaitable[None]]


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> Callable[[Check, list[Exception]], Awaitable[None]]:
    """Give the function that does a check for each of several errors, each on an engine of its own, at the same time.

    These checks wait for most of their time.
    """

    async def check_one(check: Check, error: Exception) -> None:
        async with FakeEngine() as engine:
            await check(engine, Outage(monkeypatch, engine), error)

    async def check_all(check: Check, errors: list[Exception]) -> None:
        async with asyncio.TaskGroup() as group:
            for error in errors:
                group.create_task(check_one(check, error), name=name(error))

    return check_all


@every_kind
async def test_a_failure_that_passes_is_not_seen(kind: Any, at_once: Any) -> None:
    """The host is away or busy for a while: the stream continues."""

    async def check(engine: FakeEngine, outage: Outage, error: Exception) -> None:
        async with open_stream(engine, kind, NEVER_SECONDS) as (stream, call):
            outage.begin(error, requests=4)
            stream.cut()
            await stream.opened()
            stream.write(1)

            assert await next_number(stream, call) == 1
        assert outage.requests == 4

    await at_once(check, PASSING)


@every_kind
async def test_a_failure_that_does_not_pass_ends_a_stream_after_a_while(kind: Any, at_once: Any) -> None:
    """The client learns of the last failure."""

    async def check(engine: FakeEngine, outage: Outage, error: Exception) -> None:
        async with open_stream(engine, kind, 0.2) as (stream, call):
            outage.begin(error)
            stream.cut()

            assert await end(call) == expected(error)
        assert outage.requests > 1

    await at_once(check, PASSING)


@every_kind
async def test_a_place_that_cannot_be_read_ends_a_stream_after_three_attempts(kind: Any, at_once: Any) -> None:
    """Trying again may help; waiting does not."""

    async def check(engine: FakeEngine, outage: Outage, error: Exception) -> None:
        async with open_stream(engine, kind, NEVER_SECONDS) as (stream, call):
            outage.begin(error)
            stream.cut()

            assert await end(call) == expected(error)
        assert 3 <= outage.requests <= 4  # the lists, as above

    await at_once(check, PLACED)


@every_kind
@failures(*PASSING, *PLACED, *LASTING)
async def test_a_stream_that_never_began_is_not_tried_again(
    engine: FakeEngine, outage: Outage, kind: Any, error: Exception
) -> None:
    """Its client learns at once why."""
    limits = Limits(reconnect_timeout_seconds=NEVER_SECONDS)
    async with gateway_of(engine.address, limits=limits, health_check_interval_seconds=NEVER_SECONDS) as client:
        outage.begin(error)

        assert await end(kind(engine).call(client)) == expected(error)
    assert outage.requests == 1
