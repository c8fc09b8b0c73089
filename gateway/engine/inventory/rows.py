"""The rows of objects: the encoded item of a list's response, and the properties that filters and selectors use.

A piece is the object as one item of a list's response: tag, length, message.  An answer is its pieces joined.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from sys import intern
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar, cast

from dockfleet.v1 import containers_pb2, images_pb2, networks_pb2, volumes_pb2
from google.protobuf.message import Message

from gateway.engine.codec.wire import delimited, tag, varint
from gateway.engine.inventory import status
from gateway.engine.inventory.clock import EngineClock, Moment
from gateway.engine.inventory.details import Details
from gateway.engine.inventory.room import ROW_BYTES
from gateway.engine.inventory.sharing import shared, shared_labels

_CONTAINERS = tag(containers_pb2.ListContainersResponse.DESCRIPTOR, "containers")
_STATUS = tag(containers_pb2.ContainerSummary.DESCRIPTOR, "status")
_RUNNING = frozenset(("running", "paused", "restarting"))

M = TypeVar("M", bound=Message)


class Port(NamedTuple):
    """A port of a container; `public` is 0 when it is not published."""

    ip: str
    private: int
    public: int
    type: str


class Membership(NamedTuple):
    """A network that a container is in."""

    name: str
    id: str


class ContainerRow:
    """A container.  Times are the engine's, in nanoseconds since 1970; 0 is never.

    `text` is the hash of its JSON in a list.  `worded` tells that the gateway words its status as the engine does;
    otherwise it is as the engine worded it last: for what was not inspected yet, and for engines with other words.
    `name` is its own name, without slash; "" for one that has none any more.  `links` are the names by which others
    link to it.  `piece` is the item of ListContainersResponse, with the status as it was worded last; it holds until
    the engine's time `until`.
    """

    __slots__ = (
        "_addresses",
        "_body_at",
        "_clock",
        "_status_size",
        "details",
        "id",
        "image",
        "image_id",
        "labels",
        "links",
        "mounts",
        "name",
        "networks",
        "piece",
        "ports",
        "state",
        "text",
        "until",
        "worded",
    )

    def __init__(
        self, summary: containers_pb2.ContainerSummary, details: Details, text: int, clock: EngineClock, listed: Moment
    ) -> None:
        """Take a container as a list showed it at a moment, and its details.  The summary is changed."""
        self.id = summary.id
        own = next((name for name in summary.names if name.rfind("/") == 0), "")
        self.name = own[1:]
        self.links = tuple(name for name in summary.names if name != own)  # each with its slashes
        self.image = intern(summary.image)
        self.image_id = intern(summary.image_id)
        self.state = intern(summary.state)
        self.mounts = bool(summary.mounts)
        self.details = details
        self.text = text
        self._clock = clock
        words = summary.status
        summary.ClearField("status")
        body = summary.SerializeToString(deterministic=True)
        self._put_together(body, words)
        ports, networks = summary.ports, summary.network_settings.networks
        share = partial(shared, size=len(body))
        self.labels = shared_labels(summary.labels, len(body))
        self.ports = share(tuple(Port(intern(p.ip), p.private_port, p.public_port, intern(p.type)) for p in ports))
        self.networks = share(tuple(Membership(intern(name), intern(of.network_id)) for name, of in networks.items()))
        self._addresses = share(tuple(intern(of.ip_address) for of in networks.values()))
        self.worded, self.until = False, status.FOREVER
        if details.known:
            self.learn(details, listed)

    @property
    def names(self) -> tuple[str, ...]:
        """All its names, each with its slashes."""
        return (f"/{self.name}", *self.links) if self.name else self.links

    @property
    def size(self) -> int:
        """How much memory it takes, about, in bytes."""
        return len(self.piece) - self._body_at - self._status_size + ROW_BYTES

    @property
    def runs(self) -> bool:
        """Whether it runs as the Engine's lists see it: also when it is paused, or between two runs."""
        return self.state in _RUNNING

    @property
    def addresses(self) -> Mapping[str, str]:
        """Its address in each of its networks, by name; "" while it does not run."""
        return {network.name: address for network, address in zip(self.networks, self._addresses, strict=True)}

    @property
    def created_ns(self) -> int:
        """When it was created."""
        return self.details.created_ns

    @property
    def started_ns(self) -> int:
        """When it was started last."""
        return self.details.started_ns

    @property
    def finished_ns(self) -> int:
        """When it ended last."""
        return self.details.finished_ns

    @property
    def exit_code(self) -> int:
        """The exit code of its last run."""
        return self.details.exit_code

    @property
    def health(self) -> str:
        """The state of its health check: `none`, `starting`, `healthy` or `unhealthy`."""
        return self.details.health

    @property
    def memory_limit(self) -> int:
        """The most memory that it may use, in bytes; 0 is any."""
        return self.details.memory_limit

    @property
    def nano_cpus(self) -> int:
        """The most CPU time that it may use, in billionths of a CPU; 0 is any."""
        return self.details.nano_cpus

    def differs(self, old: ContainerRow) -> bool:
        """Return whether it is another than *old*, but for what time alone changes."""
        return self.body != old.body or (old.details.known and self.details != old.details)

    def differs_in_image(self, old: ContainerRow) -> bool:
        """Return whether it is another than *old* by the name of its image alone."""
        if self.image == old.image:
            return False
        summary = old.summary()
        summary.ClearField("status")
        summary.image = self.image
        return summary.SerializeToString(deterministic=True) == self.body

    def learn(self, details: Details, listed: Moment) -> bool:
        """Take the details, if they fit the words of the list that the row is of, made at a moment; return whether."""
        field = self.piece[len(self.piece) - self._status_size :]
        fits = any(_status_field(_words(self.state, details, time)[0]) == field for time in listed.times())
        if fits:
            self.details, self.worded, self.until = details, True, 0
        return fits

    def current(self) -> bytes:
        """Return its piece, with the current Status."""
        now = self._clock.now()
        if now >= self.until:
            self.age(now)
        return self.piece

    def age(self, now: int) -> None:
        """Compute the Status at the engine's time *now*."""
        words, self.until = _words(self.state, self.details, now)
        self._put_together(self.body, words)

    def serialised(self) -> bytes:
        """Return its ContainerSummary, serialised."""
        return self.current()[self._body_at :]

    def summary(self) -> containers_pb2.ContainerSummary:
        """Return it as lists show it."""
        return containers_pb2.ContainerSummary.FromString(self.serialised())

    @property
    def body(self) -> bytes:
        """Its ContainerSummary, serialised, without the status."""
        return self.piece[self._body_at : len(self.piece) - self._status_size]

    def _put_together(self, body: bytes, words: str) -> None:
        field = _status_field(words)
        head = _CONTAINERS + varint(len(body) + len(field))
        self.piece = b"".join((head, body, field))
        self._body_at, self._status_size = len(head), len(field)


