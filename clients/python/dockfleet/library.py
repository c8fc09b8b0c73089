"""The differences between blocking gRPC and gRPC for asyncio: the blocking part."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
from google.protobuf.message import Message

from dockfleet.errors import DockfleetError
from dockfleet.sources import Source as Source
from dockfleet.sources import chunks

if TYPE_CHECKING:
    from dockfleet.channels import SplitChannel

T = TypeVar("T")

LIBRARY: Any = grpc
BLOCKING = True

CANCELLED: tuple[type[BaseException], ...] = ()
"""What a wait raises when this task, or the call, is cancelled: nothing, for a thread cannot be cancelled."""

FAILURES: tuple[type[BaseException], ...] = (grpc.RpcError, grpc.FutureCancelledError)
"""What gRPC raises for a call that has not succeeded."""

Event = threading.Event
Queue = SimpleQueue  # may be used in signal handlers
Semaphore = threading.Semaphore
pieces = chunks


def task_cancelled() -> bool:
    """Return whether this task is cancelled; a thread never is."""
    return False


def waited(event: Event, seconds: float) -> bool:
    """Wait until *event* is set, for at most *seconds*; return whether it is."""
    return event.wait(seconds)


def work(function: Callable[..., T], *args: Any) -> T:
    """Return the result of *function*, which may wait for a disk."""
    return function(*args)


def usage_check() -> Callable[[], None]:
    """Return what raises where a fleet cannot be used: nowhere, for it may be used in any thread."""
    return lambda: None


def response_of(rpc: Callable[..., Any], request: Message, timeout: float | None) -> Any:
    """Return the single response of a call.  Raises `DockfleetError`."""
    try:
        return rpc(request, timeout=timeout)
    except grpc.RpcError as error:
        raise DockfleetError.of(error) from None
    except ValueError:
        raise ValueError("the fleet is closed") from None


def started(rpc: Any, requests: Any, timeout: float | None) -> Any:
    """Start a call that has one response."""
    return rpc.future(requests, timeout=timeout)


def result_of(call: Any) -> Any:
    """Return the single response of *call*.  Raises what gRPC does."""
    return call.result()


class FinalStatus:
    """The status with which the gateway has ended a call."""

    def __init__(self, call: Any) -> None:
        """Read it from *call*."""
        self._call = call

    def failure(self, error: BaseException) -> DockfleetError | None:
        """Return the failure that gRPC reports as *error*."""
        return DockfleetError.of(self._call)


def closed(channel: SplitChannel[Any]) -> None:
    """End the connections of *channel* and their calls."""
    channel.close()
