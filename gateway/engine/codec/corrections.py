"""Corrections of responses: properties that an engine returns, but refuses when the object is created again.

Responses leave these values out, so that a client can create an object from a response.  No rule of the Engine
describes them; each function names the values that engines refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def _container(response: Any) -> None:
    """Leave out the host name and the ports of a container that uses those of another (moby, daemon/container.go)."""
    container = response.container
    host = container.host_config
    shares_network = host.network_mode.startswith("container:")
    if shares_network or host.uts_mode == "host":
        container.config.ClearField("hostname")
    if shares_network:
        container.config.ClearField("exposed_ports")


CORRECTIONS: Mapping[str, Callable[[Any], None]] = {"dockfleet.v1.InspectContainerResponse": _container}
"""By the full name of the response."""
