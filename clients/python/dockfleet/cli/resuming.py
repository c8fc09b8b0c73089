"""Streams that continue after a failure, by the rule at the beginning of protos/dockfleet/v1/common.proto."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc

from dockfleet.cli.gateway import responses
from dockfleet.errors import DockfleetError

RETRY_SECONDS = 60.0
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 1.0  # seconds between two calls
BROKEN = (  # what gRPC and proxies report for a broken connection
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.INTERNAL,
)
START_FIELDS = ("since", "tail")  # say where a stream starts; a token replaces them


def resumed(rpc: Callable[..., Any], request: Any) -> Iterator[Any]:
    """Yield the responses of a stream across its calls.

    A stream with tokens continues after the last response; one without begins again.  A failure before the first
    response is raised at once, and one that lasts for a minute too.  Raises `DockfleetError`.
    """
    failed_at: float | None = None
    pause, begun = SHORTEST_PAUSE, False
    while True:
        try:
            for response in responses(rpc, request):
                begun, failed_at, pause = True, None, SHORTEST_PAUSE
                yield response
                _continue_after(request, response)
        except DockfleetError as error:
            now = time.monotonic()
            failed_at = failed_at if failed_at is not None else now
            pause = max(pause * random.uniform(0.8, 1.2), error.retry_after or 0.0)
            if not (begun and may_recover(error)) or now + pause > failed_at + RETRY_SECONDS:
                raise
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
        else:
            return


def may_recover(error: DockfleetError) -> bool:
    """Return whether another call may succeed."""
    if not error.reason:  # it does not come from the gateway
        return error.code in BROKEN
    return error.code is grpc.StatusCode.UNAVAILABLE or error.retry_safe or error.reason == "SLOW_READER"


def _continue_after(request: Any, response: Any) -> None:
    """Let *request* continue after *response*, if the stream has tokens."""
    if container := getattr(response, "container_id", ""):
        request.id = container  # another container may have the name by now
    if token := getattr(response, "resume_token", b""):
        request.resume_token = token
        start = request.request if "request" in request.DESCRIPTOR.fields_by_name else request
        for name in START_FIELDS:
            if name in start.DESCRIPTOR.fields_by_name:
                start.ClearField(name)
