"""The keys of where services are written to, for those who look there."""

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
    """Its servers, host:port.  Without this key: those of sources.etcd, with all that belongs to them."""

    prefix: str = Field(default="/dockfleet-services/", pattern=r"^[!-~]{1,200}/$")
    """The beginning of the keys of endpoints."""

    @model_validator(mode="after")
    def _alone(self) -> Self:
        if not self.endpoints and (self.user or self.tls or self.insecure):
            raise ValueError("has keys of a connection but no endpoints: give it endpoints")
        return self


class ConsulCatalog(Section):
    """The Consul agent that endpoints are registered with."""

    address: ServerAddress = "127.0.0.1:8500"
    """Where its HTTP API listens, host:port."""

    token_file: File | None = None
    """File of the token that may register services, where Consul wants one; its last line break does not count."""

    tls: HostTls | None = None

    insecure: bool = False
    """Speak plaintext to an agent beyond this machine."""

    @model_validator(mode="after")
    def _protected(self) -> Self:
        check_plaintext((self.address,), self.tls, insecure=self.insecure)
        return self


class Discovery(Section):
    """Which endpoints of services are written, and to where."""

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
    """Seconds after which what a gateway has written is void when it does not come back."""
