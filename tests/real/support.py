"""What the tests on real engines have in common."""

from __future__ import annotations

import asyncio
import io
import tarfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from dockfleet.v1 import common_pb2, container_config_pb2, containers_pb2, exec_pb2, images_pb2

from gateway.config.settings import HostSettings
from tests.support.gateway import Client

if TYPE_CHECKING:
    from deploy.private_engines.engine import PrivateEngine

IMAGE = "dockfleet-test:latest"  # busybox, under a name that a borrowed engine's owner recognises
CHUNK = 256 << 10


@dataclass
class Fleet:
    """The hosts that there are, by name, and why others are not there."""

    hosts: dict[str, HostSettings] = field(default_factory=dict)
    engines: dict[str, PrivateEngine] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)

    def need(self, name: str) -> str:
        """Return *name*, or skip the test with the reason that it is not there."""
        if name in self.absent:
            pytest.skip(self.absent[name])
        return name


class Containers:
    """Makes containers on one host, and removes them; all bear the label `label`, which nothing else bears."""

    def __init__(self, client: Client, host: str) -> None:
        self._client = client
        self._host = host
        self._ids: list[str] = []
        self.label = f"dockfleet.test={uuid.uuid4()}"

    @property
    def filters(self) -> dict[str, common_pb2.StringList]:
        """The filters of a list that these containers alone pass."""
        return {"label": common_pb2.StringList(items=[self.label])}

    async def create(self, *cmd: str, name: str | None = None, **config: Any) -> str:
        """Create a container of `IMAGE`, or of *image*, that runs *cmd*, and return its id."""
        key, _, value = self.label.partition("=")
        spec = container_config_pb2.ContainerSpec(**{"image": IMAGE, "cmd": cmd, "labels": {key: value}} | config)
        if not spec.host_config.network_mode:
            spec.host_config.network_mode = "none"  # comes up faster, and needs no bridge
        request = containers_pb2.CreateContainerRequest(host=self._host, name=name, config=spec)
        self._ids.append((await self._client.containers.CreateContainer(request)).id)
        return self._ids[-1]

    async def start(self, *cmd: str, **config: Any) -> str:
        """Create and start a container, and return its id."""
        container = await self.create(*cmd, **config)
        request = containers_pb2.StartContainerRequest(host=self._host, id=container)
        await self._client.containers.StartContainer(request)
        return container

    async def run(self, *cmd: str, **config: Any) -> str:
        """Create and start a container, wait for its end, and return its id."""
        container = await self.start(*cmd, **config)
        await self.wait(container)
        return container

    async def wait(self, container: str) -> int:
        """Wait for the end of a container, and return its exit code."""
        request = containers_pb2.WaitContainerRequest(host=self._host, id=container)
        return (await self._client.containers.WaitContainer(request)).exit_code

    async def inspect(self, container: str) -> containers_pb2.Container:
        """Return what the engine knows of a container."""
        request = containers_pb2.InspectContainerRequest(host=self._host, id=container)
        return (await self._client.containers.InspectContainer(request)).container

    async def all_ids(self) -> list[str]:
        """Return the ids of those that exist, also of such as bear the label and were made by others."""
        request = containers_pb2.ListContainersRequest(host=self._host, all=True, filters=self.filters)
        return [one.id for one in (await self._client.containers.ListContainers(request)).containers]

    async def remove_all(self) -> None:
        """Remove all."""
        for container in await self.all_ids():
            request = containers_pb2.RemoveContainerRequest(
                host=self._host, id=container, force=True, remove_volumes=True
            )
            try:
                await self._client.containers.RemoveContainer(request)
            except grpc.aio.AioRpcError as error:
                if not (error.details() or "").endswith("container state improper: stopped"):
                    raise
                # Podman wants to kill a container that ends in the same moment.  It has ended now.
                await self._client.containers.RemoveContainer(request)


@dataclass
class Transcript:
    """What a session, or a run, sent: its output by stream, and the other frames by name."""

    stdout: bytes = b""
    stderr: bytes = b""
    frames: dict[str, Any] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)

    def add(self, response: Any) -> None:
        """Take one response in."""
        name = response.WhichOneof("record")
        if name == "output":
            if response.output.stream == common_pb2.STANDARD_STREAM_STDERR:
                self.stderr += response.output.data
            else:
                self.stdout += response.output.data
        else:
            self.frames[name] = getattr(response, name)
        if self.order[-1:] != [name]:
            self.order.append(name)

    @property
    def exit_code(self) -> int:
        """The exit code, which must have come."""
        end = self.frames["end"]
        assert end.HasField("exit_code")
        assert not end.unknown_reason
        return int(end.exit_code)


async def transcript(call: Any, until: Callable[[Transcript], bool] = lambda so_far: False) -> Transcript:
    """Read a call to its end, or until *until* holds."""
    read = Transcript()
    while not until(read) and (response := await call.read()) is not grpc.aio.EOF:
        read.add(response)
    return read


async def news(call: Any) -> Any:
    """Return the next message of a stream of logs or events that is no heartbeat."""
    while (message := await call.read()) is not grpc.aio.EOF and message.HasField("heartbeat"):
        pass
    return message


async def messages(call: Any) -> list[Any]:
    """Read the rest of a call."""
    read = []
    while (response := await call.read()) is not grpc.aio.EOF:
        read.append(response)
    return read


async def execute(client: Client, host: str, container: str, *cmd: str, stdin: bytes = b"", **start: Any) -> Transcript:
    """Run a command in a container, with *stdin* as its input when there is some, to its end."""
    call = client.exec.Exec()
    begin = exec_pb2.ExecStart(host=host, id=container, cmd=cmd, attach_stdin=bool(stdin), **start)
    await call.write(exec_pb2.ExecRequest(start=begin))
    if stdin:
        await call.write(exec_pb2.ExecRequest(stdin=stdin))
    await call.done_writing()
    return await transcript(call)


async def uploading(request: Any, start: Any, data: Iterable[bytes]) -> AsyncIterator[Any]:
    """Yield the messages of an upload: the *start*, then *data*."""
    yield request(start=start)
    for chunk in data:
        yield request(data=chunk)


def chunks(data: bytes) -> Iterable[bytes]:
    """Cut *data* into messages."""
    return (data[start : start + CHUNK] for start in range(0, len(data), CHUNK))


def tar(files: Mapping[str, bytes]) -> bytes:
    """Return a tar of *files*, by name."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as writer:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            writer.addfile(entry, io.BytesIO(content))
    return archive.getvalue()


async def import_image(client: Client, host: str, archive: bytes, image: str = IMAGE) -> str:
    """Make an image of a tar of a file system, and return its id."""
    repository, _, version = image.rpartition(":")
    start = images_pb2.ImportImageStart(host=host, from_src="-", repo=repository, tag=version, changes=['CMD ["sh"]'])
    call = client.images.ImportImage(uploading(images_pb2.ImportImageRequest, start, chunks(archive)))
    return [report.progress.status async for report in call][-1]


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 20.0) -> None:
    """Wait for a *condition* that no event signals; fail after *seconds*."""
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline, "the condition does not come true"
        await asyncio.sleep(0.02)


async def until_all_up(client: Client) -> None:
    """Wait until the gateway of *client*, which is in this process, knows that all its hosts are up."""

    async def all_up() -> bool:
        return all(host.failure is None for host in client.hosts_of_gateway)

    await until(all_up, 60)
