"""The keys of the catalogs to which the gateway writes the endpoints of services."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from gateway.config.addresses import ServerAddress
from gateway.config.section import File, Listed, Section
from gateway.config.sources import EtcdServers, check_plaintext
from gateway.config.tls import HostTls

Pattern = Annotated[str, Field(min_length=1, max_length=253)]
Requirement = Annotated[str, Field(pattern=r"^[^=]+(=.*)?$", max_length=253)]


class EtcdCatalog(EtcdServers):
    """The etcd that endpoints are written to.  Without `endpoints`, that of `sources.etcd`."""

    endpoints: Listed[ServerAddress] = ()
    """Its servers, host:port.  Default: those of sources.etcd, with its user and its TLS."""

    prefix: str = Field(default="/dockfleet-services/", pattern=r"^[!-~]{1,200}/$")
    """The prefix of the keys of endpoints."""

    @model_validator(mode="after")
    def _alone(self) -> Self:
        if not self.endpoints and (self.user or self.tls or self.insecure):
            raise ValueError("has keys of a connection but no endpoints: give it endpoints")
        return self


class ConsulCatalog(Section):
    """The Consul agent that endpoints are registered with."""

    address: ServerAddress = "127.0.0.1:8500"
    """Address of its HTTP API, host:port."""

    token_file: File | None = None
    """File of a token that may register services, if Consul requires one.  The line break at its end is ignored."""

    tls: HostTls | None = None

    insecure: bool = False
    """Allow plaintext to an agent beyond this machine: anyone on the network path can change endpoints."""

    @model_validator(mode="after")
    def _protected(self) -> Self:
        check_plaintext((self.address,), self.tls, insecure=self.insecure)
        return self


class Discovery(Section):
    """The endpoints of services that are written, and their catalogs."""

    hosts: Annotated[Listed[Pattern], Field(min_length=1)] = ("*",)
    """The names of the hosts whose endpoints are written; a `*` stands for any number of characters."""

    host_labels: Listed[Requirement] = ()
    """Only the hosts with these labels, each `key=value`, or `key` for any value."""

    services: Annotated[Listed[Pattern], Field(min_length=1)] = ("*",)
    """The names of the services that are written; a `*` stands for any number of characters."""

    labels: Listed[Requirement] = ()
    """Only the endpoints of containers with these labels, each `key=value`, or `key` for any value."""

    etcd: EtcdCatalog | None = None
    consul: ConsulCatalog | None = None

    absence_timeout_seconds: float = Field(default=15.0, ge=2, le=3600)
    """Seconds after which the entries of a gateway that has ended are removed."""
