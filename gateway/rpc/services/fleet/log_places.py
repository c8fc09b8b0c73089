"""The positions of a client in merged logs: the content of its token, and which logs are new to it."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from gateway.engine.codec.timestamps import nanoseconds
from gateway.engine.errors import InvalidField, InvalidToken
from gateway.engine.inventory.details import Details
from gateway.engine.inventory.rows import ContainerRow
from gateway.engine.logs.cursor import LogCursor, LogTokenCodec, ResumePoint
from gateway.fleet.host import Host

Key: TypeAlias = tuple[str, str]
"""The name of a host, and the id of a container."""

UNDECIDED = -1
"""A value of `Place.since`: only an inspection shows from when on the log is new."""

_EARLY_NANOS = 1_000_000_000
_LATE_NANOS = 30_000_000_000  # a container can have started this long before the inventory shows it
_REMEMBERED_NANOS = 600_000_000_000  # for which an end is kept: longer than the inventory takes to show a start
_MOST_LEFT = 1024  # logs of hosts that have left and may come back; a token has at most 1 MiB
_MANY_DONE = 1024  # ends of logs
_HOST, _LOG, _DONE = range(3)  # kinds of parts of a token
_TIME = struct.Struct(">Bq")
_PLACE = struct.Struct(">BIqqB")


@dataclass(slots=True)
class Place:
    """A position in a log: `passed` lines after a cursor, the last of them at `time`.

    Without a cursor, nothing was read yet: the log begins at the time `since`, or as the request says if that is 0.
    """

    cursor: LogCursor | None = None
    passed: int = 0
    time: int = 0
    since: int = 0


@dataclass(slots=True, eq=False)
class Log:
    """One log of the stream.  `sent` is the position of the client, `read` the position of the gateway."""

    host: Host
    id: str
    name: str
    sent: Place
    read: Place = field(default_factory=Place)
    broken: bool = False  # whether it has ended with a failure of the host
    again: bool = False  # whether the host is up since then
    head: bytes = b""  # host and container of its records, serialised
    packed: bytes = b""  # its part of the token, until `sent` changes


@dataclass(slots=True)
class Lines:
    """Lines of one batch.  `first` is the number of lines between the cursor `before` and these lines."""

    before: LogCursor | None
    first: int
    lines: list[Any]
    after: LogCursor

    def place(self, count: int, since: int) -> Place:
        """Return the place after *count* of the lines."""
        if count == len(self.lines):
            return Place(self.after)
        return Place(self.before, self.first + count, nanoseconds(self.lines[count - 1].time), since)


class Places:
    """What the client has received of each log, and up to which time it has all containers of each host.

    Times are those of the engines, in nanoseconds.
    """

    def __init__(self, points: LogTokenCodec, flags: int, parts: Iterable[bytes]) -> None:
        """Begin with the *parts* of a token, of a stream with *flags*.  Raises `InvalidToken` and `InvalidField`."""
        self._points = points
        self._flags = flags
        self._waiting: dict[Key, Place] = {}  # of logs that are not read at the moment
        self._left: deque[Key] = deque()  # those of hosts that have left
        self._done: dict[Key, int] = {}  # when logs had ended
        self._many_done = _MANY_DONE  # when there are more, the ends that say no more than `_known` are dropped
        self._known: dict[str, int] = {}  # by host: up to when its containers are known
        for part in parts:
            self._take_up(part)

    # Logs that are not read at the moment

    def keep(self, key: Key, place: Place) -> None:
        """Keep the place of a log until it is read again."""
        self._waiting[key] = place

    def leave(self, key: Key, place: Place) -> None:
        """Do the same for a log whose host has left; only the newest of these are kept."""
        self.keep(key, place)
        self._left.append(key)
        while len(self._left) > _MOST_LEFT:
            self._waiting.pop(self._left.popleft(), None)

    def take(self, key: Key) -> Place | None:
        """Return the place of a log that is read again from now on; None when none was kept."""
        return self._waiting.pop(key, None)

    def take_all(self, host: str) -> list[tuple[str, Place]]:
        """Return the same of all logs of a host, each with the id of its container."""
        return [(key[1], self._waiting.pop(key)) for key in list(self._waiting) if key[0] == host]

    def done(self, host: Host, id: str, *, up: bool) -> None:
        """Note that the client has received a whole log.  *up* says whether the containers of the host are known."""
        now = self._done[host.name, id] = host.inventory.engine_now
        if up and host.name in self._known:  # an older start was seen: its end is not needed
            self._known[host.name] = max(self._known.get(host.name, 0), now - _REMEMBERED_NANOS)
        if len(self._done) >= self._many_done:
            self._done = {key: then for key, then in self._done.items() if self._tells(key, then, self._known)}
            self._many_done = max(2 * len(self._done), _MANY_DONE)

    # Containers that are new

    def know(self, host: Host) -> None:
        """Note that the containers of a host are known from now on."""
        self._known.setdefault(host.name, host.inventory.engine_now)

    def lose(self, host: Host) -> None:
        """Note that the containers of a host were known up to now."""
        if host.name in self._known:
            self._known[host.name] = host.inventory.engine_now

    def knows(self, host: Host) -> bool:
        """Return whether the containers of a host were known before."""
        return host.name in self._known

    def of_row(self, key: Key, row: ContainerRow) -> Place | None:
        """Return from where on the log of a new member is new to the client; None when the client has all of it."""
        if not row.details.known:
            return Place(since=UNDECIDED)
        if row.started_ns > self._seen(key):
            return Place(since=self._since(key, row))
        if row.runs and key not in self._done:  # on another engine, or unseen while the host was down
            return Place(since=self._known[key[0]])
        return None

    def of_inspected(self, key: Key, found: Details) -> Place | None:
        """Return the same for a container that was inspected."""
        if found.started_ns > self._seen(key):
            return Place(since=self._done.get(key, found.started_ns - _EARLY_NANOS))
        if found.started_ns > found.finished_ns and key not in self._done:
            return Place(since=self._known[key[0]])
        return None

    def _seen(self, key: Key) -> int:
        """Return the time up to which the client has seen a container."""
        return self._done.get(key, self._known.get(key[0], 0) - _LATE_NANOS)

    def _since(self, key: Key, row: ContainerRow) -> int:
        if key in self._done:
            return self._done[key]
        if row.created_ns > self._known.get(key[0], 0) - _LATE_NANOS:
            return 1
        # The process writes before the engine notes its start.
        return row.finished_ns if row.runs and row.finished_ns else row.started_ns - _EARLY_NANOS

    # The token

    def parts(self, logs: Iterable[Log], hosts: Iterable[Host]) -> Iterator[bytes]:
        """Yield the parts of a token now, when *logs* are being read and *hosts* are up."""
        known = dict(self._known)
        for log in logs:
            if not log.packed:
                log.packed = self._pack((log.host.name, log.id), log.sent)
            yield log.packed
        for key, place in self._waiting.items():
            yield self._pack(key, place)
        for host in hosts:
            if host.name in known:
                known[host.name] = host.inventory.engine_now
        for name, now in known.items():
            yield _TIME.pack(_HOST, now) + name.encode()
        for (name, id), now in self._done.items():
            if self._tells((name, id), now, known):
                yield _TIME.pack(_DONE, now) + bytes.fromhex(id) + name.encode()

    @staticmethod
    def _tells(key: Key, done: int, known: Mapping[str, int]) -> bool:
        """Return whether an end says more than the time up to which the containers of its host are *known*."""
        return done > known.get(key[0], done) - 2 * _LATE_NANOS

    def _pack(self, key: Key, place: Place) -> bytes:
        point = ResumePoint(*key, self._flags, place.cursor or LogCursor())
        head = _PLACE.pack(_LOG, place.passed, place.time, place.since, place.cursor is not None)
        return head + self._points.pack(point)

    def _take_up(self, part: bytes) -> None:
        if part[0] == _LOG:
            _, passed, time, since, begun = _PLACE.unpack_from(part)
            point = self._points.unpack(part[_PLACE.size :])
            if point.flags != self._flags:
                raise InvalidField("request", "must have the outputs and details of the call that gave `resume_token`")
            self._waiting[point.host, point.container] = Place(point.cursor if begun else None, passed, time, since)
            return
        kind, now = _TIME.unpack_from(part)
        text = part[_TIME.size :]
        if kind == _HOST:
            self._known[text.decode()] = now
        elif kind == _DONE:
            self._done[text[32:].decode(), text[:32].hex()] = now
        else:
            raise InvalidToken("was made by another version of the gateway")
