"""Every key of the configuration: its type, default, bounds and meaning, and the rules between keys.

These models are the only list of keys; flags, variables, `--help` and docs/configuration.md follow from them.  A
`Settings` object is valid: addresses are well formed, certificate files can be read and belong together, and plaintext
beyond this machine is explicitly allowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import InitErrorDetails

from gateway.config.addresses import EngineAddress, ListenAddress, MetricsAddress, beyond_loopback
from gateway.config.container_metrics import ContainerMetrics
from gateway.config.discovery import Discovery
from gateway.config.section import File, Section
from gateway.config.sources import Sources
from gateway.config.ssh import HostSsh
from gateway.config.tls import HostTls, ListenerTls
from gateway.config.traces import Traces


class Limits(Section):
    """Limits of the gateway, of one host, and of one call."""

    max_concurrent_calls: int = Field(default=1000, ge=1, le=1 << 20)
    """Calls that the gateway serves at the same time; it refuses more.  Health checks do not count."""

    max_concurrent_streams: int = Field(default=2000, ge=1, le=1 << 20)
    """Streams, sessions and other calls that wait for something to happen, such as a stop, that the gateway serves at
    once."""

    max_concurrent_heavy_calls: int = Field(default=256, ge=1, le=1 << 20)
    """Heavy calls that the gateway serves at once: work on a disk or over a network, such as an export, a pull, a build
    or a removal."""

    max_health_watches: int = Field(default=1000, ge=1, le=1 << 20)
    """Watches of health that the gateway serves at once.  Health checks are not limited."""

    max_reflection_streams: int = Field(default=64, ge=1, le=1 << 20)
    """Reflection streams that the gateway serves at once."""

    max_address_share: float = Field(default=0.75, gt=0, le=1)
    """Share of each of these five bounds, and of `max_large_request_bytes`, that the clients of one address may use
    together.  Set 1 if a proxy, or one program, is the only client."""

    max_client_connections: int = Field(default=1000, ge=1, le=1 << 20)
    """Connections of gRPC clients; more are closed at once.  At most half of the file descriptors that the process may
    have: fewer than configured are a warning in the log."""

    max_streams_per_connection: int = Field(default=200, ge=1, le=1 << 20)
    """Calls on one connection of a client, except unary calls and health checks.  gRPC allows a connection 50 more open
    calls in total; further calls wait on the client's side."""

    close_flooding_connections: bool = True
    """Close connections on which a client cancels hundreds of calls at once, or begins many calls without a request.
    Disable this when a proxy puts the calls of many clients on one connection."""

    request_timeout_seconds: float = Field(default=10.0, ge=1, le=3600)
    """Seconds within which the first message of a call must arrive."""

    max_slow_requests: int = Field(default=32, ge=1, le=1 << 20)
    """Calls that wait for their first message for longer than a moment.  Each may take 4 MiB of memory.  When there are
    more, the gateway refuses the oldest call of the address that has the most."""

    max_large_request_bytes: int = Field(default=64 << 20, ge=8 << 20, le=1 << 40)
    """Bytes of the requests above 64 KiB of all open calls together; the gateway refuses more.  Each byte takes up to
    five in memory."""

    max_connections_per_host: int = Field(default=64, ge=1, le=1024)
    """Unary calls to one host at the same time, each on its own connection.  Idle connections close after a minute."""

    max_heavy_calls_per_host: int = Field(default=16, ge=1, le=1024)
    """Heavy calls to one host at the same time: work on a disk or a network, such as an export, a pull or a build."""

    max_queued_calls_per_host: int = Field(default=64, ge=1, le=65_536)
    """Unary calls to one host that may wait in the queue, and the same number of heavy calls; the gateway refuses
    more.
    """

    max_streams_per_host: int = Field(default=512, ge=1, le=65_536)
    """Streams, sessions, and calls that wait for an event, such as a stop, to one host at the same time."""

    max_response_bytes: int = Field(default=64 << 20, ge=1 << 16, le=1 << 30)
    """Bytes of the largest response of a host that the gateway loads into memory.  Downloads are not limited."""

    max_large_response_bytes: int = Field(default=256 << 20, ge=1 << 20, le=1 << 40)
    """Bytes of the responses above 1 MiB that the gateway loads at once, beyond 16 MiB of each host, and at least those
    of the largest response; more fail.  Further large responses of one host wait for each other."""

    connect_timeout_seconds: float = Field(default=2.0, gt=0, le=60)
    """Seconds for a connection to a host to open."""

    ssh_login_timeout_seconds: float = Field(default=10.0, gt=0, le=300)
    """Seconds to log in at an ssh host after the connection is open."""

    ssh_keepalive_interval_seconds: float = Field(default=15.0, ge=1, le=3600)
    """Seconds of silence after which the gateway sends a keepalive to an ssh host.  Without an answer in the same time,
    it drops the login.  Probes also break the silence, so a longer time than their interval causes no traffic."""

    read_timeout_seconds: float = Field(default=30.0, gt=0, le=3600)
    """Seconds for a call that only reads, when the client sets no deadline."""

    write_timeout_seconds: float = Field(default=120.0, gt=0, le=3600)
    """Seconds for a call that changes something, when the client sets no deadline."""

    long_timeout_seconds: float = Field(default=3600.0, gt=0, le=86_400)
    """Seconds for a pull, push, build, load or import, when the client sets no deadline."""

    progress_idle_timeout_seconds: float = Field(default=60.0, gt=0, le=3600)
    """Seconds for which the host may stay silent in such a call, when the client sets no deadline."""

    reconnect_timeout_seconds: float = Field(default=60.0, ge=0, le=3600)
    """Seconds for which the gateway tries to open broken logs, events and stats again before their streams fail."""

    fan_out_timeout_seconds: float = Field(default=5.0, gt=0, le=3600)
    """Seconds that one host may take in a call to many hosts, when the request sets no time."""

    stall_timeout_seconds: float = Field(default=60.0, gt=0, le=3600)
    """Seconds for which a client that does not read may block the process of an exec or run; then its call ends."""

    reader_stall_timeout_seconds: float = Field(default=300.0, gt=0, le=86_400)
    """Seconds for which any other stream waits for a client that does not read; then the call ends."""


