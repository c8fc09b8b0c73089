"""What merged logs remember of containers whose logs have ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from dockfleet.v1.containers_pb2 import ContainerSummary

from gateway.engine.inventory.clock import EngineClock, Moment
from gateway.engine.inventory.details import Details
from gateway.engine.inventory.rows import ContainerRow
from gateway.engine.logs.cursor import LogTokenCodec
from gateway.fleet.host import Host
from gateway.rpc.services.fleet.log_places import Place, Places

TOKENS = LogTokenCodec(b"a key of sixteen")
SECOND = 1_000_000_000
BEGAN = 1_000_000 * SECOND


@dataclass
class Clock:
    """The engine's time, which only the test moves."""

    engine_now: int = BEGAN


@dataclass
class Engine:
    """What `Places` knows of a host."""

    name: str = "north"
    inventory: Clock = field(default_factory=Clock)

    @property
    def host(self) -> Host:
        """The same for the type checker."""
        return cast("Host", self)


def id_of(number: int) -> str:
    """The id of a container."""
    return f"{number:064x}"


def row(number: int, state: str, started: int, finished: int = 0) -> ContainerRow:
    """A container that was created when it was started first."""
    summary: Any = ContainerSummary(id=id_of(number), state=state)
    created = min(started, finished or started)
    return ContainerRow(summary, Details(created, started, finished, 0, "none", 0, 0), 0, EngineClock(), Moment(0, 0))


def after_many(count: int) -> tuple[Engine, Places]:
    """Where a client is after *count* containers, each of which ran for 5 s, and ended 10 s after the one before."""
    engine, places = Engine(), Places(TOKENS, 3, [])
    places.know(engine.host)
    for number in range(count):
        engine.inventory.engine_now = ended(number)
        places.done(engine.host, id_of(number), up=True)
    return engine, places


def ended(number: int) -> int:
    """When a container of `after_many` ended."""
    return BEGAN + 10 * SECOND * (number + 1)


def test_a_stream_of_days_remembers_the_ends_of_the_last_minutes_alone() -> None:
    """What it keeps does not grow with each container that ends."""
    _, places = after_many(20_000)

    assert len(places._done) < 2048


def test_the_log_of_a_container_that_has_ended_is_not_read_again() -> None:
    """Its row may change long after its end, when it is renamed, for example: that repeats no line."""
    _, places = after_many(5_000)

    for number in (0, 2_500, 4_000, 4_990, 4_999):
        key = "north", id_of(number)
        exited = row(number, "exited", ended(number) - 5 * SECOND, ended(number))
        assert places.of_row(key, exited) is None
        assert places.of_inspected(key, exited.details) is None


def test_a_container_that_is_started_again_continues_where_it_has_ended() -> None:
    """No line is lost: neither of one whose end is remembered, nor of one whose end is not."""
    engine, places = after_many(5_000)
    again = engine.inventory.engine_now + SECOND

    for number in (0, 2_500, 4_999):
        running = row(number, "running", again, ended(number))
        assert places.of_row(("north", id_of(number)), running) == Place(since=ended(number))


def test_a_container_whose_start_is_learnt_late_is_read_from_its_beginning() -> None:
    """Some starts have no event, and only the regular lists show them: the ends of others do not hide them."""
    engine, places = after_many(5_000)
    started = engine.inventory.engine_now - 120 * SECOND

    assert places.of_row(("north", id_of(7_000)), row(7_000, "running", started)) == Place(since=1)


def test_while_a_host_is_down_the_time_up_to_which_it_is_known_stays() -> None:
    """A log that ends does not hide a container that has started in between."""
    engine, places = after_many(10)
    places.lose(engine.host)
    started = engine.inventory.engine_now + 60 * SECOND
    engine.inventory.engine_now += 7_200 * SECOND
    places.done(engine.host, id_of(9_000), up=False)

    assert places.of_row(("north", id_of(7_000)), row(7_000, "running", started)) == Place(since=1)
