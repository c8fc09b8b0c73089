"""Changes on many targets: how many at once, in which groups, and when to stop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from gateway.engine.errors import InvalidField
from gateway.fleet.host import Host

_MOST_AT_ONCE = 1024


class Target(NamedTuple):
    """What is changed: a host, or one of its containers."""

    host: Host
    container_id: str = ""
    container_name: str = ""


@dataclass(frozen=True, slots=True)
class Options:
    """How a batch proceeds: `BatchOptions` of the contract.  Times are in seconds."""

    parallelism: int = 64
    parallelism_per_host: int = 8
    group_size: int | None = None  # None: all targets are one group
    group_pause: float = 0.0
    max_failures: int | None = None  # None: never stop
    target_timeout: float | None = None

    def check(self, path: str) -> None:
        """Raise `InvalidField` for what cannot be; *path* is the place of the options in the request."""
        for name in ("parallelism", "parallelism_per_host"):
            if not 1 <= getattr(self, name) <= _MOST_AT_ONCE:
                raise InvalidField(f"{path}.{name}", f"must be from 1 to {_MOST_AT_ONCE}")
        for name in ("group_size", "max_failures"):
            if getattr(self, name) == 0:
                raise InvalidField(f"{path}.{name}", "must be at least 1, or absent")
        for name in ("group_pause", "target_timeout"):
            if (getattr(self, name) or 0) < 0:
                raise InvalidField(f"{path}.{name}", "must not be negative")
        if self.group_pause and self.group_size is None:
            raise InvalidField(f"{path}.group_pause", "must be absent without `group_size`: all targets are one group")
        if self.target_timeout == 0:
            raise InvalidField(f"{path}.target_timeout", "must be more than zero, or absent")


Change = Callable[[Target], Coroutine[Any, Any, bool]]
"""Changes a target, and says whether that worked."""


@dataclass
class Batch:
    """One batch.  `run` changes all targets; then the numbers say what has become of them."""

    targets: Sequence[Target]
    options: Options
    change: Change
    skip: Callable[[Target], Coroutine[Any, Any, None]]
    """Reports a target that is not changed, because too many have failed."""
    succeeded: int = 0
    failed: int = 0
    skipped: int = 0
    _free: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._free = asyncio.Semaphore(self.options.parallelism)

    async def run(self) -> None:
        """Change the targets, group by group.  Raises the first exception of `change`."""
        for number, group in enumerate(self._groups()):
            if number and self.options.group_pause and not self._stopped:
                await asyncio.sleep(self.options.group_pause)
            try:
                async with asyncio.TaskGroup() as workers:
                    for waiting in _by_host(group):
                        for _ in range(min(self.options.parallelism_per_host, len(waiting))):
                            workers.create_task(self._work(waiting))
            except* Exception as raised:
                raise raised.exceptions[0] from None

    @property
    def _stopped(self) -> bool:
        return self.options.max_failures is not None and self.failed >= self.options.max_failures

    def _groups(self) -> Iterator[Sequence[Target]]:
        size = self.options.group_size or len(self.targets) or 1
        for start in range(0, len(self.targets), size):
            yield self.targets[start : start + size]

    async def _work(self, waiting: deque[Target]) -> None:
        """Change the targets of one host that wait, one after the other."""
        while waiting:
            async with self._free:
                if not waiting:
                    return
                target = waiting.popleft()
                if self._stopped:
                    self.skipped += 1
                    await self.skip(target)
                elif await self.change(target):
                    self.succeeded += 1
                else:
                    self.failed += 1


def _by_host(targets: Sequence[Target]) -> list[deque[Target]]:
    found: dict[Host, deque[Target]] = {}
    for target in targets:
        found.setdefault(target.host, deque()).append(target)
    return list(found.values())
