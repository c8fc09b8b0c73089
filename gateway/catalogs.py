"""Builds the configured catalogs, to which the endpoints of services are written."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from gateway.config.settings import Settings
from gateway.etcd.catalog import EtcdCatalog
from gateway.etcd.client import Client
from gateway.fleet.registration.catalog import Catalog
from gateway.fleet.registration.consul import Consul


def catalogs_of(settings: Settings) -> Iterator[Catalog]:
    """Yield the configured catalogs.  Their entries carry an id of this run."""
    discovery, gateway = settings.discovery, secrets.token_hex(4)
    if discovery.etcd is not None:
        servers = discovery.etcd if discovery.etcd.endpoints else settings.sources.etcd
        assert servers is not None
        yield EtcdCatalog(Client(servers), discovery.etcd.prefix, gateway, discovery.absence_timeout_seconds)
    if discovery.consul is not None:
        yield Consul(discovery.consul, gateway, discovery.absence_timeout_seconds)
