"""A directory of files, each with a host or with several."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from gateway.config.documents import read
from gateway.config.hosts import hosts_in
from gateway.config.problems import ConfigError
from gateway.config.settings import HostSettings
from gateway.fleet.sources.feed import Feed, Refused
from gateway.fleet.sources.files import Polls

_ENDINGS = (".yaml", ".yml", ".json")


class Directory:
    """The hosts of the YAML and JSON files of a directory, but for hidden ones.

    A file that is not right keeps the hosts that it had.  When two name the same host, the first counts.
    """

    def __init__(self, folder: Path, feed: Feed, polls: Polls) -> None:
        self._folder = folder
        self._feed = feed
        self._polls = polls
        self._hosts: dict[Path, tuple[HostSettings, ...]] = {}
        self._refused: dict[Path, Refused] = {}

    async def run(self) -> None:
        """Publish the hosts whenever files change, come or go."""
        async for changed in self._polls.changes(self._files):
            try:
                await asyncio.to_thread(self._read, changed)
            except OSError as error:
                self._feed.fail(f"{self._folder} cannot be read: {error.strerror}")
                continue
            self._publish()

    def _publish(self) -> None:
        hosts: dict[str, tuple[HostSettings, Path]] = {}
        refused = list(self._refused.values())
        for file in sorted(self._hosts):
            for each in self._hosts[file]:
                kept, first = hosts.setdefault(each.name, (each, file))
                if kept is not each:
                    refused.append(Refused(str(file), f"{first} has a host {each.name} already: give it another name"))
        self._feed.publish((each for each, _ in hosts.values()), refused)

    def _files(self) -> Iterable[Path]:
        """Return the directory, which changes with what is in it, and the files."""
        try:
            return [self._folder, *self._hosts_files()]
        except OSError:
            return []

    def _hosts_files(self) -> list[Path]:
        files = (file for file in self._folder.iterdir() if file.suffix in _ENDINGS)
        return [file for file in files if not file.name.startswith(".")]

    def _read(self, changed: Iterable[Path]) -> None:
        """Read those of the files that have changed, and forget those that are gone.  Raises `OSError`."""
        files = set(self._hosts_files())
        for known in (self._hosts, self._refused):
            for gone in known.keys() - files:
                del known[gone]
        for file in sorted(files.intersection(changed)):
            try:
                self._hosts[file] = hosts_in(read(file), self._folder)
                self._refused.pop(file, None)
            except ConfigError as error:
                self._refused[file] = Refused(str(file), str(error))
