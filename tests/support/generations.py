"""An engine whose containers are replaced by others, again and again, like those of a build farm.

generations = Generations(engine)
ids = generations.next(100)  # a hundred new ones run, and those before are gone
"""

from __future__ import annotations

from tests.support import fake_objects
from tests.support.fake_engine import FakeEngine, ResponseParser
from tests.support.fake_events import Daemon
from tests.support.fake_stats import sample


class Generations:
    """The containers of an engine, all of one age."""

    def __init__(self, engine: FakeEngine) -> None:
        self.daemon = Daemon(engine)
        self.made = 0  # so far
        self._engine = engine
        self._containers: dict[str, fake_objects.Json] = {}  # by id
        engine.on("GET", "/containers/{id}/json", self._inspect)
        engine.on("GET", "/containers/{id}/stats", json=sample(4))
        engine.on("GET", "/system/df", json={"LayersSize": 0})

    def next(self, count: int) -> set[str]:
        """Remove all containers, and let *count* others run; return their ids."""
        for id in self._containers:
            for action in ("die", "destroy"):
                self.daemon.happen("container", action, id)
        self._containers.clear()
        for number in range(self.made, self.made + count):
            container = fake_objects.container(f"{number:08x}", f"job-{number}")
            self._containers[container["Id"]] = container
        self.made += count
        self.daemon.containers = list(self._containers.values())
        for id in self._containers:
            for action in ("create", "start"):
                self.daemon.happen("container", action, id)
        self.forget()
        return set(self._containers)

    def forget(self) -> None:
        """Forget what no real engine remembers."""
        self.daemon.history.clear()
        self._engine.requests.clear()

    async def _inspect(self, exchange: ResponseParser) -> None:
        found = self._containers.get(exchange.request.path.split("/")[2])
        if found is None:
            await exchange.answer(status=404, error="No such container")
        else:
            await exchange.answer(json=found["inspection"])
