"""One Docker Engine: its API version, and calls, streams and sessions.

`Engine` is a docker SDK client on the gateway's own transport (`engine/sdk.py`): `await engine.call(
APIClient.exec_inspect, id)` runs any method of the SDK.  `fetch`, `open` and `session` use the same transport without
the SDK.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec, TypeVar

from gateway.engine.call import PING, Call, Named, Skipped, count_nothing
from gateway.engine.errors import (
    BadResponse,
    Busy,
    Disconnected,
    Incompatible,
    OperationFailed,
    OutcomeUnknown,
    TimedOut,
    TransportError,
)
from gateway.engine.kinds import OF_CLIENTS, Kind
from gateway.engine.observer import Observer
from gateway.engine.sdk import APIClient, APIError, NotFound, SdkClient, engine_error
from gateway.engine.tracing import NoTracer, Tracer
from gateway.engine.transport.budget import Budget
from gateway.engine.transport.connection import Connection
from gateway.engine.transport.http import Request, Response
from gateway.engine.transport.large_responses import SharedRoom
from gateway.engine.transport.pool import Address, Limits, Pool
from gateway.engine.transport.response_parser import ERROR_BODY_BYTES
from gateway.engine.transport.ssh.login import Logins
from gateway.engine.transport.timeouts import Deadline, Timeout, within
from gateway.engine.transport.turns import Traffic, Turns
from gateway.engine.versions import NEWEST, OLDEST, Version

_VERSION = re.compile(r"(\d{1,3})\.(\d{1,3})")
_OTHER_VERSION = re.compile(r"client version .{1,20} is too (new|old)")
_ERROR_SECONDS = 5
_UPGRADE = {"Connection": "Upgrade", "Upgrade": "tcp"}
_READS = ("GET", "HEAD")

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The location of an engine: its URL as Docker writes it, and its address for the transport."""

    url: str
    address: Address = field(repr=False)


