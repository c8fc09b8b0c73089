"""What an inspection says of a container: its latest run, and how its log is kept."""

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
_DEFAULT_SIZE, _DEFAULT_FILES = 20_000_000, 5  # of `local`, which also keeps the log of drivers that cannot read
_SMALL_BYTES = 512 << 10  # a log that is read as a whole, for its end alone would cost no less
_LARGEST_CREDIT = 1 << 20
_STORED_BYTES = 200  # at most so many bytes of a stored entry are not its text
_RESTART = 100_000_000  # nanoseconds between the output of two runs, at least
_TENTHS = len(b"2026-05-01T10:00:00.1")  # of a canonical time, up to tenths of a second
_ESCAPED = bytes({*range(32), *range(127, 256), *b'<>&"\\'})


@dataclass(frozen=True, slots=True)
class Rotation:
    """How a log is rotated.  `max_size` is that of a file, in bytes, after which another one is begun."""

    rotates: bool = False
    max_size: int = 0
    max_files: int = 1

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Rotation:
        """Return what a container's LogConfig says, read as Docker does (go-units, FromHumanSize).

        Only `json-file` without a size surely never rotates.
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
        """Whether the log never has more than a few hundred kilobytes."""
        return self.rotates and self.max_size * self.max_files <= _SMALL_BYTES

    @property
    def credit(self) -> int:
        """How many bytes of a follow answer are believed before they are proven."""
        return min(self.max_size // 16, _LARGEST_CREDIT)

    def never_removed(self, size: int) -> bool:
        """Return whether a log that has at most *size* bytes has never lost any."""
        return not self.rotates or size < (self.max_files - 1) * self.max_size


def has_pause(time: bytes, entries: Sequence[Entry]) -> bool:
    """Return whether between two of *entries*, or the *time* before them, there is time for the start of a run."""
    times = [time or entries[0].time, *[entry[1] for entry in entries]]
    return any(
        before[:_TENTHS] != after[:_TENTHS] and abs(nanoseconds(after) - nanoseconds(before)) >= _RESTART
        for before, after in pairwise(times)
    )


def stored_bytes(entries: Iterable[Entry]) -> int:
    """Return how many bytes a log takes for *entries* at most."""
    return sum(
        [len(line) + 5 * (len(line) - len(line.translate(None, _ESCAPED))) + _STORED_BYTES for _, _, line in entries]
    )


@dataclass(frozen=True, slots=True)
class Run:
    """What the engine says about a container's latest run.  Times as it writes them."""

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
            raise BadResponse(f"the host's response has a time that is none: {error}", sent=True) from error
        return cls(
            # Between two runs, of which the engine itself starts the second, it calls the container running.
            running=inspected.running and not inspected.restarting,
            started=started,
            finished=finished,
            exit_code=None if started.startswith("0001") else inspected.exit_code,
            terminal=inspected.terminal,
            rotation=Rotation.of(inspected.log_config),
        )

    def begin(self) -> bytes:
        """Return a canonical time between the output of the run before and that of this one."""
        started = nanoseconds(canonical(self.started.encode()))
        finished = nanoseconds(canonical(self.finished.encode()))
        # A process may write before the engine takes down its start, and output is stamped a little after the end.
        return time_of((started + finished) // 2 if 0 < finished < started else max(started, 0))
