"""Compares the events of a client with those of a second subscriber, directly at the engine.

No event comes twice; an event that only the direct subscriber has got lies in a gap that was named.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from dockfleet.v1 import common_pb2, system_pb2

Key = tuple[int, str, str, str]  # time, type, action, id
# After breaks, and never but for what the engine itself does not know any more.
ALLOWED = {common_pb2.GAP_REASON_ENGINE_RESTARTED, common_pb2.GAP_REASON_OVERRUN}


def key(event: Any) -> Key:
    """Return what identifies an event."""
    return event.time_nano, event.type, event.action, event.actor.id


@dataclass
class Direct:
    """A subscriber directly at an engine; it gets each event once."""

    socket: Path
    heard: dict[Key, None] = field(default_factory=dict)

    async def listen(self) -> None:
        """Listen forever, through all breaks."""
        while True:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
                await self._listen()
            await asyncio.sleep(0.05)

    async def _listen(self) -> None:
        reader, writer = await asyncio.open_unix_connection(self.socket, limit=1 << 22)
        try:
            writer.write(b"GET /events?since=0 HTTP/1.1\r\nHost: docker\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
            rest = b""
            while size := int(await reader.readuntil(b"\r\n"), 16):
                *lines, rest = (rest + (await reader.readexactly(size + 2))[:-2]).split(b"\n")
                for line in lines:
                    event = json.loads(line)
                    self.heard[event["timeNano"], event["Type"], event["Action"], event["Actor"]["ID"]] = None
        finally:
            writer.close()


@dataclass
class Watcher:
    """A client that watches a host through the gateway, and keeps its messages and the last token."""

    host: str
    messages: list[Any] = field(default_factory=list)
    token: bytes = b""
    calls: int = 0

    async def watch(self, connect: Callable[[], Any]) -> None:
        """Watch forever, on to the next call after each failure."""
        while True:
            self.calls += 1
            request = system_pb2.StreamEventsRequest(host=self.host, resume_token=self.token)
            with contextlib.suppress(grpc.aio.AioRpcError):
                async for message in connect().StreamEvents(request):
                    self.token = message.resume_token
                    if not message.HasField("heartbeat"):
                        self.messages.append(message)
            await asyncio.sleep(0.05)

    @property
    def heard(self) -> list[Key]:
        """The events of the engine, without synthetic ones."""
        return [
            key(message.event) for message in self.messages if message.HasField("event") and not message.event.synthetic
        ]

    @property
    def gaps(self) -> list[Any]:
        """The gaps."""
        return [message.gap for message in self.messages if message.HasField("gap")]

    @property
    def summary(self) -> dict[str, int]:
        """How much there was of everything."""
        synthetic = sum(message.event.synthetic for message in self.messages)
        return {"calls": self.calls, "events": len(self.heard), "gaps": len(self.gaps), "synthetic": synthetic}


def verify(watcher: Watcher, direct: Direct) -> list[str]:
    """Return what is wrong with the events of *watcher*."""
    heard = watcher.heard
    if not heard:
        return ["there was no event at all"]
    begin, known = heard[0][0], set(heard)
    wrong = []
    if len(known) != len(heard):
        wrong.append(f"repeated: {sorted(event for event in known if heard.count(event) > 1)[:3]}")
    missing = [event for event in direct.heard if event[0] >= begin and event not in known]
    wrong += [f"lost: {event}" for event in missing if not any(_inside(event[0], gap) for gap in watcher.gaps)]
    reasons = {gap.reason for gap in watcher.gaps}
    return wrong + [f"a gap for {common_pb2.GapReason.Name(reason)}" for reason in reasons - ALLOWED]


def _inside(time: int, gap: Any) -> bool:
    after, before = gap.after.ToNanoseconds(), gap.before.ToNanoseconds()
    return after <= time and (not before or time <= before)


@contextlib.asynccontextmanager
async def busy(engine: Any) -> AsyncIterator[None]:
    """Let things happen on an engine, as long as it answers, until the end of the block."""
    ended = asyncio.Event()

    async def work() -> None:
        number = 0
        while not ended.is_set():
            number += 1
            await asyncio.to_thread(_make, engine, number)
            await asyncio.sleep(0.05)

    worker = asyncio.create_task(work())
    try:
        yield
    finally:
        ended.set()
        await worker


def _make(engine: Any, number: int) -> None:
    with contextlib.suppress(Exception):  # the engine may be away at any moment
        engine.request("POST", "/volumes/create", {"Name": f"v{number}"}, timeout=5)
        engine.request("DELETE", f"/volumes/v{number}", timeout=5)
