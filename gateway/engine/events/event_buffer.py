"""The newest events of one host, numbered, for readers that each read at their own pace; and cursors in them.

An `EventCursor` is a position.  The buffer that made it finds it by its number.  Another buffer of the same host, such
as that of another gateway, finds it by the fingerprints of the last events.  A cursor holds several of them, because an
engine may send events of one time in another order than it remembers them.
"""

from __future__ import annotations

import hashlib
import secrets
from array import array
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from dockfleet.v1.system_pb2 import EngineEvent

from gateway.engine.errors import InvalidToken
from gateway.engine.resumable.journal import Journal
from gateway.engine.resumable.token import TokenCodec

_FINGERPRINT_BYTES = 8
_CURSOR_FINGERPRINTS = 8  # engines reorder events by less than half as many positions
_KNOWN_FINGERPRINTS = 1024  # to recognise repeated events: more than an engine remembers
_REMEMBERED = 256  # events, by an engine
_MAX_BYTES = 16 << 20  # of the events in a buffer, serialised


class GapReason(Enum):
    """Why events are missing."""

    ENGINE_RESTARTED = "the engine was restarted"
    OVERRUN = "the engine does not keep so many events"
    SLOW_READER = "the gateway does not keep so many events"


@dataclass(frozen=True, slots=True)
class Gap:
    """Events between two times are missing.  Times are in nanoseconds since 1970, 0 when they are not known."""

    reason: GapReason
    after: int = 0
    before: int = 0
    count: int = 0


@dataclass(frozen=True, slots=True)
class EventCursor:
    """The position after record *number* of the buffer of this *epoch*.

    *fingerprints* are those of the last events of the engine before it, and *time* is the time of the last record.
    """

    epoch: bytes
    number: int
    time: int
    fingerprints: bytes = b""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Record:
    """One record of a stream, with the cursor after it: an event, a gap or a heartbeat.

    Only events of the engine have a `fingerprint`.  `idle` is the seconds of a heartbeat; no buffer holds one.
    """

    cursor: EventCursor
    event: EngineEvent | None = None
    gap: Gap | None = None
    idle: float | None = None
    fingerprint: bytes = b""


class Received(NamedTuple):
    """An event as the engine sent it, with a fingerprint that no other event of the host has."""

    event: EngineEvent
    fingerprint: bytes
    size: int  # in bytes

    @classmethod
    def of(cls, event: EngineEvent) -> Received:
        """Return *event* with its fingerprint."""
        data = event.SerializeToString(deterministic=True)
        return cls(event, hashlib.blake2b(data, digest_size=_FINGERPRINT_BYTES).digest(), len(data))


