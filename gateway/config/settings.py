"""Every key of the configuration: its type, default, bounds and meaning, and what must hold between keys.

These models are the only list of keys there is; flags, variables, `--help` and docs/configuration.md are made
from them in this package.  Settings that exist are valid: addresses are well formed, certificate files
are readable and belong together, and nothing speaks plaintext beyond this machine unless told to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from gateway.config.addresses import EngineAddress, ListenAddress, MetricsAddress, beyond_loopback
from gateway.config.section import File, Section
from gateway.config.sources import Sources
from gateway.config.ssh import HostSsh
from gateway.config.tls import HostTls, ListenerTls


class Limits(Section):
    """What the gateway, one host, and one call may take."""

    max_concurrent_calls: int = Field(default=1000, ge=1, le=1 << 20)
    """Single calls that the gateway serves at once; more are refused at once.  Health checks do not count."""

    max_concurrent_streams: int = Field(default=2000, ge=1, le=1 << 20)
    """Streams and sessions that the gateway serves at once."""

    max_connections_per_host: int = Field(default=64, ge=1, le=1024)
    """Single calls at one host at once, each on a connection; those that no call needs are closed after a minute."""

    max_heavy_calls_per_host: int = Field(default=16, ge=1, le=1024)
    """Heavy calls at one host at once: work on a disk or over a network, such as an export, a pull or a build."""

    max_queued_calls_per_host: int = Field(default=64, ge=1, le=65_536)
    """Calls that may wait for the single ones before them, and as many for the heavy ones; more are refused at once."""

    max_streams_per_host: int = Field(default=512, ge=1, le=65_536)
    """Streams, sessions and other calls that wait for something to happen, such as a stop, at one host at once."""

    max_response_bytes: int = Field(default=64 << 20, ge=1 << 16, le=1 << 30)
    """Bytes of the largest answer taken into memory; downloads flow through and are not bound by it."""

    connect_timeout_seconds: float = Field(default=2.0, gt=0, le=60)
    """Seconds to reach a host."""

    ssh_login_timeout_seconds: float = Field(default=10.0, gt=0, le=300)
    """Seconds to log in at an ssh host that was reached."""

    ssh_keepalive_interval_seconds: float = Field(default=15.0, ge=1, le=3600)
    """Seconds of silence after which an ssh host is asked for a sign of life; without one in as many more, its login is
    lost.  Probes are signs of life too: a longer time than between two of them costs nothing."""

    read_timeout_seconds: float = Field(default=30.0, gt=0, le=3600)
    """Seconds for a call that only reads, when the client sets no deadline."""

    write_timeout_seconds: float = Field(default=120.0, gt=0, le=3600)
    """Seconds for a call that changes something, when the client sets no deadline."""

    long_timeout_seconds: float = Field(default=3600.0, gt=0, le=86_400)
    """Seconds for a pull, push, build, load and their like, when the client sets no deadline."""

    progress_idle_timeout_seconds: float = Field(default=60.0, gt=0, le=3600)
    """Seconds that the host may send nothing in such a call, when the client sets no deadline."""

    reconnect_timeout_seconds: float = Field(default=60.0, ge=0, le=3600)
    """Seconds that logs, events and stats whose connection broke are tried again before their readers are told."""

    fan_out_timeout_seconds: float = Field(default=5.0, gt=0, le=3600)
    """Seconds that one host may take in a question to many hosts, when the request does not say otherwise."""

    stall_timeout_seconds: float = Field(default=60.0, gt=0, le=3600)
    """Seconds that a client may hold up a process, an exec's or a run's, by not reading; then its call is ended."""

    reader_stall_timeout_seconds: float = Field(default=300.0, gt=0, le=86_400)
    """Seconds that any other stream waits for a client that does not read before the call is ended."""


class HostSettings(Section):
    """One Docker host."""

    name: str = Field(pattern=r"^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$")
    """Name by which clients choose the host: at most 63 of a-z, 0-9 and, inside, `.`, `_`, `-`; unique."""

    address: EngineAddress
    """Where its engine listens: unix:///path, tcp://host:port or ssh://user@host[:port][/path].  For ssh, the path is
    that of the socket on the host, without it /var/run/docker.sock."""

    tls: HostTls | None = None
    ssh: HostSsh | None = None

    insecure: bool = False
    """Speak plaintext to a tcp engine beyond this machine: anyone on the network path can become root on that host."""

    labels: Mapping[Annotated[str, Field(pattern=r"^[A-Za-z0-9._/-]{1,63}$")], str] = Field(default_factory=dict)
    """Labels by which clients select hosts, text to text."""

    @model_validator(mode="after")
    def _protected(self) -> Self:
        tcp = self.address.startswith("tcp://")
        if self.tls and not tcp:
            raise ValueError("has tls, which only tcp:// addresses can use: leave it out")
        if self.ssh and not self.address.startswith("ssh://"):
            raise ValueError("has ssh, which only ssh:// addresses can use: leave it out")
        if self.tls and self.insecure:
            raise ValueError("has both tls and insecure: leave one out; with tls, the engine is always checked")
        if tcp and not self.tls and not self.insecure and beyond_loopback(self.address):
            raise ValueError(
                "would be reached in plaintext beyond this machine: give it tls, or accept that with "
                f"{{name: {self.name}, address: '{self.address}', insecure: true}}"
            )
        return self


@dataclass(frozen=True)
class DockerConfiguration:
    """What the docker command of this machine is configured with."""

    folder: Path
    host: str  # DOCKER_HOST
    certificates: Path | None  # of that host
    alone: bool  # nothing else is configured: without any host, the local socket counts


class Keys(Section):
    """All that can be configured."""

    listen: ListenAddress = "127.0.0.1:50051"
    """Where gRPC is served: host:port, [ipv6]:port or unix:///path."""

    insecure_allow_plaintext_beyond_loopback: bool = False
    """Serve without TLS beyond this machine: anyone who reaches the port can become root on all hosts."""

    metrics_listen: MetricsAddress | None = "127.0.0.1:9464"
    """Where Prometheus scrapes, in plaintext: who reaches it sees names and load of all hosts; `off` disables it."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severity that is logged: debug, info, warning or error."""

    log_format: Literal["json", "text"] = "json"
    """Form of the log: json, or text for people."""

    drain_timeout_seconds: float = Field(default=5.0, ge=0, le=300)
    """Seconds, when stopping, in which health already says NOT_SERVING but every call is still served."""

    shutdown_timeout_seconds: float = Field(default=15.0, ge=0, le=3600)
    """Seconds after that in which open calls may finish before they are cancelled."""

    state_directory: Path | None = None
    """Directory of what the gateway keeps from one run to the next: a resume key.  It is made when it is missing.
    Without this key: `$STATE_DIRECTORY`, which systemd sets, else `$XDG_STATE_HOME/dockfleet`, else
    `~/.local/state/dockfleet`."""

    resume_key: File | None = None
    """File of the key, at least 16 bytes, that signs resume tokens: gateways that share it take each other's, and their
    own of before a restart.  Without it: `resume.key` in the state directory, made at the first start."""

    reflection: bool = True
    """Serve gRPC reflection, so that grpcurl and its like need no protos."""

    channelz: bool = False
    """Serve gRPC channelz, which shows all connections; for administrators."""

    health_check_interval_seconds: float = Field(default=10.0, ge=0.1, le=3600)
    """Seconds between two questions to a host whether it lives."""

    health_check_timeout_seconds: float = Field(default=5.0, ge=0.1, le=60)
    """Seconds in which a host must answer them."""

    inventory: bool = True
    """Keep in memory what there is on each host, and follow its events for that.  Without it, every list asks its host,
    and calls that need it fail."""

    hosts: tuple[HostSettings, ...] = ()
    """The Docker hosts.  As a flag (repeated) or a variable (with commas): name=address, or {name: …, address: …, …}
    for one that needs more.  Without this key, and without sources: the machine's docker contexts and `DOCKER_HOST`,
    else the local socket.  An empty list is no hosts."""

    sources: Sources = Sources()

    tls: ListenerTls | None = None
    limits: Limits = Limits()

    @field_validator("metrics_listen", mode="before")
    @classmethod
    def _off(cls, value: Any) -> Any:
        return None if value in ("", "off") or value is False else value  # YAML reads a bare off as false

    @field_validator("resume_key")
    @classmethod
    def _long_enough(cls, file: Path | None) -> Path | None:
        if file is not None and len(file.read_bytes()) < 16:
            raise ValueError("holds less than 16 bytes")
        return file

    @field_validator("hosts")
    @classmethod
    def _unique(cls, hosts: tuple[HostSettings, ...]) -> tuple[HostSettings, ...]:
        names = [host.name for host in hosts]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"names more than one host {', '.join(twice)}: give each its own name")
        return hosts

    @model_validator(mode="after")
    def _protected(self) -> Self:
        if not self.tls and not self.insecure_allow_plaintext_beyond_loopback and beyond_loopback(self.listen):
            raise ValueError(
                f"listen: {self.listen} would offer root on all hosts in plaintext beyond this machine: listen on "
                "127.0.0.1, or give tls.certificate and tls.key, or accept that risk with "
                "insecure_allow_plaintext_beyond_loopback"
            )
        return self


class Settings(Keys):
    """The configuration of one run."""

    source: str = "code"
    """Where the hosts came from, in words."""

    file: Path | None = None
    """The file that was read."""

    contexts: DockerConfiguration | None = None
    """The machine's docker contexts, if they are a source of hosts."""

    context_hosts: tuple[HostSettings, ...] = ()
    """The hosts that were there in them."""

    @property
    def all_hosts(self) -> tuple[HostSettings, ...]:
        """The hosts that are known without asking anybody."""
        return (*self.hosts, *self.context_hosts)

    @property
    def warnings(self) -> list[str]:
        """What is allowed and probably not meant, a sentence each."""
        names: dict[str, list[str]] = {}
        for host in self.all_hosts:
            names.setdefault(host.address, []).append(host.name)
        found = [
            f"hosts {' and '.join(same)} have the same address {address}: what is there is shown once for each"
            for address, same in names.items()
            if len(same) > 1
        ]
        if not self.hosts and not self.contexts and not self.sources.remote:
            found.append("the fleet has no hosts: the list of hosts is empty")
        if self.tls is not None and self.tls.client_ca is None:
            found.append("every client that trusts this certificate may call: tls.client_ca would ask for theirs")
        return found
