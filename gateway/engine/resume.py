"""Where in a container's log a reader is, so that reading can go on from there: nothing lost, nothing twice.

A timestamp alone is no place: the parts of a long line share one, and standard output and error are stamped
before they are put in order.  A `Position` is a floor, a time somewhat older than the newest entry, and how many
entries at or after the floor have been read; the Engine's `since` is inclusive and its order stable, so reading
again from the floor and passing over that many entries leads back to the place.  Hashes of the last entries
prove it.  A `Seal` makes a position an opaque token that any gateway with the same key accepts.
"""

from __future__ import annotations

import struct
import zlib
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from gateway.engine.logs import Entry
from gateway.engine.seal import BadToken, Signer

_PROOF = 8  # entries whose hashes prove a place
_SETTLED = timedelta(seconds=2)  # after which no entry with an older time is to be expected
_VERSION = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def canonical(time: bytes) -> bytes:
    """Return the Engine's time with nine digits and in UTC, so that times compare as bytes."""
    if len(time) == 30 and time.endswith(b"Z"):
        return time
    text = time.decode()
    head, dot, rest = text.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))] if dot else ""
    moment = datetime.fromisoformat(head + rest[len(digits) :] if dot else text).astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{digits[:9]:0<9}Z".encode()


def nanoseconds(time: bytes) -> int:
    """Return a canonical time in nanoseconds since 1970."""
    seconds = int((datetime.fromisoformat(time[:19].decode() + "+00:00") - _EPOCH).total_seconds())
    return seconds * 1_000_000_000 + int(time[20:29])


def time_of(number: int) -> bytes:
    """Return nanoseconds since 1970 as a canonical time."""
    seconds, nanos = divmod(number, 1_000_000_000)
    return f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}.{nanos:09d}Z".encode()


def fingerprint(entry: Entry) -> int:
    """Return a hash of an entry, 32 bits."""
    return zlib.crc32(entry.line, zlib.crc32(entry.time, entry.stream))


@dataclass
class Position:
    """A place in the log of one container.  Times are canonical; b"" when nothing was read yet."""

    floor: bytes = b""
    count: int = 0  # entries read at or after the floor
    newest: bytes = b""
    proof: deque[int] = field(default_factory=lambda: deque(maxlen=_PROOF))
    _next_floor: bytes = b""  # becomes the floor once it is old enough
    _next_count: int = 0

    def add(self, entries: list[Entry]) -> None:
        """Move behind *entries*, which were read one after the other."""
        if not entries:
            return
        for time in (canonical(entry.time) for entry in entries):
            if not self.floor:
                self.floor = time
            if time > self.newest:
                self.newest = time
            if time >= self.floor:
                self.count += 1
            if self._next_floor and time >= self._next_floor:
                self._next_count += 1
        self.proof.extend(fingerprint(entry) for entry in entries[-_PROOF:])
        self._raise_floor()

    def _raise_floor(self) -> None:
        newest = nanoseconds(self.newest)
        settled = int(_SETTLED.total_seconds() * 1e9)
        if self._next_floor and newest - nanoseconds(self._next_floor) >= settled:
            self.floor, self.count = self._next_floor, self._next_count
            self._next_floor = b""
        if not self._next_floor and newest - nanoseconds(self.floor) >= settled:
            # Later than all that was read: the count begins at nothing, whatever the order was.
            self._next_floor, self._next_count = time_of(newest + 1), 0


class Replay:
    """Finds the place again in a log that is read anew from a position's floor.

    `feed` passes over what was read before; `gap` tells, once the place was passed, whether it could be proved.
    """

    def __init__(self, position: Position) -> None:
        self._position = position
        self._passed: deque[int] = deque(maxlen=len(position.proof))
        self._count = 0
        self._held: list[Entry] = []
        self.found = not position.proof

    def feed(self, entries: list[Entry]) -> list[Entry]:
        """Return those of *entries* that come after the place."""
        if self.found:
            return entries
        for index, entry in enumerate(entries):
            self._count += 1
            self._passed.append(fingerprint(entry))
            if canonical(entry.time) > self._position.newest:
                self._held.append(entry)
            # The count says where to look, the proof whether it is there: entries may have been rotated away.
            if self._passed == self._position.proof and self._count >= min(self._position.count, len(self._passed)):
                self.found = True
                self._held.clear()
                return entries[index + 1 :]
        return []

    def give_up(self) -> list[Entry]:
        """Return what was read and is newer than anything before: the place is not in the log any more."""
        self.found = True
        held, self._held = self._held, []
        return held


@dataclass(frozen=True, slots=True)
class Place:
    """A position, and of what: what a token holds.  `streams`: 1 for standard output, 2 for error, 3 for both."""

    host: str
    container: str
    started: str
    streams: int
    position: Position


class Seal:
    """Makes tokens of places, and places of tokens.  Gateways that share *key* accept each other's tokens."""

    _FIXED = struct.Struct(">BBBqIqB")

    def __init__(self, key: bytes) -> None:
        self._signer = Signer(key, "log")

    def token(self, place: Place) -> bytes:
        """Return the token of *place*: opaque, at most 256 bytes."""
        position = place.position
        host, started = place.host.encode(), place.started.encode()
        body = self._FIXED.pack(
            _VERSION,
            place.streams,
            len(position.proof),
            nanoseconds(position.floor) if position.floor else 0,
            position.count,
            nanoseconds(position.newest) if position.newest else 0,
            len(host),
        )
        body += host + bytes.fromhex(place.container) + struct.pack(f">{len(position.proof)}I", *position.proof) + started
        return self._signer.seal(body)

    def place(self, token: bytes) -> Place:
        """Return the place of *token*.  Raises `BadToken`."""
        body = self._signer.open(token)
        version, streams, proof, floor, count, newest, length = self._FIXED.unpack_from(body)
        if version != _VERSION:
            raise BadToken("is of another version of the gateway")
        rest = body[self._FIXED.size :]
        host, rest = rest[:length].decode(), rest[length:]
        container, rest = rest[:32].hex(), rest[32:]
        hashes = struct.unpack_from(f">{proof}I", rest)
        position = Position(
            time_of(floor) if floor else b"",
            count,
            time_of(newest) if newest else b"",
            deque(hashes, maxlen=_PROOF),
        )
        return Place(host, container, rest[4 * proof :].decode(), streams, position)
