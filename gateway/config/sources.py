"""The keys of the sources of hosts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from gateway.config.addresses import IpAddress, ServerAddress, beyond_loopback
from gateway.config.section import File, Listed, Section
from gateway.config.tls import HostTls


class EtcdServers(Section):
    """The servers of an etcd cluster, version 3.4 or newer."""

    endpoints: Annotated[Listed[ServerAddress], Field(min_length=1)]
    """Its servers, host:port.  When one does not answer, the gateway asks the next one."""

    user: str | None = Field(default=None, min_length=1)
    """The user to log in as, if etcd requires one."""

    password_file: File | None = None
    """File of that user's password.  The line break at its end is ignored."""

    tls: HostTls | None = None

    insecure: bool = False
    """Allow plaintext to an etcd beyond this machine: anyone on the network path can change what it says."""

    @model_validator(mode="after")
    def _protected(self) -> Self:
        if (self.user is None) != (self.password_file is None):
            raise ValueError("needs user and password_file together, or neither")
        check_plaintext(self.endpoints, self.tls, insecure=self.insecure)
        return self


class Etcd(EtcdServers):
    """An etcd cluster that has hosts."""

    prefix: str = Field(default="/dockfleet/", pattern=r"^[!-~]{1,200}/$")
    """The prefix of all its keys for this fleet."""


class Consul(Section):
    """A Consul agent or server."""

    address: ServerAddress = "127.0.0.1:8500"
    """Address of its HTTP API, host:port."""

    service: str = Field(min_length=1, max_length=128)
    """The service that has an instance for each engine."""

    tag: str | None = Field(default=None, min_length=1)
    """Only the instances with this tag."""

    datacenter: str | None = Field(default=None, min_length=1)
    """The datacenter of the service, if it is not that of the agent."""

    token_file: File | None = None
    """File of a token that may read the service, if Consul requires one.  The line break at its end is ignored."""

    tls: HostTls | None = None

    insecure: bool = False
    """Allow plaintext to a Consul beyond this machine: anyone on the network path can add hosts."""

    host_tls: HostTls | None = None

    host_insecure: bool = False
    """Speak plaintext to the engines of these hosts."""

    @model_validator(mode="after")
    def _protected(self) -> Self:
        check_plaintext((self.address,), self.tls, insecure=self.insecure)
        return self


class Dns(Section):
    """SRV records of the DNS."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})+\.?$", max_length=253)
    """The name of the records, such as _docker._tcp.example.com; each record is a host."""

    servers: Listed[IpAddress] = ()
    """The resolvers, address:port.  Without this key: those of this machine."""

    host_tls: HostTls | None = None

    host_insecure: bool = False
    """Speak plaintext to the engines of these hosts."""


class Sources(Section):
    """The sources of hosts, besides the key hosts and the calls of HostService."""

    contexts: bool | None = None
    """Serve the docker contexts of this machine and `DOCKER_HOST`; without any, the fleet has no host of them.  Without
    this key: only when neither hosts nor another source is configured; then the local socket, if there are none."""

    directory: Path | None = None
    """A directory of YAML or JSON files, each with one host, or with several as a list."""

    etcd: Etcd | None = None
    consul: Consul | None = None
    dns: Dns | None = None

    poll_interval_seconds: float = Field(default=2.0, ge=0.05, le=3600)
    """Seconds between two checks of the files of hosts and certificates.  A change counts if the next check finds it
    too."""

    absence_timeout_seconds: float = Field(default=30.0, ge=0, le=3600)
    """Seconds for which a host stays that is missing after etcd, Consul or the DNS failed, or lost its data."""

    max_hosts: int = Field(default=2000, ge=1, le=20_000)
    """Hosts that each source may have, the configuration excepted.  Further hosts are refused."""

    @property
    def remote(self) -> bool:
        """Whether a source other than docker contexts is configured here."""
        return any((self.directory, self.etcd, self.consul, self.dns))


def check_plaintext(addresses: tuple[str, ...], tls: HostTls | None, *, insecure: bool) -> None:
    """Raise `ValueError` when one of *addresses* would be asked in plaintext beyond this machine."""
    if tls and insecure:
        raise ValueError("has both tls and insecure: leave one out")
    beyond = [address for address in addresses if beyond_loopback(address)]
    if beyond and not tls and not insecure:
        raise ValueError(f"would ask {beyond[0]} in plaintext beyond this machine: give it tls, or set insecure")
