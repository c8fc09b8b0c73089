"""Where in a container's log a reader is, so that reading can go on from there: nothing lost, nothing twice.

A timestamp alone is no place: the parts of a long line share one, and standard output and error are stamped
before they are put in order.  A `Position` is a floor, a time somewhat older than the newest entry, and how many
entries at or after the floor have been read; the Engine's `since` is inclusive and its order stable, so reading
again from the floor and passing over that many entries leads back to the place.  Hashes of the first of them and
of the last prove it.  A `LogTokenCodec` makes a position an opaque token that any gateway with the same key accepts.
"""

from __future__ import annotations

import struct
import zlib
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.engine.codec.timestamps import nanoseconds, time_of
from gateway.engine.errors import InvalidToken
from gateway.engine.logs.entries import Entry
from gateway.engine.resumable.token import TokenSigner

_PROOF = 8  # entries whose hashes prove a place
SETTLED = 2_000_000_000  # nanoseconds after which no entry with an older time is to be expected
_VERSION = 1


def fingerprint(entry: Entry) -> int:
    """Return a hash of an entry, 32 bits."""
    return zlib.crc32(entry.line, zlib.crc32(entry.time, entry.stream))


@dataclass
class Position:
    """A place in the log of one container.  Times are canonical; b"" is before all times.

    `whole` says of a position before its first entry that from its floor on nothing was, or will be, passed over:
    false where reading begins with the last so many lines.  `ceiling` is where, because of that or of a clock that
    was set back, entries that were not counted may stand before those that were: the count is exact once the floor
    has passed it.
    """

    floor: bytes = b""
    whole: bool = True
    count: int = 0  # entries read at or after the floor
    newest: bytes = b""
    ceiling: bytes = b""
    anchor: int = 0  # fingerprint of the first entry counted
    last: deque[tuple[bytes, int]] = field(default_factory=lambda: deque(maxlen=_PROOF))  # times and fingerprints
    fresh: bool = False  # whether the last entry alone bears the newest time
    _next_floor: bytes = b""  # becomes the floor once it is old enough
    _next_count: int = 0
    _next_anchor: int = 0

    @property
    def exact(self) -> bool:
        """Whether the entries counted are the first that a reader from the floor on meets."""
        return self.ceiling < self.floor or not self.ceiling

    @property
    def proof(self) -> list[int]:
        """The fingerprints of the last entries, as far as a reader from the floor on meets them."""
        return [mark for time, mark in self.last if time >= self.floor]

    def add(self, entries: list[Entry]) -> None:
        """Move behind *entries*, which were read one after the other."""
        if not entries:
            return
        times = [entry[1] for entry in entries]
        first = 0
        if not self.count:
            self._begin(entries[0])
            first = 1
        if times[0] >= self.newest and times == sorted(times):
            self._rise(entries, times, first)
        else:
            self._add_each(entries[first:])
        self.last.extend(zip(times[-_PROOF:], map(fingerprint, entries[-_PROOF:]), strict=True))
        self._raise_floor()

    def step_back(self) -> None:
        """Take note that the host's clock was set back: what comes next may be stamped with any earlier time."""
        self.floor, self.ceiling, self._next_floor = b"", max(self.ceiling, self.newest), b""

    def _begin(self, entry: Entry) -> None:
        time = entry.time
        before = time_of(max(nanoseconds(time) - SETTLED, 0))
        self.floor = max(self.floor, before) if self.whole else before
        # What was passed over is at most so much later than the entry it stands before.
        self.ceiling = b"" if self.whole else time_of(nanoseconds(time) + SETTLED)
        self.count, self.newest, self.anchor, self.fresh = 1, time, fingerprint(entry), True
        self._next_floor = b""

    def _rise(self, entries: list[Entry], times: list[bytes], first: int) -> None:
        """Count entries whose times rise, all of them from the newest on: nearly always all."""
        self.count += len(times) - first
        if self._next_floor and times[-1] >= self._next_floor:
            begin = bisect_left(times, self._next_floor)
            if not self._next_count:
                self._next_anchor = fingerprint(entries[begin])
            self._next_count += len(times) - begin
        if len(times) > first:
            self.fresh = times[-1] > (times[-2] if len(times) > 1 else self.newest)
        self.newest = times[-1]

    def _add_each(self, entries: list[Entry]) -> None:
        for entry in entries:
            if entry.time < self.newest and nanoseconds(self.newest) - nanoseconds(entry.time) > SETTLED:
                self._step(entry)
                continue
            self._count(entry)
            self.fresh = entry.time > self.newest
            self.newest = max(entry.time, self.newest)

    def _count(self, entry: Entry) -> None:
        if entry.time >= self.floor:
            self.count += 1
        if self._next_floor and entry.time >= self._next_floor:
            if not self._next_count:
                self._next_anchor = fingerprint(entry)
            self._next_count += 1

    def _step(self, entry: Entry) -> None:
        """Begin to count anew with an entry that is older than any order can explain: the clock was set back."""
        ceiling = max(self.ceiling, self.newest)
        self.whole = False
        self._begin(entry)
        self.ceiling = max(self.ceiling, ceiling)

    def _raise_floor(self) -> None:
        newest = nanoseconds(self.newest)
        if self._next_floor and newest - nanoseconds(self._next_floor) >= SETTLED:
            self.floor, self.count, self.anchor = self._next_floor, self._next_count, self._next_anchor
            self._next_floor = b""
        if not self._next_floor and (not self.floor or newest - nanoseconds(self.floor) >= SETTLED):
            # Later than all that was read: the count begins at nothing, whatever the order was.
            self._next_floor, self._next_count = time_of(newest + 1), 0


