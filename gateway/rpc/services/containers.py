"""ContainerService: attach and run; archives, logs and stats have modules of their own.  The rest is mirrored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from typing import Any

from dockfleet.options.v1.options_pb2 import NAME_FORMAT_CONTAINER
from dockfleet.v1 import containers_pb2 as pb
from dockfleet.v1 import images_pb2
from dockfleet.v1.common_pb2 import SLOW_READER_DROP, SLOW_READER_WAIT, SessionEnd, SessionStarted, TerminalSize

from gateway.engine import queries
from gateway.engine.client import APIClient, APIError, Engine, NotFound
from gateway.engine.codec import streams
from gateway.engine.codec.binding import Binding
from gateway.engine.errors import InvalidField, TransportError
from gateway.engine.kinds import Kind
from gateway.engine.process import session
from gateway.engine.transport.http import Response
from gateway.fleet.host import Host
from gateway.rpc.backend import Backend
from gateway.rpc.context import CallContext, StreamContext
from gateway.rpc.encoding import output_encoder
from gateway.rpc.mirror import coalesced, first
from gateway.rpc.run_request import CREATE, create_request, has_tag
from gateway.rpc.terminal import forward_input, read_output

_METHODS = pb.DESCRIPTOR.services_by_name["ContainerService"].methods_by_name
_ATTACH = Binding(_METHODS["AttachContainer"])
_REMOVE = Binding(_METHODS["RemoveContainer"])
_START = Binding(_METHODS["StartContainer"])
_WAIT = Binding(_METHODS["WaitContainer"])
_IMAGE_METHODS = images_pb2.DESCRIPTOR.services_by_name["ImageService"].methods_by_name
_INSPECT_IMAGE = Binding(_IMAGE_METHODS["InspectImage"])
_PULL = Binding(_IMAGE_METHODS["PullImage"])
_REMOVE_SECONDS = 60  # for taking back what was made for a client that has left


class ContainerService:
    """What of containers is more than one request."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def AttachContainer(
        self, requests: AsyncIterator[pb.AttachContainerRequest], context: StreamContext
    ) -> AsyncGenerator[Any, None]:
        """Carry the input and output of a container's main process."""
        start: pb.AttachContainerStart = await first(requests)
        host = self._backend.host(start, context)
        engine = host.engine
        if start.slow_reader == SLOW_READER_WAIT:
            raise InvalidField(
                "slow_reader", "must be SLOW_READER_DROP or SLOW_READER_CLOSE: a container waits for nobody"
            )
        call = _ATTACH.call(start, self._backend.timeouts.deadline(_ATTACH, context))
        tty = (await queries.inspect(engine, start.id)).terminal
        encode = output_encoder(pb.AttachContainerResponse)

        async def resize(size: TerminalSize) -> None:
            await engine.call(APIClient.resize, start.id, height=size.height, width=size.width)

        slow_reader, stall = start.slow_reader or SLOW_READER_DROP, self._backend.timeouts.stall
        async with (
            session.start(engine, call, terminal=tty) as attached,
            read_output(attached, context.guard, slow_reader, stall, host.metrics.dropped) as output,
        ):
            yield pb.AttachContainerResponse(started=SessionStarted(tty=tty))
            async with forward_input(requests, attached, resize, stdin=start.attach_stdin):
                async for frames in output:
                    for message in encode(frames):
                        yield message
        yield pb.AttachContainerResponse(end=await _end(engine, start.id))

    async def RunContainer(self, request: pb.RunContainerRequest, context: StreamContext) -> AsyncGenerator[Any, None]:
        """Pull if need be, create, start, and report output and exit code."""
        host = self._backend.host(request, context)
        engine = host.engine
        create = create_request(request)  # refuses what cannot be sent before anything is pulled
        made = None
        if request.pull != pb.PULL_POLICY_ALWAYS:
            try:
                made = await self._create(engine, create, context)
            except NotFound as error:
                # Whatever is missing, the engine says it in its own words: so it is asked for the image.
                if request.pull == pb.PULL_POLICY_NEVER or await self._has_image(engine, request, context):
                    raise error from None
        if made is None:
            async with aclosing(self._pull(host, request, context)) as progress:
                async for report in progress:
                    yield pb.RunContainerResponse(pull=report)
            made = await self._create(engine, create, context)
        remove = request.config.host_config.auto_remove
        host.inventory.wrote(made.id)
        try:
            async with self._removed_unless_started(engine, made.id, remove=remove) as started:
                yield pb.RunContainerResponse(created=pb.ContainerCreated(id=made.id, warnings=made.warnings))
                async with aclosing(self._started(host, made.id, request, context, started)) as replies:
                    async for reply in replies:
                        yield reply
        finally:
            host.inventory.wrote(made.id)

    async def _has_image(self, engine: Engine, request: pb.RunContainerRequest, context: CallContext) -> bool:
        """Return whether the host has the image, for the platform that is wanted."""
        inspect = images_pb2.InspectImageRequest(name=request.config.image)
        call = _INSPECT_IMAGE.call(inspect, self._backend.timeouts.deadline(_INSPECT_IMAGE, context))
        try:
            found: Any = _INSPECT_IMAGE.response(await engine.fetch(call), engine.skipped)
        except NotFound:
            return False
        return not request.platform or _is_of(found.image, request.platform)

    async def _create(self, engine: Engine, create: pb.CreateContainerRequest, context: CallContext) -> Any:
        call = CREATE.call(create, self._backend.timeouts.deadline(CREATE, context))
        creating = asyncio.ensure_future(engine.fetch(call))
        try:
            return _created(await asyncio.shield(creating))
        except asyncio.CancelledError:
            # The engine continues: what it makes for a client that has left must not stay.
            self._backend.afterwards(_remove_made(engine, creating))
            raise

    async def _pull(
        self, host: Host, request: pb.RunContainerRequest, context: CallContext
    ) -> AsyncGenerator[Any, None]:
        pull = images_pb2.PullImageRequest(image=request.config.image)
        if not has_tag(pull.image):
            pull.tag = "latest"  # without one, the engine would pull all tags of the repository
        if request.HasField("platform"):
            pull.platform = request.platform
        if request.HasField("registry_auth"):
            pull.registry_auth.CopyFrom(request.registry_auth)
        call = _PULL.call(pull, self._backend.timeouts.deadline(_PULL, context))
        idle = self._backend.timeouts.idle(context)
        with host.inventory.changing(_PULL.touches, call):
            async with (
                host.engine.open(call) as (_, connection),
                coalesced(streams.lines(connection, idle)) as documents,
            ):
                async for document in documents:
                    message: Any = _PULL.document(document, host.engine.skipped)
                    yield message.progress

    async def _started(
        self, host: Host, id: str, request: pb.RunContainerRequest, context: StreamContext, started: list[bool]
    ) -> AsyncGenerator[pb.RunContainerResponse | bytes, None]:
        engine = host.engine
        deadline = self._backend.timeouts.deadline(_START, context)
        start = _START.call(pb.StartContainerRequest(id=id), deadline)
        if request.detach:
            await engine.fetch(start)
            started.append(True)
            host.inventory.wrote(id)
            yield pb.RunContainerResponse(started=SessionStarted(tty=request.config.tty))
            return
        attach = pb.AttachContainerStart(id=id, stream=True, attach_stdout=True, attach_stderr=True)
        encode = output_encoder(pb.RunContainerResponse)
        async with AsyncExitStack() as stack:
            # Both listen before the start: neither output nor exit code can be missed.
            attached = await stack.enter_async_context(
                session.start(engine, _ATTACH.call(attach, deadline), terminal=request.config.tty)
            )
            answer, waiting = await stack.enter_async_context(
                engine.open(_WAIT.call(pb.WaitContainerRequest(id=id, condition="next-exit"), deadline))
            )
            await engine.fetch(start)
            started.append(True)
            host.inventory.wrote(id)
            yield pb.RunContainerResponse(started=SessionStarted(tty=request.config.tty))
            slow_reader, stall = request.slow_reader or SLOW_READER_WAIT, self._backend.timeouts.stall
            output = read_output(attached, context.guard, slow_reader, stall, host.metrics.dropped)
            async for frames in await stack.enter_async_context(output):
                for message in encode(frames):
                    yield message
            answer.body = await streams.whole(waiting)
            end = _waited(_WAIT.response(answer, engine.skipped))
        if request.config.host_config.auto_remove:
            end.error = await _removal(engine, id, deadline) or end.error
        host.inventory.wrote(id)
        yield pb.RunContainerResponse(end=end)

    @asynccontextmanager
    async def _removed_unless_started(self, engine: Engine, id: str, *, remove: bool) -> AsyncIterator[list[bool]]:
        """Remove the container when the block ends before it puts something into the list it is given.

        One that the engine could not start stays, for its owner to look at, unless *remove* says otherwise.
        """
        started: list[bool] = []
        stays = False
        try:
            yield started
        except APIError:
            stays = not remove
            raise
        finally:
            if not started and not stays:
                await asyncio.shield(self._backend.afterwards(_remove(engine, id)))


