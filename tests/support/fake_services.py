"""Containers of a fake engine that publish ports, as the inventory of a gateway sees them."""

from __future__ import annotations

import json
from typing import Any

from tests.support.fake_engine import FakeEngine, ResponseParser
from tests.support.fake_events import Daemon


class Services:
    """The containers of an engine: each runs from `run` on, until `end`."""

    def __init__(self, engine: FakeEngine) -> None:
        self.daemon = Daemon(engine)
        self._health: dict[str, str] = {}  # by id
        engine.on("GET", "/containers/{id}/json", self._inspect)
        engine.on("GET", "/containers/json", self._list)

    def run(
        self,
        name: str,
        port: int,
        *,
        ip: str = "0.0.0.0",
        labels: dict[str, str] | None = None,
        health: str = "none",
    ) -> None:
        """Let a container publish its port 80 as *port* of *ip*."""
        shown = {"none": "", "starting": " (health: starting)"}.get(health, f" ({health})")
        self._health[id_of(name)] = health
        self.daemon.containers.append(
            {
                "Id": id_of(name),
                "Names": [f"/{name}"],
                "State": "running",
                "Status": f"Up 1 second{shown}",
                "Labels": labels or {},
                "Ports": [{"IP": ip, "PrivatePort": 80, "PublicPort": port, "Type": "tcp"}],
            }
        )
        self.daemon.happen("container", "start", id_of(name))

    def rename(self, name: str, new_name: str) -> None:
        """Give a container another name."""
        [container] = [each for each in self.daemon.containers if each["Names"] == [f"/{name}"]]
        container["Names"] = [f"/{new_name}"]
        self.daemon.happen("container", "rename", container["Id"], name=new_name, oldName=f"/{name}")

    def end(self, name: str) -> None:
        """Remove a container."""
        self.daemon.containers[:] = [each for each in self.daemon.containers if each["Id"] != id_of(name)]
        self.daemon.happen("container", "destroy", id_of(name))

    async def _list(self, exchange: ResponseParser) -> None:
        wanted = json.loads(dict(exchange.request.query).get("filters", "{}")).get("id")
        await exchange.answer(json=[each for each in self.daemon.containers if not wanted or each["Id"] in wanted])

    async def _inspect(self, exchange: ResponseParser) -> None:
        id = exchange.request.path.split("/")[2]
        known: dict[str, dict[str, Any]] = {each["Id"]: each for each in self.daemon.containers}
        if id in known:
            state = {"Status": "running", "Running": True, "StartedAt": "2026-01-01T00:00:00Z"}
            health = {"Health": {"Status": self._health[id]}} if self._health[id] != "none" else {}
            await exchange.answer(json={"Id": id, "Name": known[id]["Names"][0], "State": state | health})
        else:
            await exchange.answer(status=404, error=f"No such container: {id}")


def id_of(name: str) -> str:
    """The id of such a container."""
    return name.encode().hex().ljust(64, "0")
