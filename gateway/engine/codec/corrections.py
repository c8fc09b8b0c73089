"""Corrections of responses: properties that an engine returns, and refuses when the object is created again.

What is read can be written back, so these values are left out of responses.  The Engine has no rule from which they
could be derived; each function says which values engines refuse.
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
