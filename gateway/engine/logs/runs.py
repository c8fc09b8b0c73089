"""The latest run of a container, and how its log rotates, from an inspection."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from gateway.engine.codec.timestamps import canonical, nanoseconds, time_of
from gateway.engine.errors import BadResponse
from gateway.engine.logs.entries import Entry
from gateway.engine.queries import Inspection

_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?) ?([kmgt]?)i?b?", re.IGNORECASE)
_COUNT = re.compile("[0-9]{1,9}")
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_DEFAULT_SIZE, _DEFAULT_FILES = 20_000_000, 5  # of `local`, which also keeps logs for drivers that cannot read them
_SMALL_BYTES = 512 << 10  # a smaller log is read as a whole, because its end alone does not cost less
_MAX_CREDIT = 1 << 20
_UNSEEN_BYTES = 64 << 20  # more than a container writes between two plain answers, without a broken connection
_STORED_BYTES = 200  # of a stored entry besides its text, at most
_RESTART = 100_000_000  # nanoseconds between the output of two runs, at least
_TENTHS = len(b"2026-05-01T10:00:00.1")  # of a canonical time, up to tenths of a second
_ESCAPED = bytes({*range(32), *range(127, 256), *b'<>&"\\'})


@dataclass(frozen=True, slots=True)
class Rotation:
    """How a log rotates.  `max_size` is the size of a full file, in bytes."""

    rotates: bool = False
    max_size: int = 0
    max_files: int = 1

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Rotation:
        """Return the rotation in a container's LogConfig, with sizes as Docker reads them (go-units, FromHumanSize).

        A log counts as rotating unless it certainly does not: `json-file` without a size, and `none`.
        """
        driver, options = config.get("Type", ""), config.get("Config")
        if not isinstance(options, dict):
            options = {}
        if driver == "none" or (driver == "json-file" and not options.get("max-size")):
            return cls()
        own = driver in ("json-file", "local")
        found = _SIZE.fullmatch(str(options.get("max-size", ""))) if own else None
        size = int(float(found[1]) * _UNITS[found[2].lower()]) if found else _DEFAULT_SIZE
        files = str(options.get("max-file", "")) if own else ""
        return cls(
            True, size, int(files) if _COUNT.fullmatch(files) else 1 if driver == "json-file" else _DEFAULT_FILES
        )

    @property
    def is_small(self) -> bool:
        """Whether the log never exceeds 512 KiB."""
        return self.rotates and self.max_size * self.max_files <= _SMALL_BYTES

    @property
    def credit(self) -> int:
        """How many bytes of a follow answer may be believed before the next proof."""
        return min(self.max_size // 16, _MAX_CREDIT)

    def never_removed(self, size: int) -> bool:
        """Return whether a log of at most *size* bytes still has all its entries."""
        return not self.rotates or size < (self.max_files - 1) * self.max_size

    def was_never_full(self, size: int) -> bool:
        """Return whether the only file, of at most *size* bytes, is still the first one.

        A file was not filled and removed shortly before, because a container does not write that much in this time.
        """
        return self.max_size - size >= _UNSEEN_BYTES


def has_pause(time: bytes, entries: Sequence[Entry]) -> bool:
    """Return whether a run can have started between two of *entries*, or between *time* and the first one."""
    times = [time or entries[0].time, *[entry[1] for entry in entries]]
    return any(
        before[:_TENTHS] != after[:_TENTHS] and abs(nanoseconds(after) - nanoseconds(before)) >= _RESTART
        for before, after in pairwise(times)
    )


def stored_bytes(entries: Iterable[Entry]) -> int:
    """Return how many bytes *entries* take in a log, at most."""
    return sum(
        [len(line) + 5 * (len(line) - len(line.translate(None, _ESCAPED))) + _STORED_BYTES for _, _, line in entries]
    )


@dataclass(frozen=True, slots=True)
class Run:
    """The latest run of a container.  Times are as the engine writes them."""

    running: bool
    started: str
    finished: str
    exit_code: int | None
    terminal: bool
    rotation: Rotation = field(default_factory=Rotation)

    @classmethod
    def of(cls, inspected: Inspection) -> Run:
        """Return the run that an inspection describes.  Raises `BadResponse`."""
        started, finished = inspected.started_at, inspected.finished_at
        try:
            for time in (started, finished):
                canonical(time.encode())
        except ValueError as error:
            raise BadResponse(f"the host's response has an invalid time: {error}", sent=True) from error
        return cls(
            # An engine that restarts a container reports it as running between the two runs.
            running=inspected.running and not inspected.restarting,
            started=started,
            finished=finished,
            exit_code=None if started.startswith("0001") else inspected.exit_code,
            terminal=inspected.terminal,
            rotation=Rotation.of(inspected.log_config),
        )

    def begin(self) -> bytes:
        """Return a canonical time between the output of the previous run and that of this one."""
        started = nanoseconds(canonical(self.started.encode()))
        finished = nanoseconds(canonical(self.finished.encode()))
        # A process can write before the time that the engine notes as its start, and the stamps of the last output can
        # be later than the end.
        return time_of((started + finished) // 2 if 0 < finished < started else max(started, 0))
