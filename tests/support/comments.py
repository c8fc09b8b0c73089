"""The "Errors:" lists in the comments of the contract."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.support import contract
from tests.support.statuses import Status

_BLOCK = re.compile(r"((?:^ *//.*\n)+) *(service|rpc) (\w+)", re.MULTILINE)
_LINE = re.compile(r" {2}- (?P<status>[A-Z_]+(?: \([A-Z_]+\))?): (?P<text>[a-z`].+\.)")


class Line(NamedTuple):
    """One line: the service or the RPC that it is of, the status, and when the status is given."""

    scope: str
    status: Status
    text: str


def lines(path: Path) -> list[Line]:
    """The lines of all lists in a file.  Raises `ValueError` for one that has another form."""
    found: list[Line] = []
    service = ""
    for comment, kind, name in _BLOCK.findall(path.read_text()):
        service = name if kind == "service" else service
        scope = name if kind == "service" else f"{service}.{name}"
        found += [_line(scope, text) for text in _list(comment)]
    return found


def all_lines() -> list[Line]:
    """The lines of the whole contract."""
    return [line for path in contract.PROTOS for line in lines(path)]


def _list(comment: str) -> Iterator[str]:
    """Yield the lines of a comment's list, each joined with what continues it."""
    rows = [row.strip().removeprefix("//").removeprefix(" ") for row in comment.splitlines()]
    if "Errors:" not in rows:
        return
    joined = ""
    for row in rows[rows.index("Errors:") + 1 :]:
        if row.startswith("    ") and joined:
            joined += " " + row.strip()
            continue
        if joined:
            yield joined
        joined = row
    yield joined


def _line(scope: str, text: str) -> Line:
    found = _LINE.fullmatch(text)
    if found is None:
        raise ValueError(f"{scope}: {text!r} is not `  - CODE (REASON): when it is given.`")
    return Line(scope, Status.of(found["status"]), found["text"])
