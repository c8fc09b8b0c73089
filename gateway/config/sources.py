"""The keys of where hosts come from, besides the configuration itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from gateway.config.addresses import IpAddress, ServerAddress, beyond_loopback
from gateway.config.section import File, Listed, Section
from gateway.config.tls import HostTls


class Etcd(Section):
    """An etcd, version 3.4 or newer."""

    endpoints: Annotated[Listed[ServerAddress], Field(min_length=1)]
    """Its servers, host:port; the next one is asked when one does not answer."""

    prefix: str = Field(default="/dockfleet/", pattern=r"^[!-~]{1,200}/$")
    """The beginning of all its keys that concern this fleet."""

    user: str | None = Field(default=None, min_length=1)
    """The user to log in as, where etcd wants one."""

    password_file: File | None = None
    """File of that user's password; its last line break does not count."""

    tls: HostTls | None = None

    insecure: bool = False
    """Speak plaintext to an etcd beyond this machine: anyone on the network path can name hosts."""

    @model_validator(mode="after")
    def _protected(self) -> Self:
        if (self.user is None) != (self.password_file is None):
            raise ValueError("needs user and password_file together, or neither")
        _check_plaintext(self.endpoints, self.tls, insecure=self.insecure)
        return self


class Consul(Section):
    """A Consul agent or server."""

    address: ServerAddress = "127.0.0.1:8500"
    """Where its HTTP API listens, host:port."""

    service: str = Field(min_length=1, max_length=128)
    """The service as which the engines of the hosts are registered."""

    tag: str | None = Field(default=None, min_length=1)
    """Only the instances with this tag."""

    datacenter: str | None = Field(default=None, min_length=1)
    """The datacenter to ask for, where it is not the agent's own."""

    token_file: File | None = None
    """File of the token that may read the service, where Consul wants one; its last line break does not count."""

    tls: HostTls | None = None

    insecure: bool = False
    """Speak plaintext to a Consul beyond this machine: anyone on the network path can name hosts."""

    host_tls: HostTls | None = None

    host_insecure: bool = False
    """Speak plaintext to the engines of these hosts."""

    @model_validator(mode="after")
    def _protected(self) -> Self:
        _check_plaintext((self.address,), self.tls, insecure=self.insecure)
        return self


class Dns(Section):
    """SRV records of the DNS."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})+\.?$", max_length=253)
    """The name that has the records, such as _docker._tcp.example.com; a record is a host."""

    servers: Listed[IpAddress] = ()
    """The resolvers to ask, address:port.  Without it, those of the machine."""

    host_tls: HostTls | None = None

    host_insecure: bool = False
    """Speak plaintext to the engines of these hosts."""


class Sources(Section):
    """Where hosts come from, besides the key hosts and the calls of HostService."""

    contexts: bool | None = None
    """Serve the machine's docker contexts and `DOCKER_HOST`.  Without this key: only when neither hosts nor another
    source is configured, and then, without any of them, the local socket."""

    directory: Path | None = None
    """A directory of YAML or JSON files, each with a host, or with several as a list."""

    etcd: Etcd | None = None
    consul: Consul | None = None
    dns: Dns | None = None

    poll_interval_seconds: float = Field(default=2.0, ge=0.05, le=3600)
    """Seconds between two looks at the files of hosts and certificates.  A change counts when it lasts to the next."""

    absence_timeout_seconds: float = Field(default=30.0, ge=0, le=3600)
    """Seconds that a host stays that is missing after etcd, Consul or the DNS did not answer, or forgot what it had."""

    @property
    def remote(self) -> bool:
        """Whether hosts come from a source that is configured here, other than docker contexts."""
        return any((self.directory, self.etcd, self.consul, self.dns))


def _check_plaintext(addresses: tuple[str, ...], tls: HostTls | None, *, insecure: bool) -> None:
    if tls and insecure:
        raise ValueError("has both tls and insecure: leave one out")
    beyond = [address for address in addresses if beyond_loopback(address)]
    if beyond and not tls and not insecure:
        raise ValueError(f"would ask {beyond[0]} in plaintext beyond this machine: give it tls, or set insecure")
