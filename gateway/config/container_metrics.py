"""The keys of the metrics of containers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.config.section import Listed, Section

Group = Literal["cpu", "disk", "info", "limits", "memory", "network", "threads"]

_LABELS = (
    "com.docker.compose.project",
    "com.docker.compose.service",
    "com.docker.stack.namespace",
    "com.docker.swarm.node.id",
    "com.docker.swarm.service.name",
    "com.docker.swarm.task.name",
)


class ContainerMetrics(Section):
    """The metrics of containers, in the names of cAdvisor: what is sampled, and what is shown of it."""

    interval_seconds: float = Field(default=15.0, ge=1, le=120)
    """Seconds between two samples of a container.  At most the interval of the scrapes, or rates go wrong.  The
    gateway takes samples only while Prometheus scrapes them."""

    groups: Listed[Group] = ()
    """Series besides the default ones (about 20 for each container): `cpu` (throttling), `disk` (operations, size),
    `info` (ids, and whether the image is outdated), `limits`, `memory`, `network` (packets), `threads`."""

    labels: Listed[Annotated[str, Field(min_length=1, max_length=200)]] = _LABELS
    """Labels of containers that their series have, as `container_label_…`."""

    containers: Literal["all", "labelled"] = "all"
    """Which containers have series: `all` but those with the label `dockfleet.metrics=false`, or only those `labelled`
    with `dockfleet.metrics=true`."""

    show_ids: bool = True
    """Give series the label `id`.  Without it, the series of a container continue when it is created again with the
    same name.
    """

    max_series_per_host: int = Field(default=50_000, ge=100, le=10_000_000)
    """Series of the containers of one host.  Beyond it, the newest containers are left out, and counted in
    `dockfleet_series_left_out`."""

    disk_usage_interval_seconds: float = Field(default=3600.0, ge=0, le=86_400)
    """Seconds between two measurements of the disk usage of a host, which can take an engine minutes; 0 disables
    them.
    """