LabelName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._/-]{1,63}$")]
LabelValue = Annotated[str, Field(max_length=1024)]


class HostSettings(Section):
    """One Docker host."""

    name: str = Field(pattern=r"^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$")
    """Unique name of the host in requests: at most 63 characters of a-z, 0-9 and, not at the ends, `.`, `_`, `-`."""

    address: EngineAddress
    """Address of its engine: unix:///path, tcp://host:port or ssh://user@host[:port][/path].  For ssh, the path is the
    socket on the host, by default /var/run/docker.sock."""

    tls: HostTls | None = None
    ssh: HostSsh | None = None

    insecure: bool = False
    """Allow plaintext to a tcp engine beyond this machine: anyone on the network path can become root on that host."""

    labels: Annotated[Mapping[LabelName, LabelValue], Field(max_length=256)] = Field(default_factory=dict)
    """Labels by which clients select hosts, text to text: at most 256, with values of at most 1024 characters."""

    @model_validator(mode="after")
    def _protected(self) -> Self:
        tcp = self.address.startswith("tcp://")
        if self.tls and not tcp:
            raise ValueError("has tls, which only tcp:// addresses can use: leave it out")
        if self.ssh and not self.address.startswith("ssh://"):
            raise ValueError("has ssh, which only ssh:// addresses can use: leave it out")
        if self.tls and self.insecure:
            raise ValueError("has both tls and insecure: leave one out; with tls, the certificate is always verified")
        if tcp and not self.tls and not self.insecure and beyond_loopback(self.address):
            raise ValueError(
                "is in plaintext beyond this machine: give it tls, or allow that with "
                f"{{name: {self.name}, address: '{self.address}', insecure: true}}"
            )
        return self


@dataclass(frozen=True)
class DockerConfiguration:
    """The configuration of the docker command of this machine."""

    folder: Path
    host: str  # DOCKER_HOST
    certificates: Path | None  # of that host
    alone: bool  # nothing else is configured: without any host, the local socket counts


