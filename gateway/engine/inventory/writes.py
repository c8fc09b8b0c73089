"""Changes through this gateway: a list after a change shows the change.

The response to a change can arrive before the Engine's lists show it, and some changes have no event.  So the gateway
marks the objects that may have changed before it passes the response on.  A list waits for these marks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from gateway.engine.client import Named
from gateway.engine.inventory.contents import Contents
from gateway.engine.inventory.convert import CONTAINER_ID
from gateway.engine.inventory.marking import IMAGES_SECONDS, LIST_SECONDS
from gateway.engine.inventory.questions import LISTS
from gateway.engine.inventory.refresh import SOON_SECONDS, Refresher

_DELAYS = {"image": IMAGES_SECONDS, "network": LIST_SECONDS, "volume": LIST_SECONDS, "container": 0.0}
_RENAMES = frozenset(("RemoveContainer", "RenameContainer"))  # also what others link to
_DEPENDS = {  # by kind: which other lists its list depends on, and whether on single containers
    "container": (("container", "image"), True),
    "image": (("image",), False),
    "network": (("network",), False),
    "volume": (("container", "volume"), True),
}
_MOST = 1000  # numbers that are kept before those that are shown are forgotten


class Written:
    """The containers that a change has touched, although its request does not name them: their `ids`."""

    def __init__(self) -> None:
        self.ids: set[str] = set()
        self.succeeded = False

    def answered(self, response: Any) -> None:
        """Take the ids of containers from the response."""
        self.succeeded = True
        found = (*getattr(response, "containers_deleted", ()), getattr(response, "id", ""))
        self.ids.update(id for id in found if CONTAINER_ID.fullmatch(id))


class Writes:
    """The changes through this gateway that the rows do not show yet."""

    def __init__(self, refresher: Refresher, contents: Contents) -> None:
        self._refresher = refresher
        self._contents = contents
        self._numbers: dict[str, int] = {}  # of the marks, by id or kind
        self._late: set[str] = set()  # objects that were not found after a wait
        self._volumes_due = False  # when they are listed next: containers come and go with volumes of their own

    @contextmanager
    def changing(self, kind: str, operation: str, named: Named) -> Iterator[Written]:
        """Mark, after the block, what may be touched by an RPC that changes objects of *kind*, and names some.

        Names are looked up before and after it.  Whatever the block raises, the change may have been made.
        """
        written = Written()
        if not kind:
            yield written
            return
        keys = set(self._ids(named))
        try:
            yield written
        finally:
            keys |= set(self._ids(named))
            if kind == "container":
                keys |= written.ids
                self._volumes_due = True
            else:
                keys.add(kind)
            if operation in _RENAMES:
                keys |= set(self._contents.linked())
            if written.succeeded and not keys and any(of == "container" for of, _ in named):
                keys.add("container")  # the name is not known: the list shows what became of it
            self._touch(keys)

    def shown(self, kind: str, ids: Collection[str] | None) -> bool:
        """Return whether all that was changed before now can be seen: see `settled`."""
        return not self._wanted(kind, ids) and not (kind == "volume" and self._volumes_due)

    async def settled(self, kind: str, ids: Collection[str] | None, seconds: float) -> bool:
        """Wait until all that was changed before now can be seen in a list of objects of *kind*; return whether it can.

        Of containers, only those with *ids* count, where these are given.  What was not there after
        one wait is not waited for again.
        """
        if kind == "volume" and self._volumes_due:
            self._volumes_due = False
            self._touch({"volume"})
        wanted = self._wanted(kind, ids)
        if self._late.intersection(wanted):
            return False
        settled = await self._refresher.shown(wanted, seconds)
        lists = self._refresher.marks.get("container")
        if settled and "image" in wanted and kind != "image" and lists is not None:  # containers are named by images
            wanted["container"] = lists.number
            settled = await self._refresher.shown(wanted, seconds)
        if not settled:
            self._late |= {key for key, number in wanted.items() if not self._refresher.shows(key, number)}
        return settled

    def _wanted(self, kind: str, ids: Collection[str] | None = None) -> dict[str, int]:
        """Return what a list of *kind* depends on, and forget what can be seen."""
        if not self._numbers:
            return {}
        for key in [key for key, number in self._numbers.items() if self._refresher.shows(key, number)]:
            del self._numbers[key]
            self._late.discard(key)
        lists, containers = _DEPENDS[kind]
        return {
            key: number
            for key, number in self._numbers.items()
            if (key in lists if key in LISTS else containers and (ids is None or key in ids))
        }

    def _ids(self, named: Named) -> Iterator[str]:
        """Yield the ids of the containers among the objects that a request names."""
        for kind, name in named:
            if kind == "container":
                row = self._contents.container(name)
                if row is not None:
                    yield row.id
                elif CONTAINER_ID.fullmatch(name):
                    yield name

    def _touch(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._numbers[key] = self._refresher.touch(key, _DELAYS.get(key, SOON_SECONDS))
        if len(self._numbers) > _MOST:
            self._wanted("container")
