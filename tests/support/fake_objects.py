"""Objects of a fake engine, as its lists and inspections show them."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

from tests.support.fake_engine import FakeEngine, ResponseParser

Json = dict[str, Any]
HOUR = 3600
IMAGE = "sha256:" + "5" * 64
_STATUS = {
    "created": "Created",
    "running": "Up 2 hours",
    "paused": "Up 2 hours (Paused)",
    "exited": "Exited ({code}) About an hour ago",
    "restarting": "Restarting ({code}) About an hour ago",
    "removing": "Removal In Progress",
    "dead": "Dead",
}


def full(id: str) -> str:
    """Return an id of 64 digits that begins with *id*."""
    return id.ljust(64, "0")


def container(id: str, name: str, state: str = "running", *, code: int = 0, health: str = "", **row: Any) -> Json:
    """Return a container: its row of a list, and under `inspection` what an inspection says.  Its id is `full(id)`.

    It was started two hours ago, and ended an hour ago if it does not run; the first in the order of ids is the newest.
    """
    id = full(id)
    now, started = time.time() - 300, state not in ("created",)  # five minutes more, for words that are rounded
    created = int(now) - 4 * HOUR + 0.25 - int.from_bytes(id[:2].encode()) % 3600
    status = _STATUS[state].format(code=code)
    found = {
        "Id": id,
        "Names": [f"/{name}"],
        "Image": "busybox",
        "ImageID": IMAGE,
        "Command": "sleep 1",
        "Created": int(created),
        "Ports": [],
        "Labels": {},
        "State": state,
        "Status": f"{status} ({health})" if health and state == "running" else status,
        "HostConfig": {"NetworkMode": "none"},
        "NetworkSettings": {"Networks": {}},
        "Mounts": [],
    }
    inspection = {
        "Id": id,
        "Created": written(created),
        "State": {
            "Status": state,
            "StartedAt": written(now - 2 * HOUR) if started else written(None),
            "FinishedAt": written(now - HOUR) if state in ("exited", "restarting", "dead") else written(None),
            "ExitCode": code,
        }
        | ({"Health": {"Status": health}} if health else {}),
        "Config": {"Image": "busybox"},
        "HostConfig": {"Memory": 0, "NanoCpus": 0},
    }
    return found | row | {"inspection": inspection}


def written(moment: float | None) -> str:
    """Return a time as engines write it; the zero time for None."""
    if moment is None:
        return "0001-01-01T00:00:00Z"
    return f"{datetime.fromtimestamp(int(moment), UTC):%Y-%m-%dT%H:%M:%S}.{int(moment % 1 * 1e9):09d}Z"


def serve(engine: FakeEngine, containers: Any) -> None:
    """Let *engine* list and inspect what *containers* returns."""

    async def listed(exchange: ResponseParser) -> None:
        filters = json.loads(dict(exchange.request.query).get("filters", "{}"))
        rows = [row for row in containers() if row["Id"] in filters.get("id", (row["Id"],))]
        await exchange.answer(json=[{key: row[key] for key in row if key != "inspection"} for row in rows])

    async def inspected(exchange: ResponseParser) -> None:
        id = exchange.request.path.split("/")[2]
        found = next((row for row in containers() if row["Id"] == id), None)
        if found is None:
            await exchange.answer(error=f"No such container: {id}", status=404)
        else:
            await exchange.answer(json=found["inspection"])

    engine.on("GET", "/containers/json", listed)
    engine.on("GET", "/containers/{id}/json", inspected)