class Keys(Section):
    """All keys of the configuration."""

    listen: ListenAddress = "127.0.0.1:50051"
    """Address of the gRPC listener: host:port, [ipv6]:port or unix:///path."""

    insecure_allow_plaintext_beyond_loopback: bool = False
    """Allow gRPC without TLS beyond this machine: anyone who reaches the port can become root on all hosts."""

    metrics_listen: MetricsAddress | None = "127.0.0.1:9464"
    """Address of the HTTP listener for Prometheus, in plaintext.  It shows the names and the load of all hosts.  `off`
    disables it."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Lowest level that is logged: debug, info, warning or error."""

    log_format: Literal["json", "text"] = "json"
    """Format of the log: json, or text for people."""

    drain_timeout_seconds: float = Field(default=2.0, ge=0, le=300)
    """Seconds before a stop in which health is NOT_SERVING and the gateway still serves every call."""

    shutdown_timeout_seconds: float = Field(default=5.0, ge=0, le=3600)
    """Seconds after that in which open calls can finish; then the gateway cancels them."""

    state_directory: Path | None = None
    """Directory where the gateway keeps its resume key.  The gateway makes it if it is missing.  Without this key:
    `$STATE_DIRECTORY`, which systemd sets, else `$XDG_STATE_HOME/dockfleet`, else `~/.local/state/dockfleet`."""

    resume_key: File | None = None
    """File of the key, at least 16 bytes, that signs resume tokens.  Gateways with the same key accept each other's
    tokens, also after a restart.  Without it: `resume.key` in the state directory, which the first start makes."""

    reflection: bool = True
    """Serve gRPC reflection, so that tools such as grpcurl need no protos."""

    channelz: bool = False
    """Serve gRPC channelz, which shows all connections, for administrators."""

    health_check_interval_seconds: float = Field(default=10.0, ge=0.1, le=3600)
    """Seconds between two probes of a host."""

    health_check_timeout_seconds: float = Field(default=5.0, ge=0.1, le=60)
    """Seconds in which a host must answer a probe."""

    inventory: bool = True
    """Keep an inventory of each host in memory, up to date by its events.  Without it, every list asks its host, lost
    events are only reported as a gap, and calls that need an inventory fail."""

    inventory_compare_interval_seconds: float = Field(default=600.0, ge=10, le=86_400)
    """Seconds after which the inventory of a quiet host is compared with its lists, because some changes have no event;
    that of a host that changes is compared every minute.  The interval of a host doubles from a minute while nothing
    happens."""

    hosts: tuple[HostSettings, ...] = ()
    """The Docker hosts.  As a flag (repeated) or a variable (with commas): name=address, or {name: …, address: …, …}
    for a host with more keys.  Without this key, and without sources: the docker contexts of this machine and
    `DOCKER_HOST`, else the local socket.  An empty list means no hosts."""

    sources: Sources = Sources()
    discovery: Discovery = Discovery()
    container_metrics: ContainerMetrics = ContainerMetrics()

    tls: ListenerTls | None = None
    limits: Limits = Limits()
    traces: Traces = Traces()

    @field_validator("metrics_listen", mode="before")
    @classmethod
    def _off(cls, value: Any) -> Any:
        return None if value in ("", "off") or value is False else value  # YAML reads a bare off as false

    @field_validator("resume_key")
    @classmethod
    def _long_enough(cls, file: Path | None) -> Path | None:
        if file is not None and len(file.read_bytes()) < 16:
            raise ValueError("has fewer than 16 bytes")
        return file

    @field_validator("hosts")
    @classmethod
    def _unique(cls, hosts: tuple[HostSettings, ...]) -> tuple[HostSettings, ...]:
        names = [host.name for host in hosts]
        repeated = [
            InitErrorDetails(type="value_error", loc=(number, "name"), input=name, ctx={"error": _repeats(first)})
            for number, name in enumerate(names)
            if (first := names.index(name)) < number
        ]
        if repeated:
            raise ValidationError.from_exception_data("hosts", repeated)  # pydantic adds the path of `hosts`
        return hosts

    @model_validator(mode="after")
    def _written(self) -> Self:
        etcd = self.discovery.etcd
        if etcd is not None and not etcd.endpoints and self.sources.etcd is None:
            raise ValueError("discovery.etcd.endpoints: is missing: name the servers, or configure sources.etcd")
        if not self.inventory and (etcd or self.discovery.consul):
            raise ValueError("discovery: needs the inventory: leave out inventory, or discovery")
        return self

    @model_validator(mode="after")
    def _protected(self) -> Self:
        if not self.tls and not self.insecure_allow_plaintext_beyond_loopback and beyond_loopback(self.listen):
            raise ValueError(
                f"listen: {self.listen} offers root on all hosts in plaintext beyond this machine: listen on "
                "127.0.0.1, or set tls.certificate and tls.key, or allow it with "
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
    """The docker configuration of this machine, if it is a source of hosts."""

    context_hosts: tuple[HostSettings, ...] = ()
    """The hosts that were found there."""

    @property
    def all_hosts(self) -> tuple[HostSettings, ...]:
        """The hosts that are known before any source is asked."""
        return (*self.hosts, *self.context_hosts)

    @property
    def warnings(self) -> list[str]:
        """One sentence for each setting that is allowed and probably a mistake."""
        names: dict[str, list[str]] = {}
        for host in self.all_hosts:
            names.setdefault(host.address, []).append(host.name)
        found = [
            f"hosts {' and '.join(same)} have the same address {address}: each shows the same objects"
            for address, same in names.items()
            if len(same) > 1
        ]
        if not self.all_hosts and not self.sources.remote:
            why = "there is no docker context" if self.contexts else "the list of hosts is empty"
            found.append(f"the fleet has no hosts: {why}")
        if self.tls is not None and self.tls.client_ca is None:
            found.append("every client can call the gateway: set tls.client_ca to require client certificates")
        return found


def _repeats(first: int) -> ValueError:
    return ValueError(f"is also the name of hosts[{first}]: give each host its own name")
