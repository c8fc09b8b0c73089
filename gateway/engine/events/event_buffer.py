"""The newest events of one host, numbered, for readers that each go at their own pace; and places in them.

A `Place` says behind which event a reader is: by number for the ring that gave it, and by the marks of the last events
for any other ring of the same host, such as another gateway's.  By several, for the order is not the same everywhere:
an engine remembers what happens at one time in one order, and may tell it in another.
"""

from __future__ import annotations

import hashlib
import secrets
import struct
from collections import deque
from dataclasses import dataclass
from enum import Enum

from dockfleet.v1.system_pb2 import EngineEvent

from gateway.engine.errors import InvalidToken
from gateway.engine.resumable.token import TokenSigner

_MARK_BYTES = 8
_PLACE_MARKS = 8  # of which a place is made: in another order an event may stand by less than half as many further on
_MARKS = 1024  # kept to know events again: more than an engine remembers
_BYTES = 16 << 20  # of the events in a ring, serialised


class Reason(Enum):
    """How a gap came about."""

    ENGINE_RESTARTED = "the engine was restarted"
    OVERRUN = "more happened than the engine keeps"
    SLOW_READER = "more happened than the ring keeps"


@dataclass(frozen=True, slots=True)
class Gap:
    """Events between two times, in nanoseconds since 1970, are lost; 0 where not known."""

    reason: Reason
    after: int = 0
    before: int = 0
    count: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a host's events: behind item *number* of the ring of this *epoch*.

    *marks* are those of the last events of the engine's up to there, and *time* is the time of the last item.
    """

    epoch: bytes
    number: int
    time: int
    marks: bytes = b""


@dataclass(slots=True)
class Item:
    """What stands at one place: an event or a gap; or, in no ring, that for `idle` seconds the host told nothing.

    `mark` is that of an event of the engine's own.  `wire` is the item encoded, made once for all that send it.
    """

    place: Place
    event: EngineEvent | None = None
    gap: Gap | None = None
    idle: float | None = None
    mark: bytes = b""
    wire: bytes | None = None
    size: int = 0


def fingerprint_of(event: EngineEvent) -> tuple[bytes, int]:
    """Return what tells *event* from all others of its host, and its size in bytes."""
    data = event.SerializeToString(deterministic=True)
    return hashlib.blake2b(data, digest_size=_MARK_BYTES).digest(), len(data)


class EventBuffer:
    """Keeps at most *size* items, and 16 MiB of them."""

    def __init__(self, size: int) -> None:
        self.epoch = secrets.token_bytes(8)
        self.first = self.next = 0  # the numbers of the oldest item, and of the one to come
        self._items: list[Item | None] = [None] * size
        self._bytes = 0
        self._newest: deque[bytes] = deque(maxlen=_MARKS)
        self._marks: set[bytes] = set()
        self._recent = b""

    def __getitem__(self, number: int) -> Item:
        """Return an item from `first` to before `next`."""
        item = self._items[number % len(self._items)]
        assert item is not None
        return item

    def add(
        self,
        time: int,
        event: EngineEvent | None = None,
        gap: Gap | None = None,
        *,
        mark: bytes = b"",
        size: int = 0,
    ) -> None:
        """Add an item; one of the engine's own events has a *mark*."""
        if mark:
            self._recent = (self._recent + mark)[-_PLACE_MARKS * _MARK_BYTES :]
            if len(self._newest) == _MARKS:
                self._marks.discard(self._newest[0])
            self._newest.append(mark)
            self._marks.add(mark)
        place = Place(self.epoch, self.next, time, self._recent)
        if self.next - self.first == len(self._items):
            self._drop()
        if event is not None and not mark:
            event.synthetic = True
        item = Item(place, event, gap, mark=mark, size=size)
        self._items[self.next % len(self._items)] = item
        self.next += 1
        self._bytes += size
        while self._bytes > _BYTES and self.next - self.first > 1:
            self._drop()

    def place(self, number: int, time: int) -> Place:
        """Return the place before item *number*; *time* is that of the last item, where this ring has none before."""
        if number > self.first:
            return self[number - 1].place
        return Place(self.epoch, number - 1, time, self._recent if number == self.next else b"")

    def knows(self, mark: bytes) -> bool:
        """Tell whether an event with this *mark* was added not long ago."""
        return mark in self._marks

    def behind(self, place: Place) -> tuple[int, frozenset[bytes]] | None:
        """Return the number of the item to read after *place*, and the marks of events behind it that were read before.

        None when *place* is not to be found here.
        """
        if place.epoch == self.epoch:
            return place.number + 1, frozenset()
        marks = [place.marks[start : start + _MARK_BYTES] for start in range(0, len(place.marks), _MARK_BYTES)]
        read = frozenset(marks) & self._marks
        if not marks or marks[-1] not in read:
            return None
        if len(marks) < _PLACE_MARKS:
            return self.first, read  # the engine had just begun: there was nothing else before
        numbers = [number for number in range(self.first, self.next) if self[number].mark in read]
        # What was read before them all may stand among the first of them here, and what was not among the last.
        return (numbers[(len(numbers) - 1) // 2] + 1, read) if numbers else None

    def missing(self, place: Place, reason: Reason) -> Item:
        """Return the gap between *place*, which is not here, and what there is of later."""
        later = (self[number].place.time for number in range(self.first, self.next))
        before = next((time for time in later if time > place.time), 0)
        # Of no ring: what this one has of before was read, and a reader that comes back here must not get it.
        return Item(Place(bytes(8), -1, place.time), gap=Gap(reason, place.time, before))

    def overtaken(self, number: int, told: int, *, counted: bool) -> Item:
        """Return the gap of a reader that was to read item *number* next, which is not here any more.

        *told* is the time of what it has read last; *counted*, whether all that is missing was for it.
        """
        gap = Gap(Reason.SLOW_READER, told, self[self.first].place.time, self.first - number if counted else 0)
        return Item(Place(self.epoch, self.first - 1, told), gap=gap)

    def _drop(self) -> None:
        slot = self.first % len(self._items)
        dropped = self._items[slot]
        assert dropped is not None
        self._bytes -= dropped.size
        self._items[slot] = None
        self.first += 1


class EventTokenCodec:
    """Makes tokens of places in the events of hosts, and places of tokens."""

    _FIXED = struct.Struct(">B8sqqB")
    _VERSION = 1

    def __init__(self, key: bytes) -> None:
        self._signer = TokenSigner(key, "event")

    def token(self, host: str, place: Place) -> bytes:
        """Return the token of *place* in the events of *host*."""
        fixed = self._FIXED.pack(self._VERSION, place.epoch, place.number, place.time, len(place.marks))
        return self._signer.sign(fixed + place.marks + host.encode())

    def place(self, host: str, token: bytes) -> Place:
        """Return the place that *token* was made of.  Raises `InvalidToken`."""
        content = self._signer.verify(token)
        version, epoch, number, time, size = self._FIXED.unpack_from(content)
        if version != self._VERSION:
            raise InvalidToken("is of another version of the gateway")
        rest = content[self._FIXED.size :]
        if rest[size:].decode() != host:
            raise InvalidToken("is of another host")
        return Place(epoch, number, time, rest[:size])
