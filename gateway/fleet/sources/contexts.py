"""The docker contexts of this machine, as they come and go."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from gateway.config.contexts import discover
from gateway.config.problems import ConfigError
from gateway.config.settings import DockerConfiguration
from gateway.fleet.sources.feed import Feed, Refused
from gateway.fleet.sources.files import Polls


class Contexts:
    """The hosts of a Docker configuration."""

    def __init__(self, docker: DockerConfiguration, feed: Feed, polls: Polls) -> None:
        self._docker = docker
        self._feed = feed
        self._polls = polls

    async def run(self) -> None:
        """Publish the hosts whenever a context changes, comes or goes."""
        async for _ in self._polls.changes(self._files):
            try:
                found = await asyncio.to_thread(discover, self._docker)
            except ConfigError as error:
                self._feed.fail(str(error))
            else:
                self._feed.publish(found.hosts, (Refused(place, why) for place, why in found.left_out))

    def _files(self) -> Iterable[Path]:
        return [self._docker.folder, *(self._docker.folder / "contexts").glob("**/*")]
