"""What the pages say, over a real socket."""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import AsyncIterator, Iterator

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.metrics_core import Metric

from gateway.web.listener import Listener
from gateway.web.pages import Readiness, pages
from gateway.web.scrapes import OneScrape
from tests.web.client import Address, get

OPENMETRICS = "application/openmetrics-text;version=1.0.0"


@pytest.fixture
def readiness() -> Readiness:
    """The state that a gateway would change."""
    return Readiness()


@pytest.fixture
def registry() -> CollectorRegistry:
    """Two metrics."""
    registry = CollectorRegistry()
    Counter("calls", "Calls so far.", ("host",), registry=registry).labels("h1").inc(3)
    Gauge("load", "Load now.", registry=registry).set(0.5)
    return registry


@pytest.fixture
async def address(registry: CollectorRegistry, readiness: Readiness) -> AsyncIterator[Address]:
    """A listener with all pages."""
    async with Listener(pages(registry, readiness, OneScrape())).listening("127.0.0.1", 0) as address:
        yield address


@pytest.mark.parametrize(
    ("accept", "content_type", "ends"),
    [
        ({}, "text/plain; version=0.0.4; charset=utf-8", False),
        ({"Accept": "text/html, */*"}, "text/plain; version=0.0.4; charset=utf-8", False),
        ({"Accept": "application/openmetrics-text;version=x"}, "text/plain; version=0.0.4; charset=utf-8", False),
        ({"Accept": OPENMETRICS}, "application/openmetrics-text; version=1.0.0; charset=utf-8", True),
    ],
)
async def test_metrics_are_in_the_format_that_the_scraper_asks_for(
    address: Address, accept: dict[str, str], content_type: str, ends: bool
) -> None:
    """Prometheus' own text unless the scraper asks for OpenMetrics, which marks its end."""
    reply = await get(address, "/metrics", **accept)

    assert reply.status == 200
    assert reply.headers["content-type"].startswith(content_type)
    assert b'\ncalls_total{host="h1"} 3.0\n' in reply.body
    assert b"\nload 0.5\n" in reply.body
    assert reply.body.endswith(b"# EOF\n") == ends


async def test_metrics_are_compressed_for_a_client_that_accepts_it(address: Address) -> None:
    """Most of a scrape is names that repeat."""
    plain = await get(address, "/metrics")
    packed = await get(address, "/metrics", Accept_Encoding="br, gzip")

    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert b"calls_total" in gzip.decompress(packed.body)


async def test_some_metrics_can_be_asked_for_by_name(address: Address) -> None:
    """As prometheus_client's own page allows."""
    reply = await get(address, "/metrics?name[]=load")

    assert b"load 0.5" in reply.body
    assert b"calls" not in reply.body


async def test_head_of_the_metrics_has_their_size(address: Address) -> None:
    """It sends no body."""
    head, full = await get(address, "/metrics", "HEAD"), await get(address, "/metrics")

    assert int(head.headers["content-length"]) == len(full.body)


async def test_liveness_and_readiness(address: Address, readiness: Readiness) -> None:
    """The process lives whether or not it is ready, and readiness has a reason when it is not."""
    replies = []
    for readiness.obstacle in ("the gateway is starting", "", "the gateway is draining"):
        replies += [await get(address, page) for page in ("/healthz", "/readyz")]

    assert [(reply.status, reply.body) for reply in replies] == [
        (200, b"ok\n"), (503, b"the gateway is starting\n"),
        (200, b"ok\n"), (200, b"ready\n"),
        (200, b"ok\n"), (503, b"the gateway is draining\n"),
    ]  # fmt: skip


async def test_a_long_collection_delays_no_other_page_and_uses_one_thread(
    address: Address, registry: CollectorRegistry
) -> None:
    """Other pages are served during a scrape; a second scrape waits for the first."""
    collecting, finish = threading.Semaphore(0), threading.Event()

    class Slow:
        def describe(self) -> list[Metric]:
            return []

        def collect(self) -> Iterator[Metric]:
            collecting.release()
            finish.wait(60)
            yield from ()

    registry.register(Slow())
    scrapes = [asyncio.create_task(get(address, "/metrics")) for _ in range(2)]
    await asyncio.to_thread(collecting.acquire)

    assert (await get(address, "/healthz")).status == 200
    assert not collecting.acquire(blocking=False)
    finish.set()
    assert [(await scrape).status for scrape in scrapes] == [200, 200]
