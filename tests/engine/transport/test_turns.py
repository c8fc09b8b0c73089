"""The work for one host does not keep the loop from the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import pytest

from gateway.engine.transport.turns import Traffic, Turns
from tests.support.clock import Clock, LeapingLoop


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def traffic() -> Traffic:
    return Traffic()


@pytest.fixture
def turns(traffic: Traffic, clock: Clock) -> Turns:
    turns = Turns(traffic, clock)
    turns.call()
    return turns


async def work(turns: Turns, done: list[str], name: str, pieces: int) -> None:
    """Do so many pieces, and write down each."""
    for _ in range(pieces):
        if turns.spent:
            await turns.next()
        done.append(name)


async def test_a_turn_lasts_half_a_millisecond(turns: Turns, clock: Clock) -> None:
    """It begins with the first question, and is over then."""
    assert not turns.spent
    clock.advance(0.0004)
    assert not turns.spent
    clock.advance(0.0002)
    assert turns.spent


async def test_a_turn_is_shorter_while_other_hosts_have_calls(traffic: Traffic, turns: Turns, clock: Clock) -> None:
    """A call needs a dozen iterations of the loop, each of which may have such a turn."""
    Turns(traffic, clock).call()
    assert not turns.spent
    clock.advance(0.0001)
    assert not turns.spent
    clock.advance(0.0002)
    assert turns.spent


async def test_a_round_of_the_loop_in_which_nobody_waits_ends_the_turn(turns: Turns, clock: Clock) -> None:
    """Who comes after it need not wait."""
    assert not turns.spent
    clock.advance(1)
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert not turns.spent


async def test_those_who_wait_share_a_turn(turns: Turns, clock: Clock) -> None:
    """Pieces that take less than a turn come one in each round of the loop, without a pause between them."""
    assert not turns.spent
    done: list[str] = []
    first = asyncio.create_task(turns.next())
    await asyncio.sleep(0)
    working = [asyncio.create_task(work(turns, done, name, 1)) for name in "abc"]
    rounds = 0
    while len(done) < 3:
        await asyncio.sleep(0)
        rounds += 1

    assert rounds < 10
    await asyncio.gather(first, *working)


async def test_work_that_has_the_turn_keeps_it_for_a_piece_although_others_wait(turns: Turns, clock: Clock) -> None:
    """To change after each of many little pieces would take more time than the pieces."""
    assert not turns.spent
    waiting = [asyncio.create_task(turns.next()) for _ in range(9)]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    at_once = turns.spent
    clock.advance(0.0003)
    after_a_piece = turns.spent
    await asyncio.gather(*waiting)

    assert (at_once, after_a_piece) == (False, True)


async def test_others_run_between_two_turns(turns: Turns, clock: Clock) -> None:
    """Whatever is ready in the loop has its time after each turn."""
    clock.step = 1.0  # each piece takes longer than a turn
    done: list[str] = []
    working = asyncio.create_task(work(turns, done, "piece", 10))
    while not working.done():
        before = len(done)
        await asyncio.sleep(0)
        assert len(done) - before <= 2  # the first asks when no turn has begun

    assert len(done) == 10


async def test_those_who_wait_get_their_turns_one_after_the_other(turns: Turns, clock: Clock) -> None:
    """A thousand streams of one host take no more of a round than one."""
    clock.step = 1.0
    done: list[str] = []

    await asyncio.gather(*(work(turns, done, name, 5) for name in "abc"))

    assert sorted(done) == sorted("abc" * 5)
    assert "".join(done[1:13]) == "abc" * 4  # the first piece needed no waiting


async def test_who_gives_up_waiting_holds_nobody_up(turns: Turns, clock: Clock) -> None:
    """Its turn is over at once."""
    clock.step = 1.0
    done: list[str] = []
    tasks = [asyncio.create_task(work(turns, done, name, 5)) for name in "abc"]
    await asyncio.sleep(0)
    tasks[1].cancel()

    await asyncio.gather(*tasks, return_exceptions=True)

    assert done.count("a") == done.count("c") == 5


async def test_two_hosts_have_turns_of_their_own(traffic: Traffic, turns: Turns, clock: Clock) -> None:
    """What one spends is not the other's."""
    other = Turns(traffic, clock)
    assert not turns.spent
    assert not other.spent
    clock.advance(0.0021)
    assert turns.spent
    await asyncio.sleep(0)

    assert not other.spent


async def rounds_of(turns: Turns, pieces: int) -> int:
    """Return the number of loop iterations for this number of pieces, each of which takes a turn."""
    working = asyncio.create_task(work(turns, [], "piece", pieces))
    rounds = 0
    while not working.done():
        await asyncio.sleep(0)
        rounds += 1
    return rounds


async def test_a_host_alone_has_no_pauses(traffic: Traffic, turns: Turns, clock: Clock) -> None:
    """Without recent calls of other hosts, no pauses are needed."""
    clock.step = 0.002
    Turns(traffic, clock).call()
    turns.call()
    clock.advance(1)

    assert await rounds_of(turns, 200) < 1000


