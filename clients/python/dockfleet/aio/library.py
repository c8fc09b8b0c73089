"""The differences between blocking gRPC and gRPC for asyncio: the part for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import grpc

from dockfleet.channels import SplitChannel

T = TypeVar("T")

LIBRARY: Any = grpc.aio
BLOCKING = False


async def work(function: Callable[..., T], *args: Any) -> T:
    """Return the result of *function*, which may wait for a disk: it runs in a thread."""
    return await asyncio.to_thread(function, *args)


async def closed(channel: SplitChannel[Any]) -> None:
    """End the connections of *channel* and their calls."""
    for closing in channel.close():
        await closing
