"""The properties of a container that only an inspection has: times to the nanosecond, exit code, health, limits."""

from __future__ import annotations

import re
from sys import intern
from typing import Any, NamedTuple

from dockfleet.v1.containers_pb2 import ContainerSummary

from gateway.engine.codec.timestamps import canonical, nanoseconds

_EXIT_CODE = re.compile(r"(?:Exited|Restarting) \((\d+)\)")
_HEALTH = re.compile(r"\((?:health: )?(starting|healthy|unhealthy)\)$")
_SECOND = 1_000_000_000


class Details(NamedTuple):
    """The details of one container.  Times are the engine's, in nanoseconds since 1970; 0 is never.

    `known` says whether it was inspected; before that, the details come from the list, which has only some of them.
    """

    created_ns: int
    started_ns: int
    finished_ns: int
    exit_code: int
    health: str
    memory_limit: int
    nano_cpus: int
    known: bool = True


def listed(summary: ContainerSummary, created_ns: int) -> Details:
    """Return the details in a list, of a container that was not inspected yet."""
    code, health = _EXIT_CODE.match(summary.status), _HEALTH.search(summary.status)
    return Details(created_ns, 0, 0, int(code[1]) if code else 0, health[1] if health else "none", 0, 0, known=False)


def inspected(document: Any) -> Details:
    """Return the details in an inspection.  A value that does not fit the Engine API counts as absent."""
    state, config = _object(document, "State"), _object(document, "HostConfig")
    return Details(
        _time(document, "Created"),
        _time(state, "StartedAt"),
        _time(state, "FinishedAt"),
        _number(state, "ExitCode"),
        intern(str(_object(state, "Health").get("Status") or "none")),
        _number(config, "Memory"),
        _number(config, "NanoCpus"),
    )


def state_of(document: Any) -> str:
    """Return the state in an inspection."""
    return str(_object(document, "State").get("Status") or "")


def _object(document: Any, key: str) -> dict[str, Any]:
    value = document.get(key) if isinstance(document, dict) else None
    return value if isinstance(value, dict) else {}


def _time(document: Any, key: str) -> int:
    text = document.get(key) if isinstance(document, dict) else None
    if not isinstance(text, str) or text.startswith("0001-01-01"):
        return 0
    try:
        return max(nanoseconds(canonical(text.encode())), 0)
    except ValueError:
        return 0


def _number(document: dict[str, Any], key: str) -> int:
    value = document.get(key)
    return value if type(value) is int and abs(value) < 1 << 63 else 0