async def _removal(engine: Engine, id: str, deadline: float | None) -> str:
    """Wait until a container that removes itself is gone; return why it is not, if so.

    This is no wait for the exit code: Podman says 0 with every removal.
    """
    call = _WAIT.call(pb.WaitContainerRequest(id=id, condition="removed"), deadline)
    with suppress(NotFound):
        async with engine.open(call) as (answer, waiting):
            answer.body = await streams.whole(waiting)
            removed: Any = _WAIT.response(answer, engine.skipped)
            return str(removed.error.message)
    return ""


def _created(response: Response) -> Any:
    created: Any = CREATE.response(response)
    queries.checked_id(created.id, NAME_FORMAT_CONTAINER)
    return created


async def _remove_made(engine: Engine, creating: asyncio.Future[Response]) -> None:
    """Remove the container that *creating* makes."""
    with suppress(APIError, TransportError, TimeoutError):
        async with asyncio.timeout(_REMOVE_SECONDS):
            made = _created(await creating)
        await _remove(engine, made.id)


async def _remove(engine: Engine, id: str) -> None:
    """Remove a container if it can be removed: what made that necessary is what the caller must learn."""
    deadline = asyncio.get_running_loop().time() + _REMOVE_SECONDS
    removal = _REMOVE.call(pb.RemoveContainerRequest(id=id, force=True, remove_volumes=True), deadline)
    with suppress(APIError, TransportError):
        await engine.fetch(removal._replace(kind=Kind.CLEANUP))


def _waited(answer: Any) -> SessionEnd:
    if not answer.HasField("exit_code"):
        return SessionEnd(unknown_reason="the engine did not tell it", error=answer.error.message)
    return SessionEnd(exit_code=answer.exit_code, error=answer.error.message)


async def _end(engine: Engine, id: str) -> SessionEnd:
    try:
        container = await queries.inspect(engine, id)
    except NotFound:
        return SessionEnd(unknown_reason="the container was removed")
    if container.running:
        return SessionEnd(running=True, unknown_reason="the process still runs")
    if container.status == "created":
        return SessionEnd(unknown_reason="the container was never started")
    code = container.exit_code
    return SessionEnd(exit_code=code, unknown_reason="" if code is not None else "the engine does not tell it")


def _is_of(image: Any, platform: str) -> bool:
    """Return whether an image is of *platform*, such as `linux/arm64`, `linux` or `arm64`."""
    has = (image.os, image.architecture, image.variant)
    pairs = zip(platform.split("/"), has, strict=False)
    return platform in has or all(wanted == each or not each for wanted, each in pairs)
