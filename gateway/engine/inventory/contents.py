"""The rows of a host, with indexes."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from gateway.engine.inventory.changes import Changes
from gateway.engine.inventory.clock import EngineClock
from gateway.engine.inventory.room import ROW_BYTES, Room, Share
from gateway.engine.inventory.rows import ContainerRow, ImageRow, NetworkRow, VolumeRow
from gateway.engine.inventory.status import FOREVER

_DIGITS = re.compile(r"[0-9a-f]+")  # an id, or the beginning of one
_DEAD = 4096  # ids of removed containers that are remembered: more than can be removed during one request


class Contents:
    """Containers by id and name, images, networks and volumes; and the `changes` of containers."""

    def __init__(self, clock: EngineClock, share: Share | None = None) -> None:
        """Start empty.  *clock* is that of the engine; *share* bounds how much there may be."""
        self.containers: dict[str, ContainerRow] = {}
        self.others: dict[str, dict[str, Any]] = {"image": {}, "network": {}, "volume": {}}
        self.listed = False  # whether all containers were listed once
        self.volume_warnings: Sequence[str] = ()
        self.changes = Changes(lambda: self.newest_first, self.containers.get)
        self.unworded = 0  # containers whose Status the gateway cannot compute
        self._by_name: dict[str, str] = {}  # id by own name
        self._clock = clock
        self._share = share or Share(Room())
        self._sizes = dict.fromkeys(self.others, 0)  # of lists, by kind
        self._aging_at = FOREVER  # the time until which no Status changes
        self._ordered: tuple[ContainerRow, ...] | None = ()
        self._ids: list[str] | None = None  # of the containers, in order; None when they have changed
        self._dead: dict[str, None] = {}  # the newest last

    @property
    def images(self) -> Mapping[str, ImageRow]:
        """The images by id, in the Engine's order."""
        return self.others["image"]

    @property
    def networks(self) -> Mapping[str, NetworkRow]:
        """The networks by id."""
        return self.others["network"]

    @property
    def volumes(self) -> Mapping[str, VolumeRow]:
        """The volumes by name."""
        return self.others["volume"]

    @property
    def newest_first(self) -> tuple[ContainerRow, ...]:
        """All containers, in the Engine's order."""
        if self._ordered is None:
            self._ordered = tuple(sorted(self.containers.values(), key=lambda row: -row.created_ns))
        return self._ordered

    def pieces(self, rows: Iterable[ContainerRow]) -> list[bytes]:
        """Return the pieces of containers that are here, as of now."""
        now = self._clock.now()
        if now >= self._aging_at:
            aging_at = FOREVER
            for row in self.containers.values():
                if now >= row.until:
                    row.age(now)
                aging_at = min(aging_at, row.until)
            self._aging_at = aging_at
        return [row.piece for row in rows]

    def container(self, name_or_id: str) -> ContainerRow | None:
        """Return the container of this id, own name, or unique id prefix."""
        wanted = name_or_id.removeprefix("/")
        found = self.containers.get(wanted) or self.containers.get(self._by_name.get(wanted, ""))
        if found is None and _DIGITS.fullmatch(wanted):
            found = self._beginning_with(wanted)
        return found

    def _beginning_with(self, prefix: str) -> ContainerRow | None:
        """Return the container whose id begins with *prefix*, if there is exactly one."""
        if self._ids is None:
            self._ids = sorted(self.containers)
        place = bisect_left(self._ids, prefix)
        fitting = [id for id in self._ids[place : place + 2] if id.startswith(prefix)]
        return self.containers[fitting[0]] if len(fitting) == 1 else None

    def runs(self, id: str) -> bool:
        """Return whether the container of this id runs."""
        row = self.containers.get(id)
        return row is not None and row.runs

    def put(self, row: ContainerRow) -> str | None:
        """Store a container, unless it is known to be removed.  Raises `BadResponse` when there is no room.

        When the container has a new name, return the id of another one that had this name: that row is outdated.
        """
        if row.id in self._dead:
            return None
        old = self.containers.get(row.id)
        self._share.grow(row.size - (0 if old is None else old.size))
        if old is None:
            self._ids = None
        self.containers[row.id] = row
        self._aging_at = min(self._aging_at, row.until)
        self.unworded += (not row.worded) - (old is not None and not old.worded)
        self._ordered = None
        if old is None or row.differs(old):
            self.changes.of(row.id)
        if old is not None and old.name != row.name:
            self._forget_name(old)
        if not row.name:
            return None
        other = self._by_name.get(row.name)
        self._by_name[row.name] = row.id
        # Two containers may claim one name: without this, each would be requested because of the other, without end.
        is_new = old is None or old.name != row.name
        return other if other != row.id and is_new else None

    def put_all(self, kind: str, rows: Sequence[Any]) -> None:
        """Store all images, networks or volumes.  Raises `BadResponse` when there is no room."""
        size = sum(len(row.piece) + ROW_BYTES for row in rows)
        self._share.grow(size - self._sizes[kind])
        self._sizes[kind] = size
        self.others[kind] = {row.id: row for row in rows}

    def close(self) -> None:
        """Give back the room."""
        self._share.leave()

    def learnt(self, row: ContainerRow) -> None:
        """Note that the details of a container are known now."""
        self.unworded -= 1
        self._ordered = None
        self._aging_at = 0

    def is_dead(self, id: str) -> bool:
        """Return whether a container of this id was destroyed."""
        return id in self._dead

    def remove(self, id: str, *, forever: bool = False) -> None:
        """Remove a container.  *forever*: it was destroyed, so a late answer must not add it again."""
        if forever:
            self._dead[id] = None
            if len(self._dead) > _DEAD:
                del self._dead[next(iter(self._dead))]
        row = self.containers.pop(id, None)
        if row is not None:
            self._ids = None
            self._share.grow(-row.size)
            self._forget_name(row)
            self.unworded -= not row.worded
            self._ordered = None
            self.changes.of(id)

    @property
    def has_containerd_images(self) -> bool:
        """Whether containerd stores the images, judging by the lists."""
        return any(row.in_containerd for row in self.images.values())

    def used_volumes(self) -> Iterator[str]:
        """Yield the names of the volumes that containers refer to."""
        for row in self.containers.values():
            if row.mounts:
                yield from (mount.name for mount in row.summary().mounts if mount.type == "volume")

    def linked(self) -> Iterable[str]:
        """Return the ids of the containers that others link to."""
        return [id for id, row in self.containers.items() if row.links]

    def _forget_name(self, row: ContainerRow) -> None:
        if self._by_name.get(row.name) == row.id:
            del self._by_name[row.name]
