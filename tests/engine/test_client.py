"""One engine: the version of its API is asked for once, before anything else, and again after every break."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from docker import APIClient
from docker.errors import APIError

from gateway.engine.client import Call, Endpoint, Engine
from gateway.engine.errors import (
    ApiTooNew,
    ApiTooOld,
    BadResponse,
    Disconnected,
    Incompatible,
    OutcomeUnknown,
    TimedOut,
)
from gateway.engine.kinds import OF_CLIENTS, Kind
from gateway.engine.transport.http import Request
from gateway.engine.transport.pool import Limits
from gateway.engine.transport.turns import Traffic, Turns
from gateway.engine.versions import Need
from tests.support.fake_engine import FakeEngine
from tests.support.upstream import CONTAINER, EXEC, Held, address_of, engine_at, soon

LIST = Call(Request("GET", "/containers/json"), changes=False)
STOP = Call(Request("POST", f"/containers/{CONTAINER}/stop"))
STREAM = Call(Request("GET", "/events"), changes=False)


def paths(fake: FakeEngine) -> list[str]:
    """Return what was asked, with the versions."""
    return [(f"/v{request.version}" if request.version else "") + request.path for request in fake.requests]


async def test_nothing_is_asked_before_the_first_call(fake: FakeEngine, engine: Engine) -> None:
    """A host that hangs does not delay the start; it is not even connected to (L14)."""
    assert engine.negotiated is None
    assert fake.connections == 0


@pytest.mark.parametrize(
    ("kind", "is_a_clients"), [(kind, kind in OF_CLIENTS) for kind in Kind if kind is not Kind.PROBE]
)
async def test_only_calls_of_clients_cause_pauses_of_other_hosts(
    fake: FakeEngine, kind: Kind, is_a_clients: bool
) -> None:
    """The gateway's own calls would slow down each long stream of a large fleet."""
    traffic, began = Traffic(), time.monotonic()
    engine = Engine("h1", Endpoint(fake.address, address_of(fake.address)), traffic=traffic)

    await engine.probe(soon(5))
    await engine.fetch(LIST._replace(kind=kind))
    async with engine.open(LIST._replace(kind=kind)):
        pass
    engine.close()

    assert traffic.has_others(Turns(traffic), began) is is_a_clients


async def test_the_version_is_asked_once_and_before_anything_else(fake: FakeEngine, engine: Engine) -> None:
    """The first call asks; the others use what it learnt, also those that came at the same time."""
    await asyncio.gather(engine.fetch(LIST), engine.fetch(LIST), engine.call(APIClient.containers))
    await engine.fetch(STOP)

    assert paths(fake) == ["/_ping", *["/v1.41/containers/json"] * 3, f"/v1.41/containers/{CONTAINER}/stop"]
    assert engine.negotiated == "1.41"


@pytest.mark.parametrize(
    ("announced", "used"),
    [("1.41", "1.41"), ("1.44", "1.44"), ("1.56", "1.56"), ("1.57", "1.56"), ("1.999", "1.56"), ("2.0", "1.56")],
)
async def test_the_newest_version_that_both_know_is_used(
    fake: FakeEngine, engine: Engine, announced: str, used: str
) -> None:
    """What the engine announces is clamped to what the contract describes (A5 59)."""
    fake.api_version = announced

    await engine.fetch(LIST)

    assert paths(fake) == ["/_ping", f"/v{used}/containers/json"]


@pytest.mark.parametrize("announced", ["1.40", "1.24", "0.1"])
async def test_an_engine_that_is_too_old_is_incompatible(fake: FakeEngine, engine: Engine, announced: str) -> None:
    """It is asked for nothing else, and asked again by the next call: it may be replaced (A5 59)."""
    fake.api_version = announced

    for _ in range(2):
        with pytest.raises(Incompatible, match=announced):
            await engine.fetch(LIST)
    assert paths(fake) == ["/_ping", "/_ping"]


@pytest.mark.parametrize("announced", [None, "", "latest", "1", "1.41.0", "-1.5", "1.41; DROP", "9" * 5000])
async def test_a_version_that_is_none_is_a_bad_answer(fake: FakeEngine, engine: Engine, announced: str | None) -> None:
    """Without a version nothing can be asked; a long one is not repeated in the text (A5 59)."""
    fake.api_version = announced

    with pytest.raises(BadResponse) as refused:
        await engine.fetch(LIST)
    assert len(str(refused.value)) < 200
    assert paths(fake) == ["/_ping"]


async def test_a_host_that_does_not_answer_the_first_question_is_not_waited_for(fake: FakeEngine) -> None:
    """Also not by a call without a deadline; other calls that wait for the version keep their own deadlines."""
    fake.on("GET", "/_ping", Held())
    async with engine_at(fake.address, Limits(call_timeout_seconds=0.4)) as engine:
        forever = asyncio.ensure_future(engine.fetch(Call(Request("POST", "/containers/x/wait"), changes=False)))
        await fake.request("GET", "/_ping")
        with pytest.raises(TimedOut):
            await engine.fetch(Call(LIST.request, changes=False, deadline=soon(0.1)))
        assert not forever.done()

        with pytest.raises(TimedOut):
            await forever
        with pytest.raises(TimedOut):
            await engine.call(APIClient.containers)
    assert set(paths(fake)) == {"/_ping"}


