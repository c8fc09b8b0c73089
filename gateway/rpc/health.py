"""The standard health service, which also knows whether anybody asks it."""

from __future__ import annotations

import time
from typing import Any

from grpc_health.v1 import health_pb2
from grpc_health.v1._async import HealthServicer


class Health(HealthServicer):
    """`grpc.health.v1.Health`; `asked_at` is when it was last asked for a status, of `time.monotonic()`."""

    asked_at: float | None = None

    async def Check(self, request: health_pb2.HealthCheckRequest, context: Any) -> Any:
        """Answer once."""
        self.asked_at = time.monotonic()
        answer: Any = super().Check(request, context)
        return await answer
