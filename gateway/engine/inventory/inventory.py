"""The inventory of one host: its objects, for lists, selectors and subscribers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

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
from gateway.engine.inventory.room import Share
from gateway.engine.inventory.rows import ContainerRow, ImageRow, NetworkRow, VolumeRow
from gateway.engine.inventory.selecting import selected_by
from gateway.engine.inventory.writes import Writes, Written
from gateway.engine.pauses import Pauses

_SETTLE_SECONDS = 2.0
_SAME_IN_PODMAN = frozenset(("driver", "exited", "id", "label", "status"))  # filters; it differs from Docker in others


class Inventory:
    """The objects of one host.  It starts when the host answers (`host_is`), and ends with `close`."""

    def __init__(
        self,
        engine: Engine,
        events: EventBroker,
        gate: Gate | None = None,
        *,
        asked: Callable[[str], None] = lambda question: None,
        healed: Callable[[], None] = lambda: None,
    ) -> None:
        """Start empty; nothing is requested yet.

        All hosts share *gate*.  *asked* is called for each request to the engine, *healed* for each difference that
        only a list has shown.
        """
        self._engine = engine
        self._clock = EngineClock()
        gate = gate or Gate()
        self._contents = Contents(self._clock, Share(gate.room, engine.name))
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
            gate,
            healed=healed,
        )

    def host_is(self, failure: CallError | None) -> None:
        """Note whether the host answers: *failure* is why it does not, None when it does."""
        self._following.host_is(failure)

    def close(self, failure: Exception | None = None) -> None:
        """End; subscribers get *failure*."""
        self._following.close()
        self._contents.changes.close(failure)
        self._contents.close()

    # What is known

    @property
    def known(self) -> bool:
        """Whether all lists were complete once since the host's start."""
        return self._following.known

    @property
    def failure(self) -> CallError | None:
        """Why the inventory is not complete or not up to date; None when it is."""
        return self._following.failure

    @property
    def age_seconds(self) -> float | None:
        """The largest possible age of the inventory; None when it is empty."""
        return self._following.age_seconds

    def freshness(self) -> common_pb2.Freshness:
        """Return the largest possible age of the inventory, as a message."""
        return _freshness(self.age_seconds)

    def answer(self, request: Message, max_age_seconds: float) -> list[bytes] | None:
        """Return the response to a request of ListContainers, ListImages, ListNetworks or ListVolumes.

        It is serialised, in pieces: many answers can be joined at once.

        None when only the engine can answer: the inventory is empty or older than *max_age_seconds*, or it does not
        have the requested data.  Raises `InvalidField` for a wrong filter, and `NoSuchObject` for an object that a
        filter names and that is not there.
        """
        age = self.age_seconds
        if age is not None and self._contents.unworded and shows_status(request):
            age = max(age, self._reader.age_seconds)  # some words are the engine's own, of the last list
        if age is None or age > max_age_seconds or self._filters_otherwise(request):
            return None
        return put_together(request, self._contents, self._questions.version, _freshness(age))

    def _filters_otherwise(self, request: Any) -> bool:
        if not self._engine.is_podman:
            return False
        labels = request.filters["label"].items if "label" in request.filters else ()
        any_value = any(label.endswith("=") for label in labels)  # for Docker, the value is empty
        return any_value or not request.filters.keys() <= _SAME_IN_PODMAN

    def check(self, request: Message) -> None:
        """Raise `InvalidField` for wrong filters of a request that `answer` takes, also where the engine answers it."""
        check(request, self._questions.version)

    async def settled(self, kind: str, request: Message) -> bool:
        """Wait until a list of objects of *kind* shows all earlier changes through this gateway.

        Return whether it does; otherwise, only the engine can answer.
        """
        return await self._writes.settled(kind, ids_of(request), _SETTLE_SECONDS if self._following.current else 0)

    def shows_changes(self, kind: str, request: Message) -> bool:
        """Return whether `settled` would return at once."""
        return self._writes.shown(kind, ids_of(request))

    def changing(self, kind: str, call: Call) -> AbstractContextManager[Written]:
        """After the block, mark the objects that a call may have changed; *kind* is the kind of objects, "" for
        none.
        """
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

    async def select(self, selector: ContainerSelector, path: str, pauses: Pauses) -> list[ContainerRow]:
        """Return the containers that *selector* selects, the newest first, with *pauses* where there are many.

        Raises `InvalidField` for a malformed selector, whose place in the request is *path*.  A name that no container
        has selects none.
        """
        selects, rows = selected_by(selector, path, self._contents), []
        for row in self._contents.newest_first:
            if pauses.due:
                await pauses.pause()
            if selects(row):
                rows.append(row)
        return rows

    def selecting(self, selector: ContainerSelector, path: str = "containers") -> Callable[[ContainerRow], bool]:
        """Return the predicate of *selector*, by the present names and images."""
        return selected_by(selector, path, self._contents)

    @property
    def engine_now(self) -> int:
        """The engine's time, in nanoseconds since 1970."""
        return self._clock.now()

    # Changes

    @property
    def epoch(self) -> bytes:
        """The id of this inventory, within which the numbers of changes are valid."""
        return self._contents.changes.epoch

    def keeps(self, number: int, epoch: bytes) -> bool:
        """Return whether `subscribe` can continue after change *number* of the inventory of that *epoch*."""
        return self._contents.changes.keeps(number, epoch)

    def subscribe(self, after: int | None = None) -> AsyncGenerator[Change, None]:
        """Yield all containers, whether that is the state of the host, and then every change.

        With *after*, the number of a change that is kept, only the changes after it.  A reader that is too slow gets a
        `Forget`, and everything again.  Raises what `close` is given.  The reader must close it.
        """
        return self._contents.changes.read(after)


def _freshness(age_seconds: float | None) -> common_pb2.Freshness:
    freshness = common_pb2.Freshness(source=common_pb2.ANSWER_SOURCE_INVENTORY)
    if age_seconds is not None:
        freshness.max_age.FromNanoseconds(int(age_seconds * 1e9))
    return freshness
