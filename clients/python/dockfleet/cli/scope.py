"""The options that select hosts and containers, which are the same for every command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from dockfleet.cli.completion import complete_hosts

if TYPE_CHECKING:
    from dockfleet.fleet.v1 import selectors_pb2 as pb

F = TypeVar("F", bound=Callable[..., Any])


class Scope(NamedTuple):
    """The selection by the options of a command."""

    hosts: tuple[str, ...] = ()
    host_labels: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()

    @property
    def names_hosts(self) -> bool:
        """Whether the hosts were chosen."""
        return bool(self.hosts or self.host_labels)

    @property
    def means_several(self) -> bool:
        """Whether the hosts were chosen in a way that can mean several."""
        return len(self.hosts) > 1 or bool(self.host_labels) or any("*" in name for name in self.hosts)

    @property
    def one_name(self) -> str | None:
        """The name of the host, where the options name one."""
        return self.hosts[0] if self.hosts and not self.means_several else None

    def host_selector(self, *names: str) -> pb.HostSelector:
        """Return the hosts, or those called *names*, as the contract has them."""
        from dockfleet.fleet.v1 import selectors_pb2 as pb

        names = names or self.hosts
        if not (names or self.host_labels):
            return pb.HostSelector(all=True)
        return pb.HostSelector(names=names, labels=requirements("--host-label", self.host_labels))

    def container_selector(self, names: Sequence[str] = (), **more: Any) -> pb.ContainerSelector:
        """Return the containers called *names*, or all, that bear the labels."""
        from dockfleet.fleet.v1 import selectors_pb2 as pb

        labels = requirements("--label", self.labels)
        selector = pb.ContainerSelector(names=names, labels=labels, **more)
        if not selector.ListFields():
            selector.all = True
        return selector


def requirements(option: str, texts: Sequence[str]) -> list[pb.LabelRequirement]:
    """Return what the labels must meet; *texts* are `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.

    Raises `click.UsageError` that names *option*.
    """
    from dockfleet.selectors import requirement

    try:
        return [requirement(text) for text in texts]
    except ValueError as error:
        raise click.UsageError(f"{option} {error}") from error


HOST = click.option(
    "-H",
    "--host",
    "hosts",
    multiple=True,
    metavar="NAME",
    shell_complete=complete_hosts,
    help="Only hosts of this name; `*` stands for any characters; may be repeated.",
)
HOST_LABEL = click.option(
    "--host-label",
    "host_labels",
    multiple=True,
    metavar="LABEL",
    help="Only hosts with this label: key, !key, key=value, key!=value, 'key in (a,b)'; may be repeated.",
)
LABEL = click.option(
    "-l",
    "--label",
    "labels",
    multiple=True,
    metavar="LABEL",
    help="Only containers with this label, written as in --host-label; may be repeated.",
)


def scoped(*, labels: bool = True) -> Callable[[F], F]:
    """Give a command the options that select hosts, and containers by *labels*; it gets them as `scope`."""

    def decorate(command: F) -> F:
        def call(*args: Any, hosts: tuple[str, ...], host_labels: tuple[str, ...], **rest: Any) -> Any:
            own = rest.pop("labels") if labels else ()
            return command(*args, scope=Scope(hosts, host_labels, own), **rest)

        wrapped: Any = update_wrapper(call, command)
        for option in (LABEL, HOST_LABEL, HOST) if labels else (HOST_LABEL, HOST):
            wrapped = option(wrapped)
        return wrapped  # type: ignore[no-any-return]

    return decorate
