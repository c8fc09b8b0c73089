"""Docker's groups of commands: `container`, `image`, `network`, `volume`, `system`, `builder`."""

from __future__ import annotations

import click

from dockfleet.cli.group import LazyGroup, Verb
from dockfleet.cli.verbs import CONTAINERS, FLEET, IMAGES

CONTAINER = {
    "ls": FLEET["ps"],
    "logs": FLEET["logs"],
    "stats": FLEET["stats"],
    **CONTAINERS,
    "inspect": Verb("inspection:inspect_container", "Print everything that is known of containers."),
    "prune": Verb("pruning:prune_containers", "Remove the stopped containers of hosts."),
}
IMAGE = {
    "ls": IMAGES["images"],
    "inspect": Verb("inspection:inspect_image", "Print everything that is known of images."),
    "rm": IMAGES["rmi"],
    **{name: verb for name, verb in IMAGES.items() if name not in ("images", "rmi", "search")},
    "prune": Verb("pruning:prune_images", "Remove the unused images of hosts."),
}
NETWORK = {
    "ls": Verb("networks:ls", "List the networks of many hosts."),
    "create": Verb("networks:create", "Create a network on a host, or on several."),
    "connect": Verb("networks:connect", "Connect a container to a network."),
    "disconnect": Verb("networks:disconnect", "Disconnect a container from a network."),
    "inspect": Verb("inspection:inspect_network", "Print everything that is known of networks."),
    "rm": Verb("networks:rm", "Remove networks from a host, or from several."),
    "prune": Verb("pruning:prune_networks", "Remove the unused networks of hosts."),
}
VOLUME = {
    "ls": Verb("volumes:ls", "List the volumes of many hosts."),
    "create": Verb("volumes:create", "Create a volume on a host, or on several."),
    "inspect": Verb("inspection:inspect_volume", "Print everything that is known of volumes."),
    "rm": Verb("volumes:rm", "Remove volumes from a host, or from several."),
    "prune": Verb("pruning:prune_volumes", "Remove the unused volumes of hosts."),
}
SYSTEM = {
    "df": Verb("disk:df", "Show how much disk space hosts use."),
    "info": Verb("system:info", "Show information about hosts and their engines."),
    "events": FLEET["events"],
    "prune": Verb("pruning:prune_system", "Remove what is unused on hosts."),
}
BUILDER = {
    "build": IMAGES["build"],
    "prune": Verb("pruning:prune_builds", "Remove the unused build cache of hosts."),
}


def _group(name: str, commands: dict[str, Verb], help: str) -> click.Group:
    return LazyGroup(name, sections={"Commands": commands}, help=help)


container = _group("container", CONTAINER, "Manage containers.")
image = _group("image", IMAGE, "Manage images.")
network = _group("network", NETWORK, "Manage networks.")
volume = _group("volume", VOLUME, "Manage volumes.")
system = _group("system", SYSTEM, "Manage hosts as a whole.")
builder = _group("builder", BUILDER, "Manage builds.")
