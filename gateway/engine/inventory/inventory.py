"""The inventory of one host: what there is on it, for lists, for selectors, and for those who watch."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractContextManager

from dockfleet.fleet.v1.selectors_pb2 import ContainerSelector
from dockfleet.v1 import common_pb2
from google.protobuf.message import Message

from gateway.engine.client import Call, Engine
from gateway.engine.errors import CallError
from gateway.engine.events.broker import EventBroker
from gateway.engine.inventory.answers import check, ids_of, put_together, shows_status
from gateway.engine.inventory.changes import Change
from gateway.engine.inventory.clock import EngineClock
from gateway.engine.inventory.contents import Contents
from gateway.engine.inventory.convert import Converter
from gateway.engine.inventory.following import Following
from gateway.engine.inventory.gate import Gate
from gateway.engine.inventory.questions import Questions
from gateway.engine.inventory.reading import Reader
from gateway.engine.inventory.rows import ContainerRow, ImageRow, NetworkRow, VolumeRow
from gateway.engine.inventory.selecting import selected_by
from gateway.engine.inventory.writes import Writes, Written

_SETTLE_SECONDS = 2.0


class Inventory:
    """What there is on one host.  It begins when the host answers, see `host_is`; `close` ends it."""

    def __init__(
        self,
        engine: Engine,
        events: EventBroker,
        gate: Gate | None = None,
        *,
        reconcile_interval_seconds: float = 60.0,
        asked: Callable[[str], None] = lambda question: None,
        healed: Callable[[], None] = lambda: None,
    ) -> None:
        """Know nothing, and ask nothing yet.

        *gate* is shared by all hosts.  The whole lists are compared every *reconcile_interval_seconds*.  *asked* is
        called for each question to the engine, *healed* for each difference that only a list has shown.
        """
        self._clock = EngineClock()
        self._contents = Contents(self._clock)
        self._questions = Questions(engine, self._clock, asked)
        converter = Converter(self._clock, lambda rpc, count: engine.skipped(rpc, count))
        self._reader = Reader(self._questions, converter, self._contents)
        self._writes = Writes(self._reader.refresher, self._contents)
        self._following = Following(
            engine,
            events,
            self._reader,
            self._questions,
            self._contents,
            self._clock,
            gate or Gate(),
            reconcile_interval_seconds=reconcile_interval_seconds,
            healed=healed,
        )

    def host_is(self, failure: CallError | None) -> None:
        """Take note whether the host answers: why it does not, None when it does."""
        self._following.host_is(failure)

    def close(self, failure: Exception | None = None) -> None:
        """End; subscribers get *failure*."""
        self._following.close()
        self._contents.changes.close(failure)

    # What is known

    @property
    def known(self) -> bool:
        """Whether all lists were complete once since the host's start."""
        return self._following.known

    @property
    def failure(self) -> CallError | None:
        """Why the state of the host is not known, or not as it is now; None when it is."""
        return self._following.failure

    @property
    def age_seconds(self) -> float | None:
        """How old what is known can be at most; None when nothing is."""
        return self._following.age_seconds

    def freshness(self) -> common_pb2.Freshness:
        """Return how old what is known can be."""
        return _freshness(self.age_seconds)

    def answer(self, request: Message, max_age_seconds: float) -> list[bytes] | None:
        """Return the response to a request of ListContainers, ListImages, ListNetworks or ListVolumes.

        It is serialised, in pieces: many answers can be joined at once.

        None where only the engine can answer: nothing is known, it is older than *max_age_seconds*, or the request is
        for what is not kept.  Raises `InvalidField` for a wrong filter, and `NoSuchObject` for an object that a filter
        names and that is not there.
        """
        age = self.age_seconds
        if age is not None and self._contents.unworded and shows_status(request):
            age = max(age, self._reader.age_seconds)  # some words are the engine's own, of the last list
        if age is None or age > max_age_seconds:
            return None
        return put_together(request, self._contents, self._questions.version, _freshness(age))

    def check(self, request: Message) -> None:
        """Raise `InvalidField` for wrong filters of a request that `answer` takes, also where the engine answers it."""
        check(request, self._questions.version)

    async def settled(self, kind: str, request: Message) -> bool:
        """Wait until what was changed through this gateway before now can be seen in a list of objects of *kind*.

        Return whether it can: otherwise, only the engine can answer.
        """
        return await self._writes.settled(kind, ids_of(request), _SETTLE_SECONDS if self._following.current else 0)

    def shows_changes(self, kind: str, request: Message) -> bool:
        """Return whether there is nothing for which `settled` would wait."""
        return self._writes.shown(kind, ids_of(request))

    def changing(self, kind: str, call: Call) -> AbstractContextManager[Written]:
        """Mark, after the block, what a call may have touched that may change objects of *kind*; "" for none."""
        return self._writes.changing(kind if self._following.started else "", call.operation, call.named)

    def wrote(self, id: str) -> None:
        """Mark a container that was changed through this gateway."""
        with self._writes.changing("container" if self._following.started else "", "", (("container", id),)):
            pass

    def containers(self) -> Sequence[ContainerRow]:
        """Return all containers, the newest first."""
        return self._contents.newest_first

    def container(self, name_or_id: str) -> ContainerRow | None:
        """Return the container of this id, own name, or unique id prefix."""
        return self._contents.container(name_or_id)

    def images(self) -> Sequence[ImageRow]:
        """Return all images, also intermediate ones, the newest first."""
        return tuple(self._contents.images.values())

    def networks(self) -> Sequence[NetworkRow]:
        """Return all networks."""
        return tuple(self._contents.networks.values())

    def volumes(self) -> Sequence[VolumeRow]:
        """Return all volumes."""
        return tuple(self._contents.volumes.values())

    def select(self, selector: ContainerSelector, path: str = "containers") -> list[ContainerRow]:
        """Return the containers that *selector* selects, the newest first.

        Raises `InvalidField` for a malformed selector, whose place in the request is *path*.  A name that no container
        has selects none.
        """
        selects = selected_by(selector, path, self._contents)
        return [row for row in self._contents.newest_first if selects(row)]

    def selecting(self, selector: ContainerSelector, path: str = "containers") -> Callable[[ContainerRow], bool]:
        """Return what says whether *selector* selects a container, by the names and images of now."""
        return selected_by(selector, path, self._contents)

    @property
    def engine_now(self) -> int:
        """The engine's time, in nanoseconds since 1970."""
        return self._clock.now()

    # Changes

    @property
    def epoch(self) -> bytes:
        """What distinguishes the numbers of this inventory's changes from those of any other."""
        return self._contents.changes.epoch

    def keeps(self, number: int, epoch: bytes) -> bool:
        """Return whether `subscribe` can continue after change *number* of the inventory of that *epoch*."""
        return self._contents.changes.keeps(number, epoch)

    def subscribe(self, after: int | None = None) -> AsyncGenerator[Change, None]:
        """Yield all containers, whether that is the state of the host, and then every change.

        With *after*, the number of a change that is kept, only the changes after it.  A reader that is too slow gets a
        `Forget`, and everything again.  Raises what `close` is given.  To be closed by its reader.
        """
        return self._contents.changes.read(after)


def _freshness(age_seconds: float | None) -> common_pb2.Freshness:
    freshness = common_pb2.Freshness(source=common_pb2.ANSWER_SOURCE_INVENTORY)
    if age_seconds is not None:
        freshness.max_age.FromNanoseconds(int(age_seconds * 1e9))
    return freshness
