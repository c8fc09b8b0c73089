"""A container of a fake engine, and the samples of its use of resources.

container = Container(engine)
container.give(sample(4))  # to all streams
container.cut()  # breaks the streams
"""

from __future__ import annotations

import asyncio
from typing import Any

from tests.support.fake_engine import FakeEngine, ResponseParser, _line

C1 = "c1" * 32
ZEROS = {"read": "0001-01-01T00:00:00Z", "preread": "0001-01-01T00:00:00Z", "name": "/web", "id": C1}


def sample(second: int, **parts: Any) -> dict[str, Any]:
    """Return a sample as an engine on Linux takes it, half a processor of two at work."""

    def cpu(second: int) -> dict[str, Any]:
        return {
            "cpu_usage": {"total_usage": second * 500_000_000},
            "system_cpu_usage": second * 2_000_000_000,
            "online_cpus": 2,
        }

    return {
        "read": f"2026-05-01T10:00:{second:02}.5Z",
        "preread": f"2026-05-01T10:00:{second - 1:02}.5Z" if second else "0001-01-01T00:00:00Z",
        "cpu_stats": cpu(second),
        "precpu_stats": cpu(second - 1) if second else {"cpu_usage": {"total_usage": 0}},
        "memory_stats": {"usage": 100 << 20, "limit": 1000 << 20, "stats": {"inactive_file": 40 << 20}},
        "networks": {
            "eth0": {"rx_bytes": 1000 * second, "tx_bytes": 10 * second},
            "eth1": {"rx_bytes": 500 * second, "tx_bytes": 5 * second},
        },
        "blkio_stats": {
            "io_service_bytes_recursive": [
                {"major": 8, "minor": 0, "op": "read", "value": 4096 * second},
                {"major": 8, "minor": 16, "op": "Read", "value": 4096 * second},
                {"major": 8, "minor": 0, "op": "write", "value": 512 * second},
                {"major": 8, "minor": 0, "op": "Total", "value": 9999 * second},
            ]
        },
        "pids_stats": {"current": 3},
        "name": "/web",
        "id": C1,
    } | parts


class Container:
    """A container of a fake engine, and the streams of its samples."""

    def __init__(self, engine: FakeEngine) -> None:
        self.engine = engine
        self.running = True
        self._streams: dict[asyncio.Queue[Any], ResponseParser] = {}
        engine.on("GET", "/containers/{id}/json", self._inspect)
        engine.on("GET", "/containers/{id}/stats", self._stats)

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return len(self._streams)

    @property
    def opened(self) -> int:
        """How many streams were opened so far."""
        return sum(request.path.endswith("/stats") for request in self.engine.requests)

    def give(self, *documents: Any) -> None:
        """Send samples to all open streams."""
        for queue in self._streams:
            for document in documents:
                queue.put_nowait(document)

    async def listened(self, times: int = 1) -> None:
        """Wait until a stream has been opened for so many times."""
        await self.engine.until(lambda: self._streams and self.opened >= times)

    def cut(self) -> None:
        """Break the streams."""
        for queue, exchange in self._streams.items():
            exchange.abort()
            queue.put_nowait(None)
        self._streams.clear()

    def remove(self) -> None:
        """Remove the container: its streams end well."""
        self.engine.on("GET", "/containers/{id}/json", status=404, error="No such container: web")
        self.engine.on("GET", "/containers/{id}/stats", status=404, error="No such container: web")
        for queue in self._streams:
            queue.put_nowait(None)

    async def _inspect(self, exchange: ResponseParser) -> None:
        await exchange.answer(json={"Id": C1, "State": {"Running": self.running}})

    async def _stats(self, exchange: ResponseParser) -> None:
        queue: asyncio.Queue[Any] = asyncio.Queue()
        self._streams[queue] = exchange
        self.engine._notify()
        exchange.head(200, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
        exchange.keep_alive = False
        gone = asyncio.create_task(exchange.wait_closed())
        gone.add_done_callback(lambda _: queue.put_nowait(None))
        try:
            while (document := await queue.get()) is not None:
                await exchange.chunk(_line(document))
            if queue in self._streams and not gone.done():  # removed, neither cut nor left
                await exchange.chunk(b"")
        except ConnectionError:
            pass
        finally:
            gone.cancel()
            self._streams.pop(queue, None)
            self.engine._notify()
