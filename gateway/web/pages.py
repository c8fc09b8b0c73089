"""The pages: metrics for Prometheus, and health for orchestrators."""

from __future__ import annotations

import asyncio
import gzip
import time
from dataclasses import dataclass
from urllib.parse import parse_qs

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder, gzip_accepted

from gateway.web.listener import Page
from gateway.web.messages import Request, Response, text
from gateway.web.scrapes import OneScrape

_GZIP_LEVEL = 1  # a fifth larger than with level 6, in less than a third of the time


@dataclass(slots=True)
class Readiness:
    """Whether the gateway is ready for clients.  `obstacle` is the reason if it is not, else empty.

    `asked_at` is the time of the last request for it, of `time.monotonic()`.
    """

    obstacle: str = "the gateway is starting"
    asked_at: float | None = None


def pages(registry: CollectorRegistry, readiness: Readiness, scrape: OneScrape) -> dict[str, Page]:
    """Return the table of pages.  All pages for scrapes share *scrape*."""

    async def metrics(request: Request) -> Response:
        async with scrape:
            return await asyncio.to_thread(_scrape, registry, request)

    async def healthz(_: Request) -> Response:
        return text("ok")

    async def readyz(_: Request) -> Response:
        readiness.asked_at = time.monotonic()
        return text(readiness.obstacle, 503) if readiness.obstacle else text("ready")

    return {"/metrics": metrics, "/healthz": healthz, "/readyz": readyz}


def _scrape(registry: CollectorRegistry, request: Request) -> Response:
    """Encode the metrics.  With 1,000 hosts this takes a second, so it runs in a thread."""
    try:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
    except TypeError:  # prometheus_client fails for a version that is not a number
        encode, content_type = choose_encoder("")
    names = parse_qs(request.query).get("name[]")
    body = encode(registry.restricted_registry(names) if names else registry)
    if not gzip_accepted(request.headers.get("accept-encoding", "")):
        return Response(body, content_type=content_type)
    return Response(gzip.compress(body, _GZIP_LEVEL), content_type=content_type, headers={"Content-Encoding": "gzip"})
