"""The differences between blocking gRPC and gRPC for asyncio: the blocking part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import grpc

from dockfleet.channels import SplitChannel

T = TypeVar("T")

LIBRARY: Any = grpc
BLOCKING = True


def work(function: Callable[..., T], *args: Any) -> T:
    """Return the result of *function*, which may wait for a disk."""
    return function(*args)


def closed(channel: SplitChannel[Any]) -> None:
    """End the connections of *channel* and their calls."""
    channel.close()
