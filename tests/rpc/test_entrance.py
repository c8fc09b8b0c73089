"""Many calls that one connection begins at once do not come before those of the others."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, field
from typing import cast

import grpc
import pytest

from gateway.engine import callers
from gateway.rpc import entrance
from gateway.rpc.call import Call
from gateway.rpc.entrance import Entrance
from gateway.rpc.status import GoingAway
from tests.support.two_clients import PING, two_clients
from tests.support.upstream import until

MANY = 60
NEVER = 3600.0


async def test_a_call_is_served_before_the_rest_of_many_that_another_connection_began(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first of these are served at once, the rest when it is their turn; those that wait at a stop learn of it."""
    for name in ("_WINDOW_SECONDS", "_MOST_SECONDS"):  # no turn comes while the test looks
        monkeypatch.setattr(entrance, name, NEVER)
    monkeypatch.setattr(callers, "RECENT_SECONDS", NEVER)
    monkeypatch.setattr(entrance, "_QUIET_ITERATIONS", sys.maxsize)
    async with two_clients() as (one, other, stop):
        calls = [one.system.Ping(PING) for _ in range(MANY)]
        await until(lambda: sum(call.done() for call in calls) >= entrance._AT_ONCE - 1)  # one was before
        await other.system.Ping(PING)
        served = sum(call.done() for call in calls)
        await stop()
        ends = await asyncio.gather(*(call.code() for call in calls))

    assert served == entrance._AT_ONCE - 1
    assert ends.count(grpc.StatusCode.UNAVAILABLE) == MANY - served


async def test_all_of_many_calls_have_their_turn() -> None:
    """Also where some of their clients leave before."""
    async with two_clients() as (one, other, _):
        calls = [client.system.Ping(PING) for _ in range(MANY) for client in (one, other)]
        for call in calls[10:20]:
            call.cancel()
        ends = await asyncio.gather(*(call.code() for call in calls))

    assert ends.count(grpc.StatusCode.OK) == len(calls) - 10


async def test_calls_of_a_client_that_is_alone_do_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are no other clients to wait for."""
    monkeypatch.setattr(entrance, "_WINDOW_SECONDS", NEVER)
    monkeypatch.setattr(entrance, "_MOST_SECONDS", NEVER)
    monkeypatch.setattr(entrance, "_QUIET_ITERATIONS", sys.maxsize)
    monkeypatch.setattr(callers, "RECENT_SECONDS", 0.0)
    async with two_clients() as (one, _, _):
        calls = [one.system.Ping(PING) for _ in range(MANY)]
        ends = await asyncio.gather(*(call.code() for call in calls))

    assert set(ends) == {grpc.StatusCode.OK}


async def test_calls_that_never_cease_to_arrive_do_not_keep_others_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a client could keep all calls of the others from being served."""
    monkeypatch.setattr(entrance, "_QUIET_ITERATIONS", sys.maxsize)  # as if a call arrived in each iteration
    async with two_clients() as (one, _, _):
        ends = await asyncio.gather(*(one.system.Ping(PING).code() for _ in range(MANY)))

    assert set(ends) == {grpc.StatusCode.OK}


@pytest.mark.parametrize("other_has_calls", [True, False])
async def test_calls_enter_with_pauses_while_another_client_has_few_calls(
    monkeypatch: pytest.MonkeyPatch, other_has_calls: bool
) -> None:
    """Without pauses, the work of these calls would slow down each call of the other; clients alike need none."""
    monkeypatch.setattr(entrance, "_PAUSE_SECONDS", NEVER)
    now = [0.0]
    queue = Entrance(lambda: now[0])
    await queue.enter(cast(Call, Waiting("ipv4:127.0.0.1:2")))
    burst = [enter(queue, Waiting("ipv4:127.0.0.1:1")) for _ in range(entrance._AT_ONCE + MANY)]
    await asyncio.sleep(0)
    waiting = [task for task in burst if not task.done()]
    if not other_has_calls:
        now[0] += entrance._FEW_SECONDS
    for _ in range(2 * MANY * entrance._QUIET_ITERATIONS):
        await asyncio.sleep(0)

    assert len(waiting) == MANY
    assert sum(task.done() for task in waiting) == (1 if other_has_calls else MANY)
    for task in waiting:
        task.cancel()


async def test_a_call_whose_client_leaves_is_forgotten_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client can begin and cancel thousands of calls while none of them enters."""
    monkeypatch.setattr(entrance, "_QUIET_ITERATIONS", sys.maxsize)
    monkeypatch.setattr(entrance, "_MOST_SECONDS", NEVER)
    queue = Entrance()
    left, stays = Waiting("ipv4:127.0.0.1:1"), Waiting("ipv4:127.0.0.1:1")
    await queue.enter(cast(Call, Waiting("ipv4:127.0.0.1:2")))
    leaving = [enter(queue, left) for _ in range(entrance._AT_ONCE + MANY)]
    staying = enter(queue, stays)
    await asyncio.sleep(0)
    for task in leaving:
        task.cancel()
    await asyncio.gather(*leaving, return_exceptions=True)
    queue.end_all(GoingAway())

    assert (left.context.ended, stays.context.ended) == (0, 1)
    staying.cancel()


def enter(queue: Entrance, call: Waiting) -> asyncio.Task[None]:
    """Let *call* enter."""
    return asyncio.create_task(queue.enter(cast(Call, call)))


class Ended:
    """Counts how often the call is ended."""

    def __init__(self) -> None:
        self.ended = 0

    def end(self, _: Exception) -> None:
        self.ended += 1


@dataclass
class Waiting:
    """What the entrance knows of a call."""

    peer: str
    address: str = "127.0.0.1"
    context: Ended = field(default_factory=Ended)
