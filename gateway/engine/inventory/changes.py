"""What happens to the containers of a host, numbered, for subscribers that each read at their own pace.

The journal keeps which containers have changed, not what they were: a subscriber gets each as it is when it reads.  So
a container that has changed several times meanwhile comes once, and nothing is kept for a subscriber.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from dataclasses import dataclass

from gateway.engine.errors import CallError
from gateway.engine.inventory.rows import ContainerRow
from gateway.engine.resumable.journal import Journal, Waiter

KEPT = 4096
"""How many of the newest changes of a host are kept."""


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
    """All changes up to now have come: the state of the host is known."""

    number: int


@dataclass(frozen=True, slots=True)
class Stale:
    """The host does not answer; its containers stay as they were."""

    number: int
    failure: CallError


@dataclass(frozen=True, slots=True)
class Forget:
    """All that came before is void: every container follows, then whether that is the state of the host."""

    number: int


Change = Put | Removed | Synced | Stale | Forget
"""`number` counts: a subscription that begins after it continues there.  It is NOWHERE within all there is."""

NOWHERE = -2


class Changes:
    """The newest changes of one host.  `epoch` is another one for each inventory: numbers mean nothing in another."""

    def __init__(
        self, rows: Callable[[], Iterable[ContainerRow]], find: Callable[[str], ContainerRow | None], kept: int = KEPT
    ) -> None:
        """Keep nothing yet.  *rows* are all containers there are now, *find* returns one by its id."""
        self.epoch = secrets.token_bytes(8)
        self._journal: Journal[str | CallError | None] = Journal(max_records=kept)
        self._rows = rows
        self._find = find
        self._state: CallError | None = None  # why the state is not known
        self._has_state = False  # whether there was a state at all
        self._readers = 0

    def of(self, id: str) -> None:
        """Note that a container is new, has changed, or is gone."""
        if self._has_state or self._readers:  # nobody needs what comes before
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
        """Yield the changes after a number that is kept; without one, or if it is not, all there is and then changes.

        A reader that is so slow that changes are not kept for it gets a `Forget`, and everything again.
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
