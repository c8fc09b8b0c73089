"""From the Engine's JSON to rows."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from dockfleet.v1 import containers_pb2, images_pb2, networks_pb2, volumes_pb2

from gateway.engine.client import Skipped
from gateway.engine.codec.json import Loader, NotEngineJson, loader, parse
from gateway.engine.errors import BadResponse
from gateway.engine.inventory.clock import EngineClock, Moment
from gateway.engine.inventory.details import Details
from gateway.engine.inventory.rows import ContainerRow, ImageRow, NetworkRow, Row, VolumeRow

CONTAINER_ID = re.compile(r"[0-9a-f]{64}")
"""The format of a container's id, which goes into the path of a request."""

_load_container = loader(containers_pb2.ContainerSummary.DESCRIPTOR)
_OTHERS: dict[str, tuple[str, Loader, Callable[[Any, int], Row[Any]]]] = {
    "image": ("ListImages", loader(images_pb2.ImageSummary.DESCRIPTOR), ImageRow),
    "network": ("ListNetworks", loader(networks_pb2.Network.DESCRIPTOR), NetworkRow),
    "volume": ("ListVolumes", loader(volumes_pb2.Volume.DESCRIPTOR), VolumeRow),
}


class Converter:
    """Makes the rows of one host.  Methods raise `BadResponse`."""

    def __init__(self, clock: EngineClock, skipped: Skipped) -> None:
        """Store.  *skipped* gets the name of an RPC, and how many values of its response do not fit the contract."""
        self._clock = clock
        self._skipped = skipped

    def container(self, text: bytes, listed: Moment, details: Callable[[Any], Details]) -> ContainerRow:
        """Return the row of a container's JSON in a list made at a moment; *details* gives the rest, of the message."""
        summary: Any = self._load(_load_container, "ListContainers", text)
        # Engines give these in another order each time; in one order, a row is the same until it changes.
        summary.ports.sort(key=lambda port: (port.private_port, port.type, port.ip, port.public_port))
        summary.mounts.sort(key=lambda mount: mount.destination)
        return ContainerRow(summary, details(summary), hash(text), self._clock, listed)

    def other(self, kind: str, text: bytes) -> Row[Any]:
        """Return the row of an image, a network or a volume."""
        rpc, load, row = _OTHERS[kind]
        return row(self._load(load, rpc, text), hash(text))

    def _load(self, load: Loader, rpc: str, text: bytes) -> Any:
        skipped: list[str] = []
        try:
            message: Any = load(parse(text), skipped)
        except NotEngineJson as error:
            raise BadResponse(f"the host's response does not fit the Engine API: {error}", sent=True) from error
        if skipped:
            self._skipped(rpc, len(skipped))
        if not (message.name if rpc == "ListVolumes" else message.id):
            raise BadResponse("the host's response does not fit the Engine API: an object has no id", sent=True)
        if rpc == "ListContainers" and not CONTAINER_ID.fullmatch(message.id):
            raise BadResponse("the host's response does not fit the Engine API: a container has a bad id", sent=True)
        return message