async def test_a_cancelled_call_that_asked_for_the_version_does_not_stop_the_others(
    fake: FakeEngine, engine: Engine
) -> None:
    """The next call asks again."""
    held = Held()
    fake.on("GET", "/_ping", held, times=1)
    first, second = asyncio.ensure_future(engine.fetch(LIST)), asyncio.ensure_future(engine.fetch(LIST))
    await held.called.wait()
    first.cancel()

    assert (await second).body == b"[]\n"


@pytest.mark.parametrize("how", ["call", "stream"])
async def test_after_a_break_the_version_is_asked_again(fake: FakeEngine, engine: Engine, how: str) -> None:
    """The address may belong to another engine now (B2 7)."""
    await engine.fetch(LIST)
    held = Held(lambda exchange: exchange.head(200, {"Transfer-Encoding": "chunked"}))
    fake.on("GET", "/events", held)
    if how == "call":
        fake.on("POST", "/containers/{id}/stop", held)
        call = asyncio.ensure_future(engine.fetch(STOP))
        await held.called.wait()
        held.exchange.close()
        with pytest.raises(OutcomeUnknown):
            await call
    else:
        async with engine.open(STREAM) as (_, connection):
            held.exchange.close()
            with pytest.raises(Disconnected):
                await connection.read()
    fake.api_version = "1.44"
    await engine.fetch(LIST)

    assert engine.negotiated == "1.44"
    assert paths(fake)[-2:] == ["/_ping", "/v1.44/containers/json"]


async def test_the_end_of_a_session_is_no_break(fake: FakeEngine, engine: Engine) -> None:
    """Each exec ends its connection; the version is not asked again for that."""

    async def session(exchange: Any) -> None:
        exchange.upgrade(b"bye")
        await exchange.drain()
        exchange.close()

    fake.on("POST", "/exec/{id}/start", session)
    async with engine.session(Call(Request("POST", f"/exec/{EXEC}/start"))) as connection:
        while await connection.read():
            pass
        await fake.until(lambda: fake.open_connections == 1)
    await engine.fetch(LIST)

    assert paths(fake).count("/_ping") == 1


@pytest.mark.parametrize("way", ["ask", "open", "call"])
@pytest.mark.parametrize(("before", "after"), [("1.44", "1.41"), ("1.41", "1.44")])
async def test_an_engine_replaced_by_another_version_is_asked_again_once(
    fake: FakeEngine, engine: Engine, way: str, before: str, after: str
) -> None:
    """A refusal of the version, too new or too old, means that the call has not been done: it is sent again ([V8])."""
    fake.api_version = before
    await engine.fetch(LIST)
    fake.api_version, fake.min_api_version = after, ("1.44" if after == "1.44" else "1.12")

    if way == "ask":
        await engine.fetch(STOP)
    elif way == "open":
        async with engine.open(STREAM) as (_, connection):
            assert await connection.read() == b'{"a":1}\n'
    else:
        await engine.call(APIClient.containers)

    [refused, ping, again] = paths(fake)[-3:]
    assert refused.startswith(f"/v{before}/")
    assert ping == "/_ping"
    assert again == refused.replace(before, after)


async def test_a_version_that_is_refused_twice_is_an_error(fake: FakeEngine, engine: Engine) -> None:
    """An engine that announces what it does not take is not asked forever."""
    fake.on("GET", "/containers/json", status=400, error="client version 1.41 is too old. Minimum is 1.44")

    with pytest.raises(APIError, match="too old"):
        await engine.fetch(LIST)
    assert paths(fake) == ["/_ping", "/v1.41/containers/json"] * 2


async def test_a_probe_learns_of_another_version(fake: FakeEngine, engine: Engine) -> None:
    """The regular question keeps the version up to date."""
    await engine.fetch(LIST)
    fake.api_version = "1.44"
    await engine.probe(soon(5))
    await engine.fetch(LIST)

    assert paths(fake)[-2:] == ["/_ping", "/v1.44/containers/json"]


async def test_what_the_host_is_too_old_for_is_not_sent(fake: FakeEngine, engine: Engine) -> None:
    """The error has both versions and the field."""
    with pytest.raises(ApiTooOld) as refused:
        await engine.fetch(Call(Request("POST", "/containers/create"), needs=(Need("annotations", since="1.44"),)))

    assert (refused.value.field, refused.value.required, refused.value.actual) == ("annotations", "1.44", "1.41")
    assert paths(fake) == ["/_ping"]
    await engine.fetch(Call(LIST.request, changes=False, needs=(Need("all", since="1.41"),)))


async def test_what_the_host_is_too_new_for_is_not_sent(fake: FakeEngine, engine: Engine) -> None:
    """A newer engine would ignore the field silently."""
    fake.api_version = "1.45"
    with pytest.raises(ApiTooNew) as refused:
        await engine.fetch(Call(Request("POST", "/containers/create"), needs=(Need("kernel_memory", until="1.41"),)))

    assert (refused.value.field, refused.value.last, refused.value.actual) == ("kernel_memory", "1.41", "1.45")
    assert paths(fake) == ["/_ping"]
    await engine.fetch(Call(LIST.request, changes=False, needs=(Need("all", until="1.45"),)))
