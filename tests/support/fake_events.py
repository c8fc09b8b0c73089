"""The events of a fake engine, as moby keeps them: the last 256, and the subscribers.

engine = FakeEngine()
daemon = Daemon(engine)
daemon.happen("container", "start", "c1", name="web")  # goes to all subscribers, and is remembered
daemon.cut()      # breaks the subscriptions
daemon.restart()  # forgets all, and breaks the subscriptions
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from datetime import UTC, datetime
from typing import Any

from tests.support import fake_objects
from tests.support.fake_engine import FakeEngine, ResponseParser, _line

Event = dict[str, Any]


class Daemon:
    """What happens on an engine, and what there is: `containers`, `images`, `networks` and `volumes` are its lists."""

    def __init__(self, engine: FakeEngine) -> None:
        self.engine = engine
        self.history: list[Event] = []  # all that ever happened
        self.remembered: deque[Event] = deque(maxlen=256)
        self.subscriptions = 0  # so far
        self.containers: list[dict[str, Any]] = []
        self.images: list[dict[str, Any]] = []
        self.networks: list[dict[str, Any]] = []
        self.volumes: list[dict[str, Any]] = []
        self._subscribers: dict[asyncio.Queue[Event | None], ResponseParser] = {}
        self._last = 0
        engine.on("GET", "/events", self._events)
        engine.on("GET", "/info", self._info)
        fake_objects.serve(engine, lambda: self.containers)
        engine.on("GET", "/images/json", self._list("images"))
        engine.on("GET", "/networks", self._list("networks"))
        engine.on("GET", "/volumes", self._list("volumes"))

    def happen(self, kind: str, action: str, id: str, **attributes: str) -> Event:
        """Let something happen now."""
        self._last = max(self._last + 1, self._now())
        event = {
            "Type": kind,
            "Action": action,
            "Actor": {"ID": id, "Attributes": attributes},
            "scope": "local",
            "time": self._last // 1_000_000_000,
            "timeNano": self._last,
        }
        self.history.append(event)
        self.remembered.append(event)
        for queue in self._subscribers:
            queue.put_nowait(event)
        return event

    def forget(self) -> None:
        """Lose what is remembered."""
        self.remembered.clear()

    def tell_time(self) -> None:
        """Answer `/info` again."""
        self.engine.on("GET", "/info", self._info)

    def cut(self) -> None:
        """Break all subscriptions."""
        for queue, exchange in self._subscribers.items():
            exchange.abort()
            queue.put_nowait(None)
        self._subscribers.clear()

    def restart(self) -> None:
        """Be another process: it remembers nothing."""
        self.forget()
        self.cut()

    @property
    def listeners(self) -> int:
        """How many listen now."""
        return len(self._subscribers)

    async def subscribed(self, times: int) -> None:
        """Wait until so many subscriptions have been made in all."""
        await self.engine.until(lambda: self.subscriptions >= times)

    async def _events(self, exchange: ResponseParser) -> None:
        query = dict(exchange.request.query)
        assert query.get("since") == "0"
        remembered = list(self.remembered)
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        if "until" not in query:
            self._subscribers[queue] = exchange
        exchange.head(200, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
        for known in remembered:
            await exchange.chunk(_line(known))
        if "until" in query:
            await exchange.chunk(b"")
            return
        self.subscriptions += 1
        self.engine._notify()
        exchange.keep_alive = False
        gone = asyncio.create_task(exchange.wait_closed())
        gone.add_done_callback(lambda _: queue.put_nowait(None))
        try:
            while (event := await queue.get()) is not None:
                await exchange.chunk(_line(event))
        except ConnectionError:
            pass
        finally:
            gone.cancel()
            self._subscribers.pop(queue, None)
            self.engine._notify()

    async def _info(self, exchange: ResponseParser) -> None:
        now = max(self._now(), self._last)
        moment = datetime.fromtimestamp(now // 1_000_000_000, UTC)
        await exchange.answer(json={"SystemTime": f"{moment:%Y-%m-%dT%H:%M:%S}.{now % 1_000_000_000:09d}Z"})

    def _now(self) -> int:
        return time.time_ns() + int(self.engine.clock_skew * 1e9)

    def _list(self, name: str) -> Any:
        async def answer(exchange: ResponseParser) -> None:
            found = getattr(self, name)
            await exchange.answer(json={"Volumes": found} if name == "volumes" else found)

        return answer
