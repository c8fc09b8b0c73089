"""Completion of names in the shell: answered from a small file for some seconds, so that each TAB is quick."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from dockfleet.cli.gateway import Gateway

FRESH_SECONDS = 10
ASK_SECONDS = 1.0  # a shell that waits longer looks dead

Names = Callable[["Gateway"], list[str]]


def complete_hosts(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the hosts that begin with *incomplete*."""
    return _beginning(_kept(ctx, "hosts", _host_names), incomplete)


def complete_containers(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the containers that begin with *incomplete*, by name or as `HOST/CONTAINER`."""
    return _beginning(_kept(ctx, "containers", _container_names), incomplete)


def complete_images(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the images that begin with *incomplete*."""
    return _beginning(_kept(ctx, "images", _image_names), incomplete)


def complete_networks(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the networks that begin with *incomplete*."""
    return _beginning(_kept(ctx, "networks", _network_names), incomplete)


def complete_volumes(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the volumes that begin with *incomplete*."""
    return _beginning(_kept(ctx, "volumes", _volume_names), incomplete)


def _beginning(names: list[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _kept(ctx: click.Context, what: str, ask: Names) -> list[str]:
    """Return the names that the gateway gave some seconds ago, or gives now; none when it does not answer."""
    import json
    from zlib import crc32

    options = ctx.find_root().params
    gateway = repr([options.get(key) for key in ("address", "tls_server_name")])
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = os.path.join(base, "dockfleet")
    file = os.path.join(folder, f"completion-{crc32(gateway.encode()):08x}-{what}.json")
    with suppress(OSError, ValueError):
        if time.time() - os.stat(file).st_mtime < FRESH_SECONDS:
            with open(file, encoding="utf-8") as kept:
                return [str(name) for name in json.load(kept)]
    try:
        names = _ask(ctx, ask)
    except Exception:  # a failed completion must not write into the line that the user edits
        return []
    with suppress(OSError):
        os.makedirs(folder, exist_ok=True)
        unfinished = f"{file}.{os.getpid()}"
        with open(unfinished, "w", encoding="utf-8") as kept:
            json.dump(names, kept)
        os.replace(unfinished, file)
    return names


def _ask(ctx: click.Context, ask: Names) -> list[str]:
    from dockfleet.cli.gateway import Gateway
    from dockfleet.cli.program import settings_of

    gateway = Gateway(settings_of(ctx.find_root().params))
    try:
        return ask(gateway)
    finally:
        gateway.close()


def _host_names(gateway: Gateway) -> list[str]:
    from dockfleet.fleet.v1.hosts_pb2 import ListHostsRequest

    return [host.name for host in gateway.hosts.ListHosts(ListHostsRequest(), timeout=ASK_SECONDS).hosts]


def _container_names(gateway: Gateway) -> list[str]:
    from dockfleet.cli.scope import Scope
    from dockfleet.cli.targets import own_name
    from dockfleet.fleet.v1 import fleet_pb2 as pb

    everything = Scope()
    request = pb.FindContainersRequest(hosts=everything.host_selector(), containers=everything.container_selector())
    names: set[str] = set()
    response: Any
    for response in gateway.fleet.FindContainers(request, timeout=ASK_SECONDS):
        for answer in response.answers:
            own = [own_name(each.names) for each in answer.containers]
            names.update(own, (f"{answer.host}/{name}" for name in own))
    return sorted(names)


def _image_names(gateway: Gateway) -> list[str]:
    tags = {tag for image in _listed(gateway, "images") for tag in image.repo_tags}
    return sorted(tags - {"<none>:<none>"})


def _network_names(gateway: Gateway) -> list[str]:
    return sorted({network.name for network in _listed(gateway, "networks")})


def _volume_names(gateway: Gateway) -> list[str]:
    return sorted({volume.name for volume in _listed(gateway, "volumes")})


def _listed(gateway: Gateway, kind: str) -> Iterator[Any]:
    """Yield the objects of a kind on all hosts."""
    from dockfleet.cli.scope import Scope
    from dockfleet.fleet.v1 import fleet_pb2

    rpc = f"List{kind.capitalize()}"
    request = getattr(fleet_pb2, f"{rpc}Request")(hosts=Scope().host_selector())
    for response in getattr(gateway.fleet, rpc)(request, timeout=ASK_SECONDS):
        for answer in response.answers:
            yield from getattr(answer.response, kind)


SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    \b
    Examples:
      source <(dockfleet completion bash)
      dockfleet completion zsh > "${fpath[1]}/_dockfleet"
      dockfleet completion fish > ~/.config/fish/completions/dockfleet.fish
    """
    from click.shell_completion import get_completion_class

    from dockfleet.cli import bash
    from dockfleet.cli.program import dockfleet

    bash.install()
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(dockfleet, {}, "dockfleet", "_DOCKFLEET_COMPLETE").source())
