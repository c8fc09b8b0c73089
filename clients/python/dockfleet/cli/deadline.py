"""The deadline of each call, from `--deadline`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc


class Deadline(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamUnaryClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """Ends each call after a time."""

    def __init__(self, seconds: float) -> None:
        """End calls after *seconds*."""
        self._seconds = seconds

    def _called(self, call: Callable[[Any, Any], Any], details: Any, request: Any) -> Any:
        return call(details._replace(timeout=self._seconds), request)

    intercept_unary_unary: Any = _called
    intercept_unary_stream: Any = _called
    intercept_stream_unary: Any = _called
    intercept_stream_stream: Any = _called