class Engine(SdkClient):
    """The client of one engine.  `call` runs any method of the SDK."""

    def __init__(
        self,
        name: str,
        endpoint: Endpoint,
        limits: Limits | None = None,
        observer: Observer | None = None,
        logins: Logins | None = None,
        traffic: Traffic | None = None,
        room: SharedRoom | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        """Store the arguments; nothing is sent before the first call.

        All ssh hosts share *logins*; all hosts share *traffic*, *room* and *tracer*.
        """
        limits = limits or Limits()
        super().__init__(Timeout.of(limits.call_timeout_seconds, "limits.read_timeout_seconds"))
        self.name = name
        self.endpoint = endpoint

        self.last_contact: float | None = None  # in seconds since 1970
        self.epoch = 0  # incremented when a connection breaks: another engine may answer then
        self.is_podman = False  # it forgets the pids of ended execs, and has filters and ids of its own kind
        self.skipped: Skipped = count_nothing
        self.observer = observer or Observer()
        self._tracer: Tracer = tracer or NoTracer()
        self._negotiated: Version | None = None
        self._negotiating = asyncio.Lock()
        self._pool = Pool(
            endpoint.address,
            limits,
            self._lost,
            host=name,
            logins=logins,
            traffic=traffic,
            room=room,
            waited=lambda kind, seconds: self.observer.waited(kind, seconds),
        )

    @property
    def negotiated(self) -> str | None:
        """The API version in use, such as "1.41"; None before the first contact and after a break."""
        return None if self._negotiated is None else "{}.{}".format(*self._negotiated)

    @property
    def negotiated_version(self) -> Version | None:
        """`negotiated` as numbers."""
        return self._negotiated

    @property
    def open_streams(self) -> int:
        """How many streams and sessions are open."""
        return self._pool.streams

    @property
    def certificates(self) -> Mapping[str, float]:
        """When certificates expire, in seconds since 1970, by owner (engine, gateway)."""
        return self._pool.certificates

    @property
    def budgets(self) -> Mapping[Kind, Budget]:
        """The budgets by kind: the open calls and their bounds."""
        return self._pool.budgets

    @property
    def turns(self) -> Turns:
        """The turns of this host: they bound how long its work may block the event loop."""
        return self._pool.turns

    def deadline(self) -> Deadline:
        """Return the deadline of a request that the gateway makes itself."""
        return Deadline.after(self.timeout)

    # Calls

    async def call(self, method: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a method of the SDK, such as `APIClient.exec_inspect`, and return what it returns.

        Raises `docker.errors.APIError` for a response that is an error, and `TransportError`.
        """
        self.observer.admit(Kind.UNARY)
        return await self.call_anyway(method, *args, **kwargs)

    async def call_anyway(self, method: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do the same even when the host is known to be down, for cleanup."""
        await self.negotiate(None)
        try:
            return await self.run(method, *args, **kwargs)
        except APIError as error:
            if not self._has_changed(error):
                raise
            await self.negotiate(None)
            return await self.run(method, *args, **kwargs)

    async def fetch(self, call: Call) -> Response:
        """Send *call* and return the whole response.

        Raises `docker.errors.APIError` for a response that is an error, `TransportError`, `ApiTooOld`, `ApiTooNew`
        and `Incompatible`.
        """
        self._admit(call.kind or Kind.UNARY)
        try:
            response = await self._fetch(call, await self._prefix(call))
            if response.status == 400 and self._has_changed(engine_error(response)):
                response = await self._fetch(call, await self._prefix(call))
        except TransportError:
            await self._failed()
            raise
        if response.status >= 400:
            raise engine_error(response, call.operation, call.named, call.hide)
        return response

    async def send_for_sdk(self, request: Request, deadline: float | None) -> Response:
        """Send a request of the SDK; see `SdkClient`."""
        return await self._fetch(Call(request, request.method not in _READS, deadline=deadline), "")

    async def check(self, call: Call) -> None:
        """Raise `ApiTooOld`, `ApiTooNew` or `Incompatible` if the host's API version does not fit *call*."""
        await self._prefix(call)

    async def _fetch(self, call: Call, prefix: str) -> Response:
        kind = call.kind or Kind.UNARY
        span = self._tracer.call(self.name, call, kind)
        if span is None:
            return await self._send(call, kind, prefix)
        failure: BaseException | None = None
        try:
            response = await self._send(span.on(call), kind, prefix)
            span.answered(response.status)
        except BaseException as error:
            failure = error
            raise
        finally:
            span.end(failure)
        return response

    async def _send(self, call: Call, kind: Kind, prefix: str) -> Response:
        started = time.perf_counter()
        try:
            repeat = call.request.method in _READS
            response = await self._pool.fetch(call.request, call.deadline, kind, prefix=prefix, repeat=repeat)
        except BaseException as error:
            self.observer.failed(call, kind, error, time.perf_counter() - started)
            if isinstance(error, Busy | Disconnected | TimedOut):
                raise _as_outcome_unknown(error, call) from error
            raise
        self.last_contact = time.time()
        self.observer.answered(call, kind, response.status, time.perf_counter() - started)
        return response

    # Streams and sessions

    @contextlib.asynccontextmanager
    async def open(
        self, call: Call, upload: AsyncIterable[bytes] | None = None
    ) -> AsyncIterator[tuple[Response, Connection]]:
        """Send *call* with *upload* as its body; yield the head of the response, and the connection with its body.

        Raises like `fetch`, also within the block when the connection breaks.
        """
        opened = False
        try:
            async with self._open(call, upload) as (response, connection):
                opened = True
                yield response, connection
                return
        except APIError as error:
            if opened or not self._has_changed(error) or upload is not None:  # an upload cannot be sent again
                raise
        except TransportError:
            await self._failed()
            raise
        async with self._open(call) as (response, connection):
            yield response, connection

    def _admit(self, kind: Kind) -> None:
        """Raise a `CallError` if no call of *kind* can succeed now; record a call of a client."""
        self.observer.admit(kind)
        if kind in OF_CLIENTS:  # the gateway's own calls need no pauses of other hosts
            self.turns.call()

    async def _failed(self) -> None:
        """Wait for a turn: when a host breaks, all its calls fail at once, and each status takes time."""
        if self.turns.spent:
            await self.turns.next()

    @contextlib.asynccontextmanager
    async def _open(
        self, call: Call, upload: AsyncIterable[bytes] | None = None
    ) -> AsyncIterator[tuple[Response, Connection]]:
        kind = call.kind or Kind.STREAM
        self._admit(kind)
        prefix = await self._prefix(call)
        span = self._tracer.call(self.name, call, kind)
        call = span.on(call) if span is not None else call
        started, answered, failure = time.perf_counter(), False, None
        try:
            async with self._pool.open(call.request, call.deadline, upload, kind, prefix=prefix) as (head, connection):
                answered = True
                self.last_contact = time.time()
                self.observer.answered(call, kind, head.status, time.perf_counter() - started)
                if span is not None:
                    span.answered(head.status)
                if head.status >= 400:
                    head.body = await _error_body(connection)
                    raise engine_error(head, call.operation, call.named, call.hide)
                yield head, connection
        except BaseException as error:
            failure = error
            if not answered:
                self.observer.failed(call, kind, error, time.perf_counter() - started)
            if isinstance(error, OperationFailed):
                error.operation = error.operation or call.operation
                error.named = error.named or call.named
                error.args = (call.hide(str(error)),)
            if isinstance(error, Disconnected | TimedOut):
                raise _as_outcome_unknown(error, call) from error
            raise
        finally:
            if span is not None:
                span.end(failure)

    @contextlib.asynccontextmanager
    async def session(self, call: Call) -> AsyncIterator[Connection]:
        """Send *call* and yield the connection as a session.  Its bytes are the input and output of a process.

        Raises like `open`.
        """
        request = call.request._replace(headers={**call.request.headers, **_UPGRADE})
        async with self.open(call._replace(request=request)) as (response, connection):
            if not connection.upgraded:
                raise BadResponse(f"the engine did not open a session (HTTP {response.status})", sent=True)
            yield connection

    def renew(self, endpoint: Endpoint) -> None:
        """Use *endpoint* from the next connection on."""
        self.endpoint = endpoint
        self._pool.renew(endpoint.address)

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    # The API version

    async def negotiate(self, deadline: float | None) -> Version:
        """Return the API version to use; ping the engine if it is not known.

        The version is forgotten after every break of a connection, because another engine may answer then.
        Raises `TransportError` and `Incompatible`.
        """
        if self._negotiated is None:
            # Other calls wait for this one, so it needs a deadline of its own.
            latest: float = self.deadline()
            if deadline is not None:
                latest = min(latest, deadline)
            try:
                async with asyncio.timeout_at(latest), self._negotiating:
                    if self._negotiated is None:
                        self._negotiated = await self._ask_version(latest)
            except TimeoutError as error:
                raise TimedOut(f"the host did not respond {within(latest)}") from error
        return self._negotiated

    async def probe(self, deadline: float) -> Response:
        """Return the response to a ping.  Raises like `negotiate`, and `docker.errors.APIError`."""
        response = await self._ping(deadline)
        self._negotiated = self._version_of(response)
        return response

    async def _ask_version(self, deadline: float) -> Version:
        return self._version_of(await self._ping(deadline))

    async def _ping(self, deadline: float) -> Response:
        return await self._fetch(Call(PING, changes=False, deadline=deadline, kind=Kind.PROBE), "")

    def _version_of(self, response: Response) -> Version:
        """Return the API version to use, from the *response* to a ping."""
        if response.status >= 400:
            raise engine_error(response)
        announced = response.headers.get("api-version", "")
        version = _VERSION.fullmatch(announced)
        if version is None:
            raise BadResponse(f"the engine reports the API version {announced[:20]!r}", sent=True)
        newest = (int(version[1]), int(version[2]))
        if newest < OLDEST:
            raise Incompatible(f"the engine's newest API version is {announced}; the gateway needs 1.41 or newer")
        negotiated = min(newest, NEWEST)
        self._version = "{}.{}".format(*negotiated)  # what the SDK puts into its URLs
        self.is_podman = "libpod-api-version" in response.headers
        return negotiated

    async def _prefix(self, call: Call) -> str:
        """Return the API version as a path prefix.  Raises like `check`."""
        version = self._negotiated or await self.negotiate(call.deadline)
        for need in call.needs:
            need.check(version)
        return f"/v{version[0]}.{version[1]}"

    def _lost(self) -> None:
        self._forget_version()
        self.observer.lost()

    def _forget_version(self) -> None:
        self._negotiated = None
        self.epoch += 1

    def _has_changed(self, error: APIError) -> bool:
        """Return whether *error* says that the engine's API version has changed.  The engine did not run the request
        then.
        """
        if error.status_code != 400 or not _OTHER_VERSION.search(str(error.explanation)):
            return False
        self._forget_version()
        return True


def _as_outcome_unknown(error: TransportError, call: Call) -> TransportError:
    """Return *error*, or `OutcomeUnknown` if *call* changes something and may have reached the engine."""
    if call.changes and error.sent:
        return OutcomeUnknown(f"{error}; whether the request took effect is not known", sent=True)
    return error


async def _error_body(connection: Connection) -> bytes:
    """Return the beginning of an error's body.  The body may break off, or never end."""
    body = b""
    with contextlib.suppress(TransportError, TimeoutError):
        async with asyncio.timeout(_ERROR_SECONDS):
            while len(body) < ERROR_BODY_BYTES and (data := await connection.read()):
                body += data
    return body[:ERROR_BODY_BYTES]


# Some of them are the SDK's.
__all__ = ["APIClient", "APIError", "Call", "Endpoint", "Engine", "Named", "NotFound", "Skipped", "count_nothing"]
