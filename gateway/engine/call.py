"""One request to an engine, and what is known of it besides its bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from gateway.engine.kinds import Kind
from gateway.engine.transport.http import Request
from gateway.engine.versions import Need

Named = tuple[tuple[str, str], ...]
"""Kinds and names of objects, the one that a request is about first."""
Skipped = Callable[[str, int], None]
"""Called for values of a response that do not fit the contract and are left out: the RPC, and how many."""
Hide = Callable[[str], str]
"""Takes the secrets of a request out of a text."""
PING = Request("GET", "/_ping")


def count_nothing(rpc: str, count: int) -> None:
    """Be a `Skipped` for whom nobody counts."""


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
