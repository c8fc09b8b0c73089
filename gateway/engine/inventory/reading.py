"""Requests containers and whole lists, and stores the answers.

Lists of images, networks and volumes are consistent, and replace the rows.  A list of containers is not: when it
differs from a row, that container is requested on its own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from gateway.engine.client import APIError
from gateway.engine.errors import CallError, TimedOut
from gateway.engine.inventory.clock import Moment
from gateway.engine.inventory.contents import Contents
from gateway.engine.inventory.convert import Converter
from gateway.engine.inventory.details import Details, inspected, listed
from gateway.engine.inventory.questions import LISTS, Listed, Questions
from gateway.engine.inventory.refresh import Found, Refresher
from gateway.engine.inventory.rows import ContainerRow
from gateway.engine.pauses import Pauses

_CONTAINERS_AT_ONCE = 12  # with two lists and the events they fit into what the pool has for a `Kind.WATCH`
_LISTED_SECONDS = 0.2  # for the event of what a list shows
_PASSING = ("restarting", "removing")  # states that can end without an event
_PASSING_SECONDS = 5.0


class Reader:
    """Stores the answers in *contents*.  `refresher` decides what to request, and when."""

    def __init__(self, questions: Questions, converter: Converter, contents: Contents) -> None:
        self.refresher = Refresher(self._look, LISTS, _CONTAINERS_AT_ONCE)
        self._questions = questions
        self._converter = converter
        self._contents = contents
        self._passing: dict[str, asyncio.TimerHandle] = {}
        self.differed: Callable[[], None] = lambda: None  # called when images, networks or volumes have changed
        self._has_images = False  # whether images were listed once
        self.listed = Moment(0, 0)  # when all containers were listed last, by the engine's clock
        self._listed_at = 0.0  # and by the monotonic clock

    @property
    def age_seconds(self) -> float:
        """How old the last list of all containers is."""
        return time.monotonic() - self._listed_at

    def stop(self) -> None:
        """Stop all requests.  Marks stay."""
        self.refresher.stop()
        for timer in self._passing.values():
            timer.cancel()
        self._passing.clear()

    async def _look(self, key: str) -> Found:
        """Request the container with an id, or a list of `LISTS`."""
        try:
            if key == "container":
                await self._containers()
            elif key in LISTS:
                await self._others(key, await self._questions.all(key))
            else:
                return await self._container(key)
        except CallError:
            return Found.NOTHING
        return Found.TRUTH

    # One container

    async def _container(self, id: str) -> Found:
        document, stuck = None, False
        try:
            document = await self._questions.inspect(id)
        except (APIError, TimedOut):
            stuck = True  # the container is being removed, or the engine is stopping: the list still shows it
        found = await self._questions.containers([id])
        if found.items:
            self._put(self._converter.container(found.items[0], found.moment, self._details(document)))
            return Found.LISTED if document is None else Found.TRUTH
        if document is not None:
            return Found.LISTED  # it is being created, or was removed just now
        self._contents.remove(id)
        return Found.LISTED if stuck else Found.TRUTH

    def _details(self, document: Any) -> Callable[[Any], Details]:
        if document is not None:
            return lambda summary: inspected(document)
        return self._known_details

    def _known_details(self, summary: Any) -> Details:
        old = self._contents.containers.get(summary.id)
        return old.details if old is not None else listed(summary, summary.created_at.seconds * 1_000_000_000)

    def _put(self, row: ContainerRow) -> None:
        other = self._contents.put(row)
        if other is not None:
            self.refresher.touch(other, 0)
        if row.state in _PASSING and row.id not in self._passing:
            loop = asyncio.get_running_loop()
            self._passing[row.id] = loop.call_later(_PASSING_SECONDS, self._passed, row.id)

    def _passed(self, id: str) -> None:
        del self._passing[id]
        if id in self._contents.containers:
            self.refresher.touch(id, 0)

    # Whole lists

    async def _containers(self) -> None:
        """List all containers, and compare."""
        rows = self._contents.containers
        asked_at = time.monotonic()
        with self.refresher.touched() as touched:  # the list may show an old state of these
            found = await self._questions.all("container")
            same = {row.text: row for row in rows.values()}
            gone = set(rows)
            created, pauses = 0, Pauses()
            for text in reversed(found.items):
                row = same.get(hash(text))
                if row is None:
                    row = self._converter.container(text, found.moment, self._known_details)
                    if not row.details.known:  # the list is in order, but the times in it are cut to seconds
                        row.details = row.details._replace(created_ns=max(row.created_ns, created + 1))
                    if row.id not in touched:
                        self._compare(row)
                created = row.created_ns
                gone.discard(row.id)
                if pauses.due:
                    await pauses.pause()
            self.listed, self._listed_at = found.moment, asked_at
            for id in gone - touched:
                self.refresher.touch(id, _LISTED_SECONDS, listed=True)
        self._contents.listed = True

    def _compare(self, row: ContainerRow) -> None:
        """Compare a row of a list with what is known."""
        old = self._contents.containers.get(row.id)
        if old is None:
            certain = not self._contents.listed  # in the first list
        else:
            certain = (row.body == old.body or row.differs_in_image(old)) and (row.worded or not old.worded)
        if certain:
            self._put(row)
        elif not self._contents.is_dead(row.id):
            self.refresher.touch(row.id, _LISTED_SECONDS, listed=True)

    async def _others(self, kind: str, found: Listed) -> None:
        """Store all images, networks or volumes."""
        old = self._contents.others[kind]
        same = {row.text: row for row in old.values()}
        rows, pauses = [], Pauses()
        for text in found.items:
            if pauses.due:
                await pauses.pause()
            rows.append(same.get(hash(text)) or self._converter.other(kind, text))
        if {row.text for row in rows} != same.keys():
            self.differed()
        self._contents.put_all(kind, rows)
        if kind == "volume":
            self._contents.volume_warnings = found.warnings
        if kind == "image" and self._has_images:
            self._images_changed(old)
        self._has_images |= kind == "image"

    def _images_changed(self, old: dict[str, Any]) -> None:
        """List the containers again if the names of one of their images have changed, because lists show image
        names.
        """
        new = self._contents.images
        changed = {
            id
            for id in {*old, *new}
            if id not in old or id not in new or {*old[id].tags, *old[id].digests} != {*new[id].tags, *new[id].digests}
        }
        if changed and any(row.image_id in changed for row in self._contents.containers.values()):
            self.refresher.touch("container", 0)
