"""Calls of several responses that are read to their end.

Generated from `dockfleet.aio` by protos/generate_clients.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from dockfleet.results import Batch, ContainerFailed, FleetFailed, Found, ImageResult, RunResult
from dockfleet.stream import Stream
from dockfleet.v1.common_pb2 import STANDARD_STREAM_STDERR, Progress

T = TypeVar("T")


def proceed(stream: Stream[Any], progress: Callable[[Progress], object] | None) -> ImageResult:
    """Read *stream* to its end, tell *progress* of it, and return the result."""
    result = ImageResult()
    with stream as responses:
        for response in responses:
            result.received(response.progress)
            if progress is not None:
                progress(response.progress)
    return result


def found(stream: Stream[Any], values: Callable[[Any], Iterable[T]]) -> Found[T, Any]:
    """Read the answers of the hosts, and return the *values* of each."""
    result: Found[T, Any] = Found()
    with stream as responses:
        for response in responses:
            result.received(response, values)
    return result


def changed(stream: Stream[Any], check: bool, progress: Callable[[Any], object] | None) -> Batch[Any]:
    """Read the results of a change, and tell *progress* of each.  Raises `FleetFailed` with *check*."""
    batch: Batch[Any] = Batch()
    with stream as responses:
        for response in responses:
            batch.received(response)
            if progress is not None:
                for result in response.results:
                    progress(result)
    if check and batch.failures:
        raise FleetFailed(batch.failures, batch)
    return batch


def ran(
    stream: Stream[Any], host: str, check: bool, detach: bool, progress: Callable[[Progress], object] | None
) -> RunResult:
    """Read what a container writes to its end.  Raises `ContainerFailed` with *check*, unless it ends with 0."""
    id, exit_code, reason = "", None, "the call ended without its last response"
    stdout, stderr = bytearray(), bytearray()
    with stream as responses:
        for response in responses:
            if "placed" in response.DESCRIPTOR.fields_by_name:  # a response of the fleet
                host = response.placed.host or host
                response = response.response
            record = response.WhichOneof("record")
            if record == "created":
                id = response.created.id
            elif record == "output":
                (stderr if response.output.stream == STANDARD_STREAM_STDERR else stdout).extend(response.output.data)
            elif record == "end":
                exit_code = response.end.exit_code if response.end.HasField("exit_code") else None
                reason = response.end.unknown_reason
            elif record == "pull" and progress is not None:
                progress(response.pull)
    result = RunResult(id, exit_code, bytes(stdout), bytes(stderr), host)
    if check and not detach and exit_code != 0:
        raise ContainerFailed(result, reason)
    return result