class EventBuffer:
    """Keeps at most *size* records, and 16 MiB of them, in its `journal`.

    `began` is the number of the first record that came after the first subscription; None before that.
    """

    def __init__(self, size: int) -> None:
        self.journal: Journal[Record] = Journal(max_records=size, max_bytes=_MAX_BYTES)
        self.began: int | None = None
        self._epoch = secrets.token_bytes(8)
        self._newest: deque[bytes] = deque(maxlen=_KNOWN_FINGERPRINTS)
        self._known: set[bytes] = set()
        self._recent = b""  # fingerprints of the last events, joined
        self._unknown_reason = GapReason.ENGINE_RESTARTED

    def begin(self, *, overrun: bool) -> None:
        """Note that the first subscription has begun; *overrun*: the engine had dropped events before."""
        self.began = self.journal.next
        self._unknown_reason = GapReason.OVERRUN if overrun else GapReason.ENGINE_RESTARTED

    @property
    def last_time(self) -> int:
        """The time of the newest record; 0 when there is none."""
        newest = self.journal.newest
        return newest.cursor.time if newest is not None else 0

    @property
    def newest(self) -> Iterable[bytes]:
        """The fingerprints that are known, the newest last."""
        return self._newest

    def knows(self, fingerprint: bytes) -> bool:
        """Return whether an event with this fingerprint is among the newest ones."""
        return fingerprint in self._known

    def add(self, received: Received) -> None:
        """Add an event that the engine sent."""
        fingerprint = received.fingerprint
        self._recent = (self._recent + fingerprint)[-_CURSOR_FINGERPRINTS * _FINGERPRINT_BYTES :]
        if len(self._newest) == _KNOWN_FINGERPRINTS:
            self._known.discard(self._newest[0])
        self._newest.append(fingerprint)
        self._known.add(fingerprint)
        cursor = self._cursor(received.event.time_nano)
        self.journal.append(Record(cursor, received.event, fingerprint=fingerprint), received.size)

    def add_synthetic(self, event: EngineEvent) -> None:
        """Add an event that the engine did not send."""
        self.journal.append(Record(self._cursor(event.time_nano), event), event.ByteSize())

    def add_gap(self, gap: Gap, time: int) -> None:
        """Add a gap that was found at *time*."""
        self.journal.append(Record(self._cursor(time), gap=gap))

    def cursor_at(self, number: int, time: int) -> EventCursor:
        """Return the cursor before record *number*, with *time* when the record before it is not kept."""
        journal = self.journal
        if number > journal.first:
            return journal[number - 1].cursor
        return EventCursor(self._epoch, number - 1, time, self._recent if number == journal.next else b"")

    def locate(self, cursor: EventCursor) -> tuple[int, frozenset[bytes]] | None:
        """Return the number of the next record, and the fingerprints of later events that the reader has already.

        None when this buffer cannot find *cursor*.
        """
        if cursor.epoch == self._epoch:
            return cursor.number + 1, frozenset()
        joined = cursor.fingerprints
        last = [joined[at : at + _FINGERPRINT_BYTES] for at in range(0, len(joined), _FINGERPRINT_BYTES)]
        read = frozenset(last) & self._known
        if not last or last[-1] not in read:
            return None
        if len(last) < _CURSOR_FINGERPRINTS:
            return self.journal.first, read  # the engine had just started: there were no other events before
        numbers = [
            number for number, record in enumerate(self.journal, self.journal.first) if record.fingerprint in read
        ]
        # Here, events that were read can be among the first of these, and events that were not read among the last.
        return (numbers[(len(numbers) - 1) // 2] + 1, read) if numbers else None

    def gap_for_unknown(self, cursor: EventCursor) -> Record:
        """Return the gap between *cursor*, which cannot be located, and the next later record."""
        before = next((record.cursor.time for record in self.journal if record.cursor.time > cursor.time), 0)
        # This cursor is of no buffer, so that a reader which resumes with it does not get older records again.
        here = EventCursor(bytes(8), -1, cursor.time)
        return Record(here, gap=Gap(self._unknown_reason, cursor.time, before))

    def gap_for_slow_reader(self, last_time: int, count: int) -> Record:
        """Return the gap before the oldest record; *last_time* is that of the last one read, *count* 0 if unknown."""
        first = self.journal.first
        gap = Gap(GapReason.SLOW_READER, last_time, self.journal[first].cursor.time, count)
        return Record(EventCursor(self._epoch, first - 1, last_time), gap=gap)

    def _cursor(self, time: int) -> EventCursor:
        return EventCursor(self._epoch, self.journal.next, time, self._recent)


class RestingBuffer:
    """Replaces an `EventBuffer` while there is no watcher: it keeps only the fingerprints of the newest events.

    Without it, the events of a thousand hosts would take hundreds of megabytes.
    """

    def __init__(self, other: EventBuffer | None = None) -> None:
        """Copy the fingerprints of *other*."""
        self.journal: Journal[Record] = Journal(max_records=1)
        self.began: int | None = None
        self.last_time = 0
        self._newest = array("Q")
        if other is not None:
            self.began, self.last_time = other.began, other.last_time
            for fingerprint in other.newest:
                self._keep(fingerprint)

    def begin(self, *, overrun: bool) -> None:
        """Note that the first subscription has begun."""
        self.began = 0

    def knows(self, fingerprint: bytes) -> bool:
        """Return whether an event with this fingerprint was added not long ago."""
        return int.from_bytes(fingerprint) in self._newest

    def add(self, received: Received) -> None:
        """Note the fingerprint of an event."""
        self.last_time = received.event.time_nano
        self._keep(received.fingerprint)

    def add_synthetic(self, event: EngineEvent) -> None:
        """Do nothing: nobody reads."""

    def add_gap(self, gap: Gap, time: int) -> None:
        """Do nothing: nobody reads."""

    def _keep(self, fingerprint: bytes) -> None:
        self._newest.append(int.from_bytes(fingerprint))
        if len(self._newest) > 2 * _REMEMBERED:
            del self._newest[:_REMEMBERED]


class EventTokenCodec:
    """Makes tokens of cursors in the events of hosts, and cursors of tokens."""

    def __init__(self, key: bytes) -> None:
        self._codec = TokenCodec(key, "event", version=2, layout="8sqq", texts=2)

    def token(self, host: str, cursor: EventCursor) -> bytes:
        """Return the token of *cursor* in the events of *host*."""
        return self._codec.encode(*self._content(host, cursor))

    def pack(self, host: str, cursor: EventCursor) -> bytes:
        """Return *cursor* as bytes, for a token with the cursors of several hosts."""
        return self._codec.pack(*self._content(host, cursor))

    @staticmethod
    def _content(host: str, cursor: EventCursor) -> tuple[Sequence[Any], Sequence[bytes]]:
        return (cursor.epoch, cursor.number, cursor.time), (cursor.fingerprints, host.encode())

    def cursor(self, host: str, token: bytes) -> EventCursor:
        """Return the cursor that *token* was made of.  Raises `InvalidToken`."""
        (epoch, number, time), (fingerprints, of_host) = self._codec.decode(token)
        if of_host.decode() != host:
            raise InvalidToken("belongs to another host")
        return EventCursor(epoch, number, time, fingerprints)

    def unpack(self, content: bytes) -> tuple[str, EventCursor]:
        """Return the host and the cursor that `pack` has packed.  Raises `InvalidToken`."""
        (epoch, number, time), (fingerprints, host) = self._codec.unpack(content)
        return host.decode(), EventCursor(epoch, number, time, fingerprints)
