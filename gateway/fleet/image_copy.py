"""Copies an image from one host to others: one archive is read, and written to all of them at once.

Only a few chunks are kept for each target.  A slow target delays all others, but only for a bounded time, or until it
is down: then its copy fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from dockfleet.options.v1.options_pb2 import NAME_FORMAT_IMAGE
from dockfleet.v1 import images_pb2 as pb

from gateway.engine import queries
from gateway.engine.client import NotFound
from gateway.engine.codec import streams
from gateway.engine.codec.binding import Binding
from gateway.engine.errors import BadResponse, OutcomeUnknown, TimedOut
from gateway.engine.transport.timeouts import Deadline, Timeout
from gateway.fleet.fan_out import Put
from gateway.fleet.host import Host

_METHODS = pb.DESCRIPTOR.services_by_name["ImageService"].methods_by_name
_INSPECT = Binding(_METHODS["InspectImage"])
_LOAD = Binding(_METHODS["LoadImages"])
_SAVE = Binding(_METHODS["SaveImage"])
_TAG = Binding(_METHODS["TagImage"])
_WAITING = 16  # chunks of 256 KiB that a target has not accepted yet
_REPORT_BYTES = 4 << 20
_NEVER_SECONDS = -62_135_596_800  # the year 1: some engines write it for a time that is not known
_LOOK_SECONDS = 1.0  # between two looks at the state of a host that takes nothing


@dataclass(frozen=True, slots=True)
class Progress:
    """So many bytes of the archive were sent to a host, of about `total`."""

    host: Host
    sent: int
    total: int


@dataclass(frozen=True, slots=True)
class Copied:
    """The host has the image; `sent` bytes were needed, 0 where it had it before."""

    host: Host
    image_id: str
    sent: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The host does not have it."""

    host: Host
    error: Exception


Result = Progress | Copied | Failed


class ImageCopy:
    """One copy of an image.  `begin` inspects the image at its source; `to` copies it to several hosts at once."""

    def __init__(self, source: Host, image: str, *, host_timeout: Timeout, stall_timeout: Timeout) -> None:
        """Copy *image*, an id or a reference, from *source*.

        A target that does not say within *host_timeout* whether it has the image fails, and so does a source or a
        target that transfers nothing for *stall_timeout*.
        """
        self._source = source
        self._image = image
        self._host_timeout = host_timeout
        self._stall_timeout = stall_timeout
        self._found = pb.Image()

    async def begin(self) -> None:
        """Look the image up at the source.  Raises `docker.errors.APIError` and `TransportError`."""
        self._found = await _inspect(self._source, self._image)
        queries.checked_id(self._found.id, NAME_FORMAT_IMAGE)

    async def to(self, hosts: Sequence[Host], put: Put[Result]) -> None:
        """Copy to all *hosts* concurrently, and *put* the result of each."""
        lacking = []
        for host, present in zip(hosts, await asyncio.gather(*map(self._present, hosts)), strict=True):
            if present is None:
                lacking.append(host)
            else:
                await put(present)
        if not lacking:
            return
        pipes = [_Pipe(host, self._stall_timeout) for host in lacking]
        for pipe in pipes:
            pipe.task = asyncio.create_task(self._load(pipe, put))
        try:
            await self._read(pipes, put)
            await asyncio.gather(*(pipe.task for pipe in pipes))
        finally:
            for pipe in pipes:
                pipe.task.cancel()
            await asyncio.gather(*(pipe.task for pipe in pipes), return_exceptions=True)

    async def _present(self, host: Host) -> Copied | Failed | None:
        """Return that *host* has the image, with its name; or why that is not known; None when it does not."""
        deadline = Deadline.after(self._host_timeout)
        try:
            found = await _inspect(host, self._found.id, missing_ok=True, deadline=deadline)
            named = await self._named(host, deadline)
            if named is not None and found is None and same_content(named, self._found):
                return Copied(host, named.id, 0)
            if found is None:
                return None
            if not self._is_named_by_id and (named is None or named.id != self._found.id):
                await self._name(host)
        except Exception as error:
            return Failed(host, error)
        return Copied(host, self._found.id, 0)

    async def _named(self, host: Host, deadline: float | None = None) -> Any:
        """Return the image that has the name at *host*; None when there is none, or the copy is by id."""
        if self._is_named_by_id:
            return None
        return await _inspect(host, self._image, missing_ok=True, deadline=deadline)

    @property
    def _is_named_by_id(self) -> bool:
        return self._found.id.removeprefix("sha256:").startswith(self._image.removeprefix("sha256:"))

    async def _name(self, host: Host) -> None:
        if "@" in self._image:
            return  # a digest is no name that can be given
        repository, colon, tag = self._image.rpartition(":")
        if not colon or "/" in tag:
            repository, tag = self._image, "latest"
        request = pb.TagImageRequest(name=self._found.id, repo=repository, tag=tag)
        call = _TAG.call(request, host.engine.deadline())
        with host.inventory.changing(_TAG.touches, call):
            await host.engine.fetch(call)

    async def _read(self, pipes: Sequence[_Pipe], put: Put[Result]) -> None:
        """Read the archive into all *pipes* that are open."""
        engine, reported = self._source.engine, 0
        call = _SAVE.call(pb.SaveImageRequest(name=self._image), engine.deadline())
        try:
            async with (
                engine.open(call) as (_, connection),
                aclosing(streams.chunks(connection, self._stall_timeout)) as chunks,
            ):
                async for chunk in chunks:
                    await asyncio.gather(*(pipe.send(chunk) for pipe in pipes if pipe.is_open))
                    if not any(pipe.is_open for pipe in pipes):
                        return
                    reported += len(chunk)
                    if reported >= _REPORT_BYTES:
                        reported = 0
                        for pipe in pipes:
                            if pipe.is_open:
                                await put(Progress(pipe.host, pipe.sent, self._found.size_bytes))
        except Exception as error:
            for pipe in pipes:
                pipe.fail(error)
        else:
            for pipe in pipes:
                await pipe.send(b"")

    async def _load(self, pipe: _Pipe, put: Put[Result]) -> None:
        """Load the archive that comes by *pipe*, and compare the image."""
        host = pipe.host
        try:
            call = _LOAD.call(pb.LoadImagesStart(quiet=True), None)
            with host.inventory.changing(_LOAD.touches, call):
                async with (
                    host.engine.open(call, pipe.chunks()) as (_, connection),
                    aclosing(streams.lines(connection, self._stall_timeout)) as documents,
                ):
                    async for _ in documents:
                        pass  # progress reports; an error in them is raised
            loaded = await self._loaded(host)
        except asyncio.CancelledError:
            if pipe.failure is None:
                raise
            pipe.task.uncancel()
            await put(Failed(host, pipe.failure))
        except Exception as error:
            gone = f"{host.removed}; whether the engine has the image is not known"
            await put(Failed(host, OutcomeUnknown(gone, sent=True) if host.removed is not None else error))
        else:
            await put(Copied(host, loaded, pipe.sent))
        finally:
            pipe.close()

    async def _loaded(self, host: Host) -> str:
        """Return the id of the image that was loaded.  Raises `BadResponse` when it is another image."""
        if await _inspect(host, self._found.id, missing_ok=True) is not None:
            return self._found.id
        named = await self._named(host)
        if named is not None and same_content(named, self._found):
            return str(named.id)
        if self._is_named_by_id:
            why = "an engine with another kind of image store gives it another id: copy the image by its name"
            raise BadResponse(f"no image has the id {self._found.id} after the load; {why}", sent=True)
        has = "nothing" if named is None else f"{named.id} for {named.os}/{named.architecture}"
        wanted = f"{self._found.id} for {self._found.os}/{self._found.architecture}"
        raise BadResponse(f"the image that was loaded is {has}, not {wanted}", sent=True)


