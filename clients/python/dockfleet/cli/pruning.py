"""The commands that remove what is unused: they ask first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from dockfleet.cli import docker_text
from dockfleet.cli.batches import Batch, batched
from dockfleet.cli.gateway import Gateway
from dockfleet.cli.host_choice import host_names, several_hosts
from dockfleet.cli.questions import filters_of
from dockfleet.cli.reports import Report
from dockfleet.cli.scope import Scope, scoped
from dockfleet.cli.values import Value, size

Deleted = Callable[[Any], list[str]]

PRUNE_FILTER = click.option("--filter", "filters", multiple=True, metavar="NAME=VALUE", help="Only what fits.")


class Pruner:
    """Prunes kinds of things on the hosts of a scope, one kind after the other."""

    def __init__(self, context: click.Context, scope: Scope, batch: Batch, filters: tuple[str, ...]) -> None:
        """Choose the hosts: all that the options mean, or the one host of the fleet."""
        self._context = context
        self._gateway: Gateway = context.obj
        self._hosts, self._several = several_hosts(self._gateway, scope)
        self._batch = batch
        self._filters = filters_of(filters)
        self._answered = False
        self._reclaimed = 0
        self._failed = False

    def check(self, volumes: bool) -> None:
        """Raise `click.UsageError` for a filter that volumes do not have: it would fail after other kinds."""
        if volumes and "until" in self._filters:
            raise click.UsageError("--filter until does not go with --volumes: Engines keep no such time of volumes")

    def ask(self, what: str) -> None:
        """Ask whether to remove *what*.  Raises `CommandError` when not."""
        if self._batch.asks:
            self._batch.confirm("prune", [f"{what} on {host}" for host in host_names(self._gateway, self._hosts)])

    def prune(self, rpc: str, request: Any, title: str, deleted: Deleted) -> None:
        """Prune one kind of things, and print what was removed below *title*."""
        from dockfleet.fleet.v1 import fleet_pb2

        for name, value in self._filters.items():
            request.filters[name].CopyFrom(value)
        report = Report("prune", self._batch)
        wanted = getattr(fleet_pb2, f"{rpc}Request")(hosts=self._hosts, batch=self._batch.options(), request=request)
        lines: list[str] = []

        def each(host: str, response: Any) -> None:
            self._answered = True
            lines.extend(f"{host}: {text}" if self._several else text for text in deleted(response))
            self._reclaimed += getattr(response, "space_reclaimed_bytes", 0)

        report.run(getattr(self._gateway.fleet, rpc), wanted, each)
        self._failed |= report.failed
        if lines:
            click.echo("\n".join([title, *lines, ""]))

    def finish(self, *, space: bool = True) -> None:
        """Print how much space is free now, and end the program."""
        if space and self._answered:
            click.echo(f"Total reclaimed space: {docker_text.size(self._reclaimed, 4)}")
        self._context.exit(1 if self._failed else 0)


def pruning(name: str, help: str) -> Callable[[Callable[..., None]], click.Command]:
    """Make a command that prunes; the function under it gets a `Pruner` and its own options."""

    def decorate(function: Callable[..., None]) -> click.Command:
        def command(
            context: click.Context, /, scope: Scope, batch: Batch, filters: tuple[str, ...], **how: Any
        ) -> None:
            function(Pruner(context, scope, batch, filters), **how)

        built: Any = click.pass_context(command)
        built.__click_params__ = list(getattr(function, "__click_params__", []))
        built.__doc__ = help
        for add in (
            scoped(labels=False),
            batched(),
            PRUNE_FILTER,
            click.option("-f", "--force", "yes", is_flag=True, help="Do not ask; as --yes."),
        ):
            built = add(built)
        return click.command(name)(built)

    return decorate


def _containers(pruner: Pruner) -> None:
    from dockfleet.v1.containers_pb2 import PruneContainersRequest

    pruner.prune(
        "PruneContainers",
        PruneContainersRequest(),
        "Deleted Containers:",
        lambda response: list(response.containers_deleted),
    )


def _images(pruner: Pruner, everything: bool) -> None:
    from dockfleet.v1.common_pb2 import StringList
    from dockfleet.v1.images_pb2 import PruneImagesRequest

    request = PruneImagesRequest(filters={"dangling": StringList(items=["false" if everything else "true"])})
    pruner.prune("PruneImages", request, "Deleted Images:", _deleted_images)


def _deleted_images(response: Any) -> list[str]:
    return [
        f"untagged: {each.untagged}" if each.untagged else f"deleted: {each.deleted}"
        for each in response.images_deleted
    ]


def _networks(pruner: Pruner) -> None:
    from dockfleet.v1.networks_pb2 import PruneNetworksRequest

    pruner.prune(
        "PruneNetworks",
        PruneNetworksRequest(),
        "Deleted Networks:",
        lambda response: list(response.networks_deleted),
    )


def _volumes(pruner: Pruner, everything: bool = False) -> None:
    from dockfleet.v1.common_pb2 import StringList
    from dockfleet.v1.volumes_pb2 import PruneVolumesRequest

    pruner.prune(
        "PruneVolumes",
        PruneVolumesRequest(filters={"all": StringList(items=["true"])} if everything else None),
        "Deleted Volumes:",
        lambda response: list(response.volumes_deleted),
    )


def _builds(pruner: Pruner, everything: bool, keep: int | None = None) -> None:
    from dockfleet.v1.images_pb2 import PruneBuildCacheRequest

    pruner.prune(
        "PruneBuildCaches",
        PruneBuildCacheRequest(all=everything or None, keep_storage_bytes=keep),
        "Deleted build cache objects:",
        lambda response: list(response.caches_deleted),
    )


ALL_IMAGES = click.option("-a", "--all", "everything", is_flag=True, help="All unused images, not only unnamed ones.")


@pruning("prune", "Remove the stopped containers of hosts.")
def prune_containers(pruner: Pruner) -> None:
    pruner.ask("all stopped containers")
    _containers(pruner)
    pruner.finish()


@pruning("prune", "Remove the unused images of hosts.")
@ALL_IMAGES
def prune_images(pruner: Pruner, everything: bool) -> None:
    pruner.ask("all images that no container uses" if everything else "all unused images without a name")
    _images(pruner, everything)
    pruner.finish()


@pruning("prune", "Remove the unused networks of hosts.")
def prune_networks(pruner: Pruner) -> None:
    pruner.ask("all networks that no container uses")
    _networks(pruner)
    pruner.finish(space=False)


@pruning("prune", "Remove the unused volumes of hosts.")
@click.option("-a", "--all", "everything", is_flag=True, help="Named volumes too.  Docker before 23 always does so.")
def prune_volumes(pruner: Pruner, everything: bool) -> None:
    pruner.ask("all volumes that no container uses" if everything else "volumes that no container uses")
    _volumes(pruner, everything)
    pruner.finish()


@pruning("prune", "Remove the unused build cache of hosts.")
@click.option("-a", "--all", "everything", is_flag=True, help="All of it, also what may be used again.")
@click.option("--keep-storage", "keep", type=Value("size", size), help="How much of it to keep, such as 10g.")
def prune_builds(pruner: Pruner, everything: bool, keep: int | None) -> None:
    pruner.ask("the build cache")
    _builds(pruner, everything, keep)
    pruner.finish()


@pruning("prune", "Remove what is unused on hosts.")
@ALL_IMAGES
@click.option("--volumes", is_flag=True, help="Volumes, too.")
def prune_system(pruner: Pruner, everything: bool, volumes: bool) -> None:
    pruner.check(volumes)
    kinds = "all stopped containers, unused networks, unused images and the build cache"
    pruner.ask(f"{kinds}, and unused volumes" if volumes else kinds)
    _containers(pruner)
    _networks(pruner)
    if volumes:
        _volumes(pruner)
    _images(pruner, everything)
    _builds(pruner, everything)
    pruner.finish()