def _words(state: str, of: Details, now: int) -> tuple[str, int]:
    return status.words(state, of.health, of.exit_code, of.started_ns, of.finished_ns, now)


def _status_field(words: str) -> bytes:
    """Return the field that holds a status."""
    return delimited(_STATUS, words.encode()) if words else b""


class Row(Generic[M]):
    """An object of another kind.  `id` is what it is known by, `text` the hash of its JSON in a list."""

    __slots__ = ("_body_at", "id", "labels", "piece", "text")

    TAG: ClassVar[bytes]
    MESSAGE: ClassVar[type[Message]]

    def __init__(self, id: str, message: Any, text: int) -> None:
        self.id = id
        self.labels: Mapping[str, str] = {intern(key): intern(value) for key, value in message.labels.items()}
        self.text = text
        body = message.SerializeToString(deterministic=True)
        head = self.TAG + varint(len(body))
        self.piece: bytes = head + body  # of the answer that lists it
        self._body_at = len(head)

    def serialised(self) -> bytes:
        """Return its message, serialised."""
        return self.piece[self._body_at :]

    def summary(self) -> M:
        """Return it as lists show it."""
        return cast("M", self.MESSAGE.FromString(self.serialised()))


def _short(name: str) -> str:
    """Return the name of an image as Docker shows it: Podman shows the registry of Docker Hub, too."""
    hub = next((prefix for prefix in ("docker.io/library/", "docker.io/") if name.startswith(prefix)), "")
    return name.removeprefix(hub)


class ImageRow(Row[images_pb2.ImageSummary]):
    """An image.  `created` is in seconds since 1970; without references it has no tags and no digests."""

    __slots__ = ("created", "digests", "in_containerd", "parent_id", "size", "tags")

    TAG = tag(images_pb2.ListImagesResponse.DESCRIPTOR, "images")
    MESSAGE = images_pb2.ImageSummary

    def __init__(self, message: images_pb2.ImageSummary, text: int) -> None:
        super().__init__(intern(message.id), message, text)
        self.tags = tuple(_short(name) for name in message.repo_tags if name != "<none>:<none>")
        self.digests = tuple(_short(name) for name in message.repo_digests if name != "<none>@<none>")
        self.parent_id = message.parent_id
        self.created = message.created_at.seconds
        self.size = message.size_bytes
        self.in_containerd = message.HasField("oci_descriptor")

    def named(self, wanted: Callable[[str], bool]) -> ImageRow:
        """Return the row with those of its tags and digests alone that are *wanted*."""
        message = self.summary()
        tags, digests = [name for name in self.tags if wanted(name)], [name for name in self.digests if wanted(name)]
        message.repo_tags[:], message.repo_digests[:] = tags, digests
        return ImageRow(message, self.text)


class NetworkRow(Row[networks_pb2.Network]):
    """A network."""

    __slots__ = ("driver", "name", "scope")

    TAG = tag(networks_pb2.ListNetworksResponse.DESCRIPTOR, "networks")
    MESSAGE = networks_pb2.Network

    def __init__(self, message: networks_pb2.Network, text: int) -> None:
        super().__init__(intern(message.id), message, text)
        self.name = intern(message.name)
        self.driver = intern(message.driver)
        self.scope = intern(message.scope)


class VolumeRow(Row[volumes_pb2.Volume]):
    """A volume, which is known by its name."""

    __slots__ = ("driver",)

    TAG = tag(volumes_pb2.ListVolumesResponse.DESCRIPTOR, "volumes")
    MESSAGE = volumes_pb2.Volume

    def __init__(self, message: volumes_pb2.Volume, text: int) -> None:
        super().__init__(message.name, message, text)
        self.driver = intern(message.driver)

    @property
    def name(self) -> str:
        """Its name."""
        return self.id
