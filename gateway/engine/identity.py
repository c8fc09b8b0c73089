"""The identity of an engine, and a small read that shows whether it answers more than pings."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from docker.errors import APIError

from gateway.engine.call import Call
from gateway.engine.client import Engine
from gateway.engine.codec.json import NotEngineJson, parse
from gateway.engine.codec.timestamps import canonical, nanoseconds
from gateway.engine.errors import BadResponse
from gateway.engine.kinds import Kind
from gateway.engine.transport.http import Request
from gateway.engine.transport.timeouts import Deadline

_MOST_CHARACTERS = 128  # of a name that an engine gives itself


@dataclass(frozen=True, slots=True)
class Identity:
    """The identity that an engine reports; a text is empty if the engine does not report it."""

    id: str
    version: str
    clock_offset_seconds: float | None  # the engine's clock minus the gateway's
    epoch: int  # of the connections over which it was asked: see `Engine.epoch`


async def identify(engine: Engine, timeout: float) -> Identity:
    """Ask *engine* for its identity; each request takes *timeout* seconds at most.

    Raises `docker.errors.APIError` and `TransportError`.
    """
    epoch, began = engine.epoch, time.time()
    try:
        info = await _object(engine, "/info", timeout)
    except APIError:  # a proxy may refuse /info and allow /version
        return Identity("", _text(await _object(engine, "/version", timeout), "Version"), None, epoch)
    middle = (began + time.time()) / 2
    # Podman makes a new id for every answer.
    id = "" if engine.is_podman else _text(info, "ID")
    return Identity(id, _text(info, "ServerVersion"), _clock_offset(info, middle), epoch)


async def small_read(engine: Engine, timeout: float) -> None:
    """Make a small read of the engine's state.  An engine that hangs answers only pings.

    Raises `docker.errors.APIError` and `TransportError`.
    """
    await engine.fetch(_call("/containers/json?limit=1", timeout))


def _clock_offset(info: dict[str, Any], now: float) -> float | None:
    try:
        return nanoseconds(canonical(info["SystemTime"].encode())) / 1e9 - now
    except (AttributeError, KeyError, ValueError):
        return None


async def _object(engine: Engine, target: str, timeout: float) -> dict[str, Any]:
    try:
        document = parse((await engine.fetch(_call(target, timeout))).body)
    except NotEngineJson as error:
        raise BadResponse(f"the host's response is not JSON: {error}", sent=True) from error
    if not isinstance(document, dict):
        raise BadResponse("the host's response is no object", sent=True)
    return document


def _call(target: str, timeout: float) -> Call:
    return Call(Request("GET", target), changes=False, deadline=Deadline.after(timeout), kind=Kind.PROBE)


def _text(document: dict[str, Any], key: str) -> str:
    value = document.get(key)
    return value[:_MOST_CHARACTERS] if isinstance(value, str) else ""
