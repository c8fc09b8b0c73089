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

    `changes`: whether it does more than read.  `needs`: what the request uses that not every API version has.
    `deadline`: in the loop's time; for a stream it covers the head of the response only.  `operation`: the RPC that the
    request is for.  `named`: the objects that the request names.  `kind`: the kind of its budget; by default `UNARY`,
    or `STREAM` if it is opened as a stream.  `hide`: removes the secrets of the request from a text.
    """

    request: Request
    changes: bool = True
    needs: tuple[Need, ...] = ()
    deadline: float | None = None
    operation: str = ""
    named: Named = ()
    kind: Kind | None = None
    hide: Hide = str