class Replay:
    """Finds the place again in a log that is read anew from a position's floor.

    `feed` passes over what was read before.  `found` tells whether the place was found, and `lost` that it is not in
    the log any more; while neither holds, it may still come.  `newer` is what was passed over and surely not read.
    """

    def __init__(self, position: Position) -> None:
        self.found = not position.count
        self.lost = False
        self.last: deque[Entry] = deque(maxlen=_PROOF)  # of what was passed over
        self.newer: list[Entry] = []
        self._position = position
        self._proof = position.proof
        self._passed: deque[int] = deque(maxlen=len(self._proof) or 1)
        self._number = 0
        self._base = 0  # the number of the first entry counted, once it was met

    def feed(self, entries: list[Entry]) -> list[Entry]:
        """Return those of *entries* that come after the place, or, once it is lost, after the time it had."""
        if self.found or self.lost:
            return entries
        exact, newest = self._position.exact, self._position.newest
        settled = newest if exact or not newest else time_of(nanoseconds(newest) + SETTLED)
        latest = settled if exact else max(settled, self._position.ceiling)
        for index, entry in enumerate(entries):
            if newest and entry.time > latest:
                # Nothing that was read is newer than this, and where the count is exact all before the place was read;
                # where it is not, the place would have come by now.
                self.lost = True
                return self.newer + entries[index:]
            self.last.append(entry)
            if entry.time > newest and latest == settled:  # else the clock was set back
                self.newer.append(entry)
            if self._is_place(fingerprint(entry)):
                self.found, self.newer = True, []
                return entries[index + 1 :]
        return []

    def _is_place(self, mark: int) -> bool:
        self._number += 1
        self._passed.append(mark)
        if not self._base and mark == self._position.anchor:
            self._base = self._number
        if self._base:
            if self._number - self._base + 1 < self._position.count:
                return False
            if self._proves():
                return True
            self._base = 0
        # The first entries counted are not in the log any more.  What is left of the last ones proves the place.
        return self._proves()

    def _proves(self) -> bool:
        # Of the entries that the proof is made of, the first may be older than the floor, or not there any more.
        return list(self._passed) == self._proof[-len(self._passed) :]


@dataclass(frozen=True, slots=True)
class Place:
    """A position, and in what: what a token holds.

    `flags` are 1 for standard output, 2 for standard error, 4 for details: whatever makes two readings of one log
    different.
    """

    host: str
    container: str  # its full id
    started: str  # when the run began that is being read, as the engine writes it
    flags: int
    position: Position


class LogTokenCodec:
    """Makes tokens of places, and places of tokens.  Gateways that share *key* accept each other's tokens."""

    _FIXED = struct.Struct(">BBBBIqqqIBB")

    def __init__(self, key: bytes) -> None:
        self._signer = TokenSigner(key, "log")

    def token(self, place: Place) -> bytes:
        """Return the token of *place*: opaque, at most 256 bytes."""
        position = place.position
        host, started = place.host.encode(), place.started.encode()
        proof = position.proof
        body = self._FIXED.pack(
            _VERSION,
            place.flags,
            position.whole,
            len(proof),
            position.count,
            *(nanoseconds(time) if time else -1 for time in (position.floor, position.newest, position.ceiling)),
            position.anchor,
            len(host),
            len(started),
        )
        return self._signer.sign(
            b"".join((body, host, started, bytes.fromhex(place.container), struct.pack(f">{len(proof)}I", *proof)))
        )

    def place(self, token: bytes) -> Place:
        """Return the place of *token*.  Raises `InvalidToken`."""
        body = self._signer.verify(token)
        if body[:1] != bytes((_VERSION,)):
            raise InvalidToken("is of another version of the gateway")
        _, flags, whole, proofs, count, floor, newest, ceiling, anchor, host_size, started_size = (
            self._FIXED.unpack_from(body)
        )
        host, started, container, proof = _cut(body[self._FIXED.size :], (host_size, started_size, 32, 4 * proofs))
        # Of the times of the last entries, only that they are between floor and newest counts from here on.
        last = deque(((_time(newest), mark) for mark in struct.unpack(f">{proofs}I", proof)), maxlen=_PROOF)
        position = Position(_time(floor), bool(whole), count, _time(newest), _time(ceiling), anchor, last)
        return Place(host.decode(), container.hex(), started.decode(), flags, position)


def _time(number: int) -> bytes:
    return b"" if number < 0 else time_of(number)


def _cut(data: bytes, sizes: Iterable[int]) -> Iterable[bytes]:
    start = 0
    for size in sizes:
        yield data[start : start + size]
        start += size