async def test_a_host_that_uses_up_its_turns_has_pauses_where_others_have_calls(
    traffic: Traffic, turns: Turns, clock: Clock
) -> None:
    """They begin when it has used up its credit; nothing of the host's runs in them."""
    clock.step = 0.002
    Turns(traffic, clock).call()
    before = asyncio.get_running_loop().time()

    await rounds_of(turns, 200)

    assert asyncio.get_running_loop().time() - before > 0.15


async def use_up_the_credit(turns: Turns, clock: Clock, seconds: float = 0.0004) -> int:
    """Work in pieces of *seconds* until the host must pause; return their number."""
    pieces = 0
    while not turns.spent:
        pieces += 1
        clock.advance(seconds)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    return pieces


async def test_work_that_never_waits_uses_up_the_credit_too(traffic: Traffic, turns: Turns, clock: Clock) -> None:
    """A stream that does little in each iteration of the loop takes as much time as one that does much in some."""
    Turns(traffic, clock).call()

    assert 75 < await use_up_the_credit(turns, clock) < 125  # 30 ms of credit, and what is added in this time


async def test_while_its_work_waits_a_host_earns_no_credit(traffic: Traffic, turns: Turns, clock: Clock) -> None:
    """Otherwise many hosts that flood, each of which waits for the turns of all others, would have turns without
    pauses."""
    Turns(traffic, clock).call()
    await use_up_the_credit(turns, clock)

    async def use_a_turn() -> None:
        await turns.next()
        clock.advance(0.0005)

    working = asyncio.create_task(use_a_turn())
    await asyncio.sleep(0)
    clock.advance(0.015)
    await working
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert turns.spent


async def test_small_pieces_do_not_each_cost_a_pause(traffic: Traffic, turns: Turns, clock: Clock) -> None:
    """A stream that does little in each iteration of the loop may do as much between two pauses as other work."""
    Turns(traffic, clock).call()
    await use_up_the_credit(turns, clock)
    await turns.next()

    assert 6 < await use_up_the_credit(turns, clock, 0.00005) < 10


async def test_a_call_of_another_host_causes_no_pauses_after_a_second(
    traffic: Traffic, turns: Turns, clock: Clock
) -> None:
    """Also where the host has no further calls: one long stream."""
    clock.step = 0.002
    Turns(traffic, clock).call()
    clock.advance(1)

    assert await rounds_of(turns, 200) < 1000


def begun(turns: Turns, traffic: Traffic, clock: Clock, pieces: list[float]) -> list[float]:
    """Return when each of the *pieces* begins, in ms, as are their lengths; the host has no credit."""

    async def work(seconds: float) -> float:
        await turns.next()
        clock.advance(seconds)
        return asyncio.get_running_loop().time()

    async def all_of_them() -> list[float]:
        Turns(traffic, clock).call()
        await use_up_the_credit(turns, clock)
        began = asyncio.get_running_loop().time()
        return [time - began for time in await asyncio.gather(*(work(each / 1000) for each in pieces))]

    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        return [round(time * 1000, 3) for time in runner.run(all_of_them())]


@pytest.mark.parametrize(
    ("pieces", "times"), [([0.1, 0.1, 0.1], [1, 1, 1]), ([0.1, 0.35, 0.1], [1, 1, 2.5]), ([0.4, 0.1], [1, 2.5])]
)
def test_a_piece_for_which_too_little_of_the_turn_is_left_waits_for_the_next_one(
    traffic: Traffic, turns: Turns, clock: Clock, pieces: list[float], times: list[float]
) -> None:
    """Otherwise a turn would last until the end of its last piece."""
    assert begun(turns, traffic, clock, pieces) == times


def turns_after(
    calls: list[float], hosts: int, traffic: Traffic, arrive: Callable[[Traffic], None] = Traffic.arrived
) -> list[float]:
    """Return when the turns of *hosts* without credit begin; calls *arrive* at the times *calls*.  Times are in ms."""

    async def wait() -> list[float]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        for time in calls:
            loop.call_later(time / 1000, arrive, traffic)
        turns = [loop.create_future() for _ in range(hosts)]
        for turn in turns:
            traffic.after_pause(partial(turn.set_result, None))
        begun = []
        for turn in turns:
            await turn
            begun.append(round((loop.time() - began) * 1000, 3))
        return begun

    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        return runner.run(wait())


def test_hosts_that_use_up_their_credit_share_the_turns_of_one(traffic: Traffic) -> None:
    """Ten hosts that flood take no more of the loop than one: there is a pause after each turn."""
    assert turns_after([], 4, traffic) == [1.0, 2.5, 4.0, 5.5]


@pytest.mark.parametrize("arrive", [Traffic.arrived, lambda traffic: Turns(traffic).call()])
def test_a_pause_lasts_until_a_call_has_begun(traffic: Traffic, arrive: Callable[[Traffic], None]) -> None:
    """A call that arrives, and its request to a host, need some iterations of the loop each, and meet no turn."""
    assert turns_after([0.5, 2.0], 2, traffic, arrive) == [4.0, 5.5]


def test_calls_without_end_do_not_keep_a_host_from_its_turns(traffic: Traffic) -> None:
    """A pause has a limit."""
    assert turns_after([number * 0.9 for number in range(100)], 2, traffic) == [5.0, 10.0]
