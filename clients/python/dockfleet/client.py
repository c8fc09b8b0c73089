"""The client of a gateway and its fleet.

Generated from `dockfleet.aio` by protos/generate_clients.py.
"""

from __future__ import annotations

import os
from typing import Any, Self

from dockfleet.calls import Stubs
from dockfleet.channels import Options, SplitChannel, options
from dockfleet.fleet_services import (
    FleetContainers,
    FleetDiscovery,
    FleetImages,
    FleetNetworks,
    FleetSystem,
    FleetVolumes,
    Hosts,
)
from dockfleet.hints import Explained, explained
from dockfleet.host import HostView
from dockfleet.library import BLOCKING, LIBRARY, closed, usage_check
from dockfleet.target import DEFAULT_TARGET, PathLike, address, credentials


@explained
def connect(
    target: str = DEFAULT_TARGET,
    *,
    tls: bool = False,
    tls_ca: PathLike | None = None,
    tls_cert: PathLike | None = None,
    tls_key: PathLike | None = None,
    token: str | None = None,
    channel_options: Options = (),
) -> Fleet:
    """Return the fleet of the gateway at *target*.  Nothing is sent before the first call.

    Arguments:

    - *target*: `host:port`, `host` for port 50051, or another gRPC name such as `unix:/run/dockfleet.sock`;
    - *tls*: whether to use TLS and trust the public authorities; each of the next three also turns TLS on;
    - *tls_ca*: the PEM file of the authorities to trust;
    - *tls_cert*, *tls_key*: the PEM files of this client's certificate and its private key, always together;
    - *token*: sent with every call as `authorization: Bearer TOKEN`, for a proxy before the gateway; it needs TLS;
    - *channel_options*: options of gRPC, which replace those of this package.

    Raises `OSError` for a file that cannot be read, and `ValueError` for a wrong file, token or target.
    """
    target, secure = address(target), credentials(tls, tls_ca, tls_cert, tls_key, token)
    settings = options(channel_options)

    def dial() -> Any:
        if secure is None:
            return LIBRARY.insecure_channel(target, settings)
        return LIBRARY.secure_channel(target, secure, settings)

    return Fleet(SplitChannel(dial, BLOCKING, usage_check()), target)


@explained
def from_env(*, channel_options: Options = ()) -> Fleet:
    """Return the fleet of the gateway that the variables of the command line name.

    They are DOCKFLEET_ADDRESS, DOCKFLEET_TLS_CA, DOCKFLEET_TLS_CERT, DOCKFLEET_TLS_KEY and DOCKFLEET_TOKEN.  Raises as
    `connect`.
    """
    names = ("ADDRESS", "TLS_CA", "TLS_CERT", "TLS_KEY", "TOKEN")
    target, ca, cert, key, token = (os.environ.get(f"DOCKFLEET_{name}") or None for name in names)
    return connect(
        target or DEFAULT_TARGET,
        tls_ca=ca,
        tls_cert=cert,
        tls_key=key,
        token=token,
        channel_options=channel_options,
    )


class Fleet(Explained):
    """All hosts of a gateway.  `host` returns one host; the services of the fleet call many hosts at once.

    Everything raises `DockfleetError`, or a subclass for the reason: see `dockfleet.reasons`.  `stubs` has the stubs of
    the contract's services, as gRPC generates them; these raise `grpc.RpcError`.
    """

    def __init__(self, channel: SplitChannel[Any], target: str = "") -> None:
        """Use *channel* to *target*, which closes with the fleet."""
        self.channel = channel
        self.stubs = Stubs(channel)
        self.hosts = Hosts(self.stubs, "hosts")
        self.containers = FleetContainers(self.stubs, "fleet")
        self.images = FleetImages(self.stubs, "fleet")
        self.networks = FleetNetworks(self.stubs, "fleet")
        self.volumes = FleetVolumes(self.stubs, "fleet")
        self.system = FleetSystem(self.stubs, "fleet")
        self.discovery = FleetDiscovery(self.stubs, "fleet")
        self.events = self.system.events
        self.discover = self.discovery.discover
        self._target = target

    def host(self, name: str) -> HostView:
        """Return the view of the host called *name*.  Nothing is sent; an unknown host fails the first call."""
        return HostView(self.stubs, name)

    def close(self) -> None:
        """End all connections and their calls."""
        closed(self.channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._target}>"
