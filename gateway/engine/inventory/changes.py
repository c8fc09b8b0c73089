"""The changes of a host's containers, numbered, for subscribers that each read at their own pace.

The journal keeps the ids of changed containers, not their contents.  A subscriber gets the current state of a container
when it reads.  So a container with several changes is sent once, and no memory is needed for each subscriber.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from dataclasses import dataclass

from gateway.engine.errors import CallError
from gateway.engine.inventory.rows import ContainerRow
from gateway.engine.resumable.journal import Journal, Waiter

KEPT = 4096
"""The number of the newest changes that are kept for a host."""


@dataclass(frozen=True, slots=True)
class Put:
    """A container is new, or has changed."""

    number: int
    row: ContainerRow


@dataclass(frozen=True, slots=True)
class Removed:
    """The container of this id is gone."""

    number: int
    id: str


@dataclass(frozen=True, slots=True)
class Synced:
    """All changes so far were sent: the state of the host is known."""

    number: int


@dataclass(frozen=True, slots=True)
class Stale:
    """The host does not answer; its containers stay unchanged."""

    number: int
    failure: CallError


@dataclass(frozen=True, slots=True)
class Forget:
    """The subscriber must forget all containers; all current ones follow, then a `Synced` or `Stale`."""

    number: int


Change = Put | Removed | Synced | Stale | Forget
"""A change, and its `number`, after which a subscription can continue; NOWHERE within the initial state."""

NOWHERE = -2


class Changes:
    """The newest changes of one host.  `epoch` identifies the inventory; numbers are valid only within one epoch."""

    def __init__(
        self, rows: Callable[[], Iterable[ContainerRow]], find: Callable[[str], ContainerRow | None], kept: int = KEPT
    ) -> None:
        """Keep nothing yet.  *rows* are all containers there are now, *find* returns one by its id."""
        self.epoch = secrets.token_bytes(8)
        self._journal: Journal[str | CallError | None] = Journal(max_records=kept)
        self._rows = rows
        self._find = find
        self._state: CallError | None = None  # why the state is not known
        self._has_state = False  # whether the state of the host was ever known
        self._readers = 0

    def of(self, id: str) -> None:
        """Note that a container is new, has changed, or is gone."""
        if self._has_state or self._readers:  # there is no subscriber that needs older changes
            self._journal.append(id)

    def synced(self) -> None:
        """Note that the state of the host is known."""
        if not self._has_state or self._state is not None:
            self._has_state, self._state = True, None
            self._journal.append(None)

    def stale(self, failure: CallError) -> None:
        """Note that the host does not answer."""
        if not self._has_state or self._state is None:
            self._has_state, self._state = True, failure
            self._journal.append(failure)

    def close(self, failure: Exception | None) -> None:
        """End all subscriptions; subscribers get *failure*."""
        self._journal.close(failure)

    def keeps(self, number: int, epoch: bytes) -> bool:
        """Return whether a subscription can continue after change *number* of the inventory of that *epoch*."""
        return epoch == self.epoch and self._journal.first <= number + 1 <= self._journal.next and number != NOWHERE

    async def read(self, after: int | None) -> AsyncGenerator[Change, None]:
        """Yield the changes after *after*; without it, or if it is no longer kept, all containers and then changes.

        A reader that is too slow for the journal gets a `Forget`, and all containers again.
        """
        journal, waiter = self._journal, Waiter(self._journal)
        self._readers += 1
        try:
            if after is None:
                cursor = journal.next
                for change in self._all(cursor - 1):
                    yield change
            else:
                cursor = after + 1
            while True:
                if not journal.first <= cursor:
                    cursor = journal.next
                    yield Forget(NOWHERE)
                    for change in self._all(cursor - 1):
                        yield change
                    continue
                if cursor == journal.next:
                    if journal.closed:
                        if journal.failure is not None:
                            raise journal.failure
                        return
                    await waiter.wait()
                    continue
                numbers = range(cursor, journal.next)
                cursor = journal.next
                for change in self._since(numbers):
                    yield change
        finally:
            self._readers -= 1
            waiter.close()

    def _all(self, number: int) -> Iterator[Change]:
        """Yield all containers, and whether they are the state of the host."""
        for row in list(self._rows()):
            yield Put(NOWHERE, row)
        if self._has_state:
            yield Synced(number) if self._state is None else Stale(number, self._state)

    def _since(self, numbers: range) -> Iterator[Change]:
        """Yield what has changed by these numbers, each container once, in the order of their last changes."""
        records = {number: self._journal[number] for number in numbers}
        last = {record: number for number, record in records.items() if isinstance(record, str)}
        for number, record in records.items():
            if isinstance(record, str):
                if last[record] == number:
                    row = self._find(record)
                    yield Removed(number, record) if row is None else Put(number, row)
            else:
                yield Synced(number) if record is None else Stale(number, record)
