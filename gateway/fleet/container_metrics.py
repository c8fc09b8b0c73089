"""The metrics of one host's containers: samples at an interval, formatted for scrapes.

Samples are taken only while the page is scraped.  A scrape sends no request to the host: it returns the last page.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import zlib
from collections.abc import Callable, Iterator, Sequence

from docker.errors import APIError
from dockfleet.v1.containers_pb2 import ContainerStats

from gateway.config.container_metrics import ContainerMetrics
from gateway.engine.background import keep_running
from gateway.engine.client import Engine
from gateway.engine.errors import CallError
from gateway.engine.inventory.inventory import Inventory
from gateway.engine.inventory.rows import ContainerRow
from gateway.engine.stats.constants import Constants
from gateway.engine.stats.disk_usage import DiskUsage, Machine, disk_usage, machine
from gateway.engine.stats.feed import StatsFeeds
from gateway.engine.stats.sampler import Sampler
from gateway.telemetry.containers.families import LAST_SEEN, Seen
from gateway.telemetry.containers.labels import ContainerLabels, written
from gateway.telemetry.containers.page import Page, Sheet

SELECTING_LABEL = "dockfleet.metrics"
_SAMPLED = frozenset(("running", "paused"))
_UNASKED_SECONDS = 300.0  # after which samples are not taken any more; Prometheus forgets series in this time, too
_SEEN_SECONDS = 300.0  # for which a container that has gone is still shown
_MOST_GONE = 1000  # containers that have gone and are still shown
_ROUND_SECONDS = 10.0  # for the answers of one round
_AT_ONCE = 50  # containers that are written before others have their turn
_MACHINE_SECONDS = 600.0  # after which a host is asked again what it is

Run = tuple[int, int, str]
"""What distinguishes the runs of a container, and its states."""


class NotSampled(CallError):
    """The host has no samples yet."""

    status, reason, retry_safe = "UNAVAILABLE", "INVENTORY_UNKNOWN", True


class ContainerPages:
    """The page of one host's containers.  `asked` begins it, `close` ends it."""

    def __init__(
        self,
        engine: Engine,
        inventory: Inventory,
        feeds: StatsFeeds,
        settings: ContainerMetrics,
        outdated: Callable[[], CallError | None],
    ) -> None:
        """Ask nothing yet.  *outdated* returns why the inventory does not show the host as it is now."""
        self.page: Page = {}
        self._engine = engine
        self._inventory = inventory
        self._settings = settings
        self._outdated = outdated
        self._sampler = Sampler(engine, feeds)
        self._labels = ContainerLabels(settings.labels, show_ids=settings.show_ids)
        self._constants: dict[str, tuple[Run, Constants]] = {}  # by id
        self._seen: dict[str, tuple[str, float]] = {}  # labels and when, by what identifies series, the latest last
        self._counts: dict[str, tuple[Run, int]] = {}  # by id, of series: one that misses a sample keeps its room
        self._left_out: frozenset[str] = frozenset()  # the ids of those that do not fit
        self._fresh = False  # whether the page is of a host that was asked in the last round
        self._machine: Machine | None = None
        self._machine_at = (-1, 0.0)  # after how many connections of the engine it was asked, and when
        self._disks: DiskUsage | None = None
        self._asked = asyncio.Event()
        self._asked_at = 0.0
        self._tasks: list[asyncio.Task[None]] = []

    def asked(self) -> None:
        """Note that somebody scrapes."""
        self._asked_at = time.monotonic()
        self._asked.set()
        if not self._tasks:
            for work, what in ((self._run, "samples"), (self._measure_disks, "disk usage")):
                self._tasks.append(asyncio.create_task(keep_running(work, what, self._engine.name)))

    @property
    def failure(self) -> CallError | None:
        """Why there is no current page of the host; None when there is one."""
        outdated = self._outdated()
        if outdated is None and not self._fresh:
            return NotSampled(f"the first samples are there within {self._settings.interval_seconds:g} seconds")
        return outdated

    def close(self) -> None:
        """End."""
        self.page = {}
        for task in self._tasks:
            task.cancel()

    # Rounds

    async def _run(self) -> None:
        """Take samples at the host's own phase of the interval, so that not all hosts are asked at once."""
        interval = self._settings.interval_seconds
        phase = zlib.crc32(self._engine.name.encode()) / (1 << 32) * interval
        while True:
            await self._asked.wait()
            await asyncio.sleep(interval - (time.monotonic() - phase) % interval)
            if time.monotonic() - self._asked_at > _UNASKED_SECONDS:
                self._asked.clear()
                self._forget()
            else:
                await self._round()

    def _forget(self) -> None:
        self.page, self._fresh = {}, False
        self._seen.clear()
        self._constants.clear()
        self._counts.clear()

    async def _round(self) -> None:
        """Ask the host, if it answers, and write the page anew."""
        sheet = Sheet(self._settings.groups, self._settings.max_series_per_host)
        self._fresh = self._outdated() is None
        if self._fresh:
            await self._ask_machine()
            rows = sorted(filter(self._selects, self._inventory.containers()), key=lambda row: row.created_ns)
            samples = await self._samples(rows)
            await self._write(sheet, rows, samples)
            self._write_host(sheet)
        self._write_seen(sheet)
        self.page = sheet.page()

    def _selects(self, row: ContainerRow) -> bool:
        word = row.labels.get(SELECTING_LABEL, "").lower()
        return word == "true" if self._settings.containers == "labelled" else word != "false"

    async def _samples(self, rows: Sequence[ContainerRow]) -> dict[str, ContainerStats]:
        """Return the samples of those that run and fit, by id; ask for what else must be known of them before."""
        deadline = asyncio.get_running_loop().time() + min(self._settings.interval_seconds, _ROUND_SECONDS)
        there = {row.id: _run_of(row) for row in rows}
        self._constants = {id: kept for id, kept in self._constants.items() if there.get(id) == kept[0]}
        self._counts = {id: kept for id, kept in self._counts.items() if there.get(id) == kept[0]}
        left_out = self._left_out & self._counts.keys()  # of another run, it is not known how many series it has
        unknown = [row.id for row in rows if row.id not in self._constants and row.id not in left_out]
        for id, constants in (await self._sampler.constants(unknown, deadline)).items():
            self._constants[id] = there[id], constants
        running = [row.id for row in rows if row.state in _SAMPLED and row.id not in left_out]
        return await self._sampler.samples(running, deadline)

    async def _write(self, sheet: Sheet, rows: Sequence[ContainerRow], samples: dict[str, ContainerStats]) -> None:
        """Write the series of containers, the oldest first: so those that do not fit are always the same."""
        present = self._images()
        left_out = set()
        for number, row in enumerate(rows, 1):
            _, constants = self._constants.get(row.id, (None, None))
            image = constants.image if constants is not None else row.image
            labels = self._labels.of(self._engine.name, row.id, row.name, image, row.labels)
            seen = Seen(
                row=row,
                constants=constants,
                stats=samples.get(row.id),
                size=self._disks.containers.get(row.id) if self._disks is not None else None,
                outdated=present[image] != row.image_id if image in present else None,
                cgroup_v2=self._machine is not None and self._machine.cgroup_version == "2",
            )
            _, least = self._counts.get(row.id, (None, 0))
            count, fits = sheet.container(labels, seen, least)
            self._counts[row.id] = _run_of(row), count
            if not fits:
                left_out.add(row.id)
            elif row.runs:
                identity = row.id if self._settings.show_ids else row.name  # one that was renamed has not gone
                self._seen.pop(identity, None)
                self._seen[identity] = labels, time.time()
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
        self._left_out = frozenset(left_out)

    def _images(self) -> dict[str, str]:
        """Return the ids of images by name, where that is shown: each name as users write it."""
        if "info" not in self._settings.groups:
            return {}
        return {name: image.id for image in self._inventory.images() for tag in image.tags for name in _names_of(tag)}

    def _write_seen(self, sheet: Sheet) -> None:
        """Write when containers ran last, for some time also of those that have gone and of a host that is away.

        Otherwise the series would end, and no rule could tell that a container has gone.
        """
        now = time.time()
        gone = [identity for identity, (_, at) in self._seen.items() if at < now - self._settings.interval_seconds]
        for number, identity in enumerate(gone):
            if self._seen[identity][1] < now - _SEEN_SECONDS or len(gone) - number > _MOST_GONE:
                del self._seen[identity]
        for labels, at in self._seen.values():
            sheet.series(LAST_SEEN, labels, int(at))

    # What is of the host

    def _write_host(self, sheet: Sheet) -> None:
        host, inventory = written(host=self._engine.name), self._inventory
        images = inventory.images()
        tagged = sum(bool(image.tags) for image in images)
        for name, further, value in (
            ("container_scrape_error", "", 0),
            ("machine_scrape_error", "", 0),
            ("dockfleet_images", 'state="tagged"', tagged),
            ("dockfleet_images", 'state="dangling"', len(images) - tagged),
            ("dockfleet_networks", "", len(inventory.networks())),
            ("dockfleet_volumes", "", len(inventory.volumes())),
            ("dockfleet_series_left_out", "", sheet.left_out),
            *self._of_machine(),
            *self._of_disks(),
        ):
            sheet.series(name, f"{host},{further}" if further else host, value)

    def _of_machine(self) -> Iterator[tuple[str, str, int]]:
        if self._machine is not None:
            of = self._machine
            yield "machine_cpu_cores", "", of.cpus
            yield "machine_memory_bytes", "", of.memory
            texts = written(
                engine_version=of.version,
                os=of.os,
                kernel=of.kernel,
                storage_driver=of.driver,
                cgroup_version=of.cgroup_version,
            )
            yield "dockfleet_host_info", texts, 1

    def _of_disks(self) -> Iterator[tuple[str, str, int]]:
        if self._disks is not None:
            for kind, value in self._disks.used.items():
                yield "dockfleet_disk_usage_bytes", f'kind="{kind}"', value
            for kind, value in self._disks.reclaimable.items():
                yield "dockfleet_disk_reclaimable_bytes", f'kind="{kind}"', value

    async def _ask_machine(self) -> None:
        """Ask what the host is when its engine may be another one, and once in a while."""
        epoch, at = self._machine_at
        if epoch == self._engine.epoch and time.monotonic() - at < _MACHINE_SECONDS:
            return
        with contextlib.suppress(CallError, APIError):
            self._machine = await machine(self._engine)
            self._machine_at = self._engine.epoch, time.monotonic()

    async def _measure_disks(self) -> None:
        """Ask for the disk usage at its interval, while somebody scrapes."""
        interval = self._settings.disk_usage_interval_seconds
        while True:
            await self._asked.wait()
            if interval and self._outdated() is None:
                with contextlib.suppress(CallError, APIError):
                    self._disks = await disk_usage(self._engine)
            await asyncio.sleep(interval if interval and self._disks is not None else _UNASKED_SECONDS)


def _run_of(row: ContainerRow) -> Run:
    return row.started_ns, row.finished_ns, row.state


def _names_of(tag: str) -> Iterator[str]:
    """Yield the names by which users write an image of this tag."""
    yield tag
    if tag.endswith(":latest"):
        yield tag.removesuffix(":latest")
