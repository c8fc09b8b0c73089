"""What there is to say about a container's log besides its entries, and about the container's runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any

from gateway.engine.codec.timestamps import canonical, nanoseconds
from gateway.engine.errors import BadResponse
from gateway.engine.logs.entries import Entry


class Ending(Enum):
    """Why a log ended."""

    COMPLETE = "complete"  # not followed, or up to a time: all there was
    EXITED = "exited"
    REMOVED = "removed"
    RESTARTED = "restarted"
    NOT_RUNNING = "not running"  # when it began to be followed


class Lost(Enum):
    """Why a log has a gap."""

    ROTATED = "rotated"
    REPLACED = "replaced"
    CLOCK_STEP = "clock step"


@dataclass(frozen=True, slots=True)
class Resumed:
    """The connection broke and was healed: nothing is missing."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Entries between two times (canonical; b"" when not known) are lost: the engine does not have them any more."""

    after: bytes
    before: bytes
    reason: Lost

    @property
    def message(self) -> str:
        """Return the gap in words."""
        times = f"after {self.after.decode() or 'its beginning'} and before {self.before.decode() or 'now'}"
        return f"the engine has lost what the container wrote {times} ({self.reason.value})"


@dataclass(frozen=True, slots=True)
class RunBoundary:
    """The container was started again, at this time as the engine writes it."""

    started: str


@dataclass(frozen=True, slots=True)
class Quiet:
    """Nothing has come for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class End:
    """The log has ended."""

    ending: Ending
    exit_code: int | None = None


Item = list[Entry] | Resumed | Gap | RunBoundary | Quiet | End


_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([kmgt]?)i?b?", re.IGNORECASE)
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_LARGEST = {"json-file": "", "local": "20m"}  # the log drivers that write files, and `max-size` where it is not given


def _file_bytes(config: dict[str, Any]) -> int:
    """Return the size of a log's files, given its configuration, as Docker reads it (go-units, FromHumanSize)."""
    size = (config.get("Config") or {}).get("max-size") or _LARGEST.get(config.get("Type", ""), "")
    found = _SIZE.fullmatch(str(size))
    return int(float(found[1]) * _UNITS[found[2].lower()]) if found and config.get("Type") in _LARGEST else 0


def _exit_code(code: Any) -> int | None:
    """Return an exit code; None for one that 64 bits do not hold."""
    return int(code) if abs(int(code)) < 1 << 63 else None


@dataclass(frozen=True, slots=True)
class Run:
    """What the engine says about a container's latest run.  Times as it writes them."""

    running: bool
    started: str
    finished: str
    exit_code: int | None
    terminal: bool
    file_bytes: int = 0  # of a log file, after which another one is begun; 0 when there is only one

    @classmethod
    def of(cls, inspected: Any) -> Run:
        """Return the run that the answer to an inspection describes.  Raises `BadResponse`."""
        try:
            state = inspected["State"]
            started, finished = state["StartedAt"], state["FinishedAt"]
            for time in (started, finished):
                canonical(time.encode())
            return cls(
                # Between two runs, of which the engine itself starts the second, it calls the container running.
                running=bool(state["Running"]) and not state.get("Restarting"),
                started=started,
                finished=finished,
                exit_code=None if started.startswith("0001") else _exit_code(state["ExitCode"]),
                terminal=bool(inspected["Config"]["Tty"]),
                file_bytes=_file_bytes((inspected.get("HostConfig") or {}).get("LogConfig") or {}),
            )
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise BadResponse(f"the host's answer does not tell how a container runs: {error!r}", sent=True) from error

    def begin(self) -> int:
        """Return a time between the output of the run before and that of this one."""
        started = nanoseconds(canonical(self.started.encode()))
        finished = nanoseconds(canonical(self.finished.encode()))
        # A process may write before the engine takes down its start, and output is stamped a little after the end.
        return (started + finished) // 2 if 0 < finished < started else started
