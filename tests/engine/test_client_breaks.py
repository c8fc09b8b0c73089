"""One engine: what a break means for the call, and what errors hold."""

from __future__ import annotations

import asyncio

import pytest
from docker.errors import APIError, NotFound

from gateway.engine import client
from gateway.engine.client import Call, Endpoint, Engine
from gateway.engine.errors import BadResponse, Disconnected, OutcomeUnknown, TimedOut, Unreachable
from gateway.engine.kinds import Kind
from gateway.engine.observer import Observer
from gateway.engine.transport import turns
from gateway.engine.transport.http import Request
from tests.support.fake_engine import FakeEngine, ResponseParser, torn
from tests.support.upstream import CONTAINER, Held, address_of, engine_at, soon

LIST = Call(Request("GET", "/containers/json"), changes=False)
STOP = Call(Request("POST", f"/containers/{CONTAINER}/stop"))
STREAM = Call(Request("GET", "/events"), changes=False)


@pytest.mark.parametrize("at", [0, 1])
async def test_a_break_of_a_read_may_be_tried_again_and_of_a_change_not(at: int) -> None:
    """After a change was sent, its outcome is unknown (B2 3)."""
    async with FakeEngine.tcp() as fake, engine_at(fake.address) as engine:
        fake.on("GET", "/containers/json", torn(b"[]", at, reset=True))
        fake.on("POST", "/containers/{id}/stop", torn(b"{}", at, reset=True))

        with pytest.raises(Disconnected):
            await engine.fetch(LIST)
        with pytest.raises(OutcomeUnknown, match="not known"):
            await engine.fetch(STOP)
        assert [request.method for request in fake.requests if request.version] == ["GET", "POST"]


async def test_a_change_that_is_not_answered_in_time_has_an_unknown_outcome(fake: FakeEngine, engine: Engine) -> None:
    """A read in the same case may be asked again (B2 2, 3)."""
    fake.on("POST", "/containers/{id}/stop", Held())
    fake.on("GET", "/containers/json", Held())

    with pytest.raises(OutcomeUnknown):
        await engine.fetch(Call(STOP.request, deadline=soon()))
    with pytest.raises(TimedOut):
        await engine.fetch(Call(LIST.request, changes=False, deadline=soon()))


async def test_a_change_that_was_never_sent_has_no_unknown_outcome(fake: FakeEngine, engine: Engine) -> None:
    """Without a connection nothing was changed."""
    await engine.negotiate(None)
    async with engine_at("unix:///tmp/no-such-engine.sock") as gone:
        with pytest.raises(Unreachable):
            await gone.fetch(STOP)


async def test_calls_that_fail_together_end_one_after_the_other(
    fake: FakeEngine, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each status takes time, and calls of other hosts run in between."""
    monkeypatch.setattr(turns, "_SECONDS", 0.0)
    exchanges, iteration, ended = list[ResponseParser](), 0, list[int]()

    async def hold(exchange: ResponseParser) -> None:
        exchanges.append(exchange)
        await exchange.wait_closed()

    async def ask() -> None:
        with pytest.raises(OutcomeUnknown):
            await engine.fetch(STOP)
        ended.append(iteration)

    fake.on("POST", "/containers/{id}/stop", hold)
    asking = asyncio.gather(*(ask() for _ in range(10)))
    await fake.until(lambda: len(exchanges) == 10)
    for exchange in exchanges:
        exchange.abort()
    while not asking.done():
        iteration += 1
        await asyncio.sleep(0)
    await asking

    assert len(set(ended)) >= 9  # the first needs no turn


class Heard(Observer):
    """Writes down what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[Kind, int | str]] = []

    def answered(self, call: Call, kind: Kind, status: int, seconds: float) -> None:
        """Write down the status."""
        self.heard.append((kind, status))

    def failed(self, call: Call, kind: Kind, error: BaseException, seconds: float) -> None:
        """Write down what has failed."""
        self.heard.append((kind, type(error).__name__))


async def test_calls_are_counted_with_their_outcome(fake: FakeEngine) -> None:
    """The observer gets every call: its kind and HTTP status, or how it failed."""
    fake.on("GET", "/broken", raw=b"no HTTP\r\n\r\n")
    observer = Heard()
    engine = Engine("h1", Endpoint(fake.address, address_of(fake.address)), observer=observer)
    await engine.fetch(STOP)
    for kind in ("unary", "stream"):
        broken = Call(Request("GET", "/broken"), changes=False)
        with pytest.raises(BadResponse):
            await (engine.fetch(broken) if kind == "unary" else engine.open(broken).__aenter__())
    async with engine.open(STREAM):
        pass
    with pytest.raises(APIError):
        await engine.fetch(Call(Request("GET", "/nothing"), changes=False))
    engine.close()

    assert observer.heard == [
        (Kind.PROBE, 200),
        (Kind.UNARY, 204),
        (Kind.UNARY, "BadResponse"),
        (Kind.STREAM, "BadResponse"),
        (Kind.STREAM, 200),
        (Kind.UNARY, 404),
    ]


async def test_an_endless_text_of_an_error_is_cut(fake: FakeEngine, engine: Engine) -> None:
    """Of an error whose text never ends, the first 4 KiB are read."""
    fake.on("GET", "/events", status=500, chunks=[b'{"message":"too much"}' + b"x" * (1 << 20)], hold=True)

    with pytest.raises(APIError) as failed:
        async with engine.open(STREAM):
            pass
    assert failed.value.status_code == 500
    assert str(failed.value.explanation).startswith('{"message":"too much"}xx')
    assert len(str(failed.value.explanation)) == 4 << 10


@pytest.mark.parametrize("body", [b'{"message":"%b"}' % (b"x" * 50_000), b"x" * 100_000], ids=["JSON", "text"])
async def test_a_long_text_of_an_error_is_cut(fake: FakeEngine, engine: Engine, body: bytes) -> None:
    """No more than 4 KiB of it are kept, whatever an engine sends."""
    fake.on("POST", "/containers/{id}/stop", status=500, body=body)

    with pytest.raises(APIError) as failed:
        await engine.fetch(STOP)
    assert failed.value.explanation == "x" * (4 << 10)
    assert failed.value.response is not None
    assert len(failed.value.response.content) == 4 << 10


@pytest.mark.parametrize("end", ["close", "wait_closed"])
async def test_an_error_whose_text_breaks_off_keeps_what_has_come(
    fake: FakeEngine, engine: Engine, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The status counts, though the connection ends, or falls silent, before the text is whole."""
    monkeypatch.setattr(client, "_ERROR_SECONDS", 0.2)

    async def break_off(exchange: ResponseParser) -> None:
        exchange.head(404, {"Content-Length": "99"}, b"No such th")
        await exchange.drain()
        if (ended := getattr(exchange, end)()) is not None:
            await ended

    fake.on("GET", "/events", break_off)

    with pytest.raises(NotFound, match="No such th"):
        async with engine.open(Call(STREAM.request, changes=False, deadline=soon(5))):
            pass
