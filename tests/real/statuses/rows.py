"""All rows of real engines, and what the tests of prefixes show besides."""

from __future__ import annotations

from tests.real.statuses import (
    archives,
    containers,
    execs,
    hosts,
    images,
    networks,
    prefixes,
    registries,
    volumes,
)
from tests.real.statuses.at import Row
from tests.support.statuses import Status

_TABLES = (
    containers.rows,
    archives.rows,
    execs.rows,
    images.rows,
    registries.images,
    registries.distribution,
    registries.system,
    networks.rows,
    volumes.rows,
    hosts.system,
    hosts.fleet,
)
ROWS: list[Row] = [row for table in _TABLES for row in table]
OF_SERVICES = {  # shown for each RPC that takes such an object
    ("ContainerService", Status.of("NOT_FOUND")),
    *(
        (scope, prefixes.AMBIGUOUS)
        for scope in ("ContainerService", "NetworkService", *prefixes.OF_EXECS, "ImageService.CommitContainer")
    ),
}
