"""One request to an engine, with its metadata: deadline, kind, operation, and names."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from gateway.engine.kinds import Kind
from gateway.engine.transport.http import Request
from gateway.engine.versions import Need

Named = tuple[tuple[str, str], ...]
"""Kinds and names of objects; the target of the request is the first."""
Skipped = Callable[[str, int], None]
"""Called with an RPC and the number of values that were left out of its response, because they do not fit the
contract.
"""
Hide = Callable[[str], str]
"""Removes the secrets of a request from a text."""
PING = Request("GET", "/_ping")


def count_nothing(rpc: str, count: int) -> None:
    """Do nothing: a `Skipped` without a counter."""


class Call(NamedTuple):
    """One request to an engine.

    `changes` says whether it does more than read; `needs` names what not every API version has; `deadline` is in the
    loop's time and holds, for streams, until the head of the response; `operation` is the RPC that it is made for, and
    `named` the objects that the request names; `kind` says whose budget it uses: without it, that of unary calls, or of
    streams when it is opened as one; `hide` takes the secrets of the request out of a text.
    """

    request: Request
    changes: bool = True
    needs: tuple[Need, ...] = ()
    deadline: float | None = None
    operation: str = ""
    named: Named = ()
    kind: Kind | None = None
    hide: Hide = str