class _Pipe:
    """Carries the archive to one host, whose `task` loads it."""

    task: asyncio.Task[None]

    def __init__(self, host: Host, stall_timeout: Timeout) -> None:
        self.host = host
        self.is_open = True
        self.failure: Exception | None = None  # why the task was cancelled
        self.sent = 0
        self._stall_timeout = stall_timeout
        self._chunks: asyncio.Queue[bytes] = asyncio.Queue(_WAITING)

    async def send(self, chunk: bytes) -> None:
        """Send *chunk*, b"" for the end.  Wait while the host is slow, then cut it off."""
        if not self.is_open:
            return
        clock = asyncio.get_running_loop().time
        ends = clock() + self._stall_timeout
        while self.is_open:
            try:
                async with asyncio.timeout(min(_LOOK_SECONDS, self._stall_timeout)):
                    await self._chunks.put(chunk)
                self.sent += len(chunk)
                return
            except TimeoutError:
                if self.host.failure is not None:
                    self.fail(self.host.failure)
                elif clock() >= ends:
                    self.fail(TimedOut(f"the host took nothing of the image for {self._stall_timeout:g} s", sent=True))

    def fail(self, error: Exception) -> None:
        """End the load: the rest of the archive does not come."""
        if self.is_open:
            self.failure = error
            self.task.cancel()

    def close(self) -> None:
        """Accept no more chunks, and wake a waiting sender."""
        self.is_open = False
        while not self._chunks.empty():
            self._chunks.get_nowait()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the archive, for the upload."""
        while chunk := await self._chunks.get():
            yield chunk


def same_content(one: pb.Image, other: pb.Image) -> bool:
    """Return whether two images are the same, although their ids may differ.

    The id is the digest of the image's configuration where the engine stores layers itself, and that of its manifest or
    index where containerd stores it.
    """
    return bool(one.root_fs.layers) and _content(one) == _content(other)


def _content(image: pb.Image) -> Any:
    created = image.created_at.ToJsonString() if image.created_at.seconds > _NEVER_SECONDS else ""
    config = image.config
    health = config.healthcheck.SerializeToString(deterministic=True)
    texts = image.os, image.architecture, image.variant, config.working_dir, config.user, config.stop_signal
    orders = image.root_fs.layers, config.entrypoint.items, config.cmd, config.env, config.on_build, config.shell
    sets = config.exposed_ports, config.volumes
    return created, texts, [*map(list, orders)], [*map(sorted, sets)], dict(config.labels), health


async def _inspect(host: Host, name: str, *, missing_ok: bool = False, deadline: float | None = None) -> Any:
    """Return an image; with *missing_ok*, None when the host does not have it."""
    call = _INSPECT.call(pb.InspectImageRequest(name=name), deadline or host.engine.deadline())
    try:
        found: Any = _INSPECT.response(await host.engine.fetch(call), host.engine.skipped)
    except NotFound:
        if missing_ok:
            return None
        raise
    return found.image
