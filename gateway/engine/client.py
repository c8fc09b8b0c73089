"""One Docker Engine, as the docker SDK's `APIClient` on our own transport.

The SDK is the connection: it knows addresses, versions, credentials, URLs, parameters and errors.  Its one seam,
`request()`, awaits the asyncio transport through a greenlet switch, the way SQLAlchemy's asyncio extension
does it, so that every SDK method works without a thread: `await engine.call(APIClient.exec_inspect, id)`.
What needs no SDK method goes to the same transport directly: `ask`, `open` and `session`.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar, cast
from urllib.parse import urlsplit

import greenlet
import orjson
import requests
from docker import APIClient
from docker.auth import AuthConfig
from docker.errors import APIError, NotFound
from docker.utils.proxy import ProxyConfig

from gateway.engine.errors import (
    BadResponse,
    Disconnected,
    Incompatible,
    NothingFound,
    OperationFailed,
    OutcomeUnknown,
    Refused,
    TimedOut,
    TransportError,
)
from gateway.engine.transport.connection import Connection
from gateway.engine.transport.http import Request, Response
from gateway.engine.transport.pool import Address, Limits, Pool
from gateway.engine.versions import NEWEST, OLDEST, Need, Version

_VERSION = re.compile(r"(\d{1,3})\.(\d{1,3})")
_OTHER_VERSION = re.compile(r"client version .{1,20} is too (new|old)")
_ERROR_BYTES = 64 << 10
_ERROR_SECONDS = 5
_UPGRADE = {"Connection": "Upgrade", "Upgrade": "tcp"}
_READS = ("GET", "HEAD")

P = ParamSpec("P")
T = TypeVar("T")
# Called for every call: host, kind of call, outcome ("200", "error", "cancelled" …), seconds to the head or end.
Observer = Callable[[str, str, str, float], None]


class Call(NamedTuple):
    """One request to an engine; its `target` has no version prefix yet, and its body is `document` as JSON.

    `changes` tells whether it does more than read; `needs` names what not every API version has; `deadline` is in the
    loop's time and holds, for streams, until the head of the answer; `operation` is the RPC that it is made for.
    """

    request: Request
    changes: bool = True
    needs: tuple[Need, ...] = ()
    deadline: float | None = None
    limit: int | None = None
    document: Any = None
    operation: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an engine is: the address as Docker writes it, and the transport's."""

    url: str
    address: Address = field(repr=False)


class _NoCredentials(AuthConfig):
    """No credentials but those that come with a call; were it empty, the SDK would look for the machine's own."""

    @property
    def is_empty(self) -> bool:
        return False

    def add_auth(self, reg: str, data: dict[str, Any]) -> None:
        """Keep nothing of a login: it is one caller's own."""


class Engine(APIClient):
    """The client of one host.  All methods of the SDK can be called through `call`."""

    def __init__(
        self,
        name: str,
        endpoint: Endpoint,
        limits: Limits | None = None,
        observe: Observer = lambda host, kind, outcome, seconds: None,
    ) -> None:
        """Store; nothing is asked of the host before the first call."""
        limits = limits or Limits()
        # Not APIClient's own: it reads this machine's Docker configuration, fails on a broken one, and lets
        # credentials, proxies and headers of it leak into calls.
        requests.Session.__init__(self)
        self.trust_env = False
        self.headers.clear()
        self.base_url = "http+docker://localhost"  # whatever the address is: the transport alone knows the way
        self.timeout = cast("int", limits.call_timeout_seconds)  # a float will do
        self.credstore_env: dict[str, str] = {}
        self._version = "1.41"
        self._auth_configs = _NoCredentials({})
        self._general_configs: dict[str, Any] = {}
        self._proxy_configs = ProxyConfig()
        self.name = name
        self.endpoint = endpoint
        self.last_contact: float | None = None  # in seconds since 1970
        self.epoch = 0  # higher after every break of a connection: behind the address may be another engine
        self._observe = observe
        self._negotiated: Version | None = None
        self._negotiating = asyncio.Lock()
        self._pool = Pool(endpoint.address, limits, self._forget, host=name)

    @property
    def negotiated(self) -> str | None:
        """The API version in use, such as "1.41"; None before the first contact and after a break."""
        return None if self._negotiated is None else "{}.{}".format(*self._negotiated)

    @property
    def open_streams(self) -> int:
        """How many streams and sessions are open."""
        return self._pool.streams

    # The SDK's way

    async def call(self, method: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a method of the SDK, such as `APIClient.exec_inspect`, and return what it returns.

        Raises `docker.errors.APIError` for an answer that is an error, and `TransportError`.
        """
        await self.ready(None)
        try:
            return await self._run(method, *args, **kwargs)
        except APIError as error:
            if not self._has_changed(error):
                raise
            await self.ready(None)
            return await self._run(method, *args, **kwargs)

    async def _run(self, method: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        worker = greenlet.greenlet(lambda: method(self, *args, **kwargs))
        try:
            step = worker.switch()
            while not worker.dead:
                try:
                    value = await cast("Awaitable[Any]", step)
                except BaseException as error:
                    step = worker.throw(error)
                else:
                    step = worker.switch(value)
        except requests.JSONDecodeError as error:
            raise BadResponse(f"the host's answer is not JSON: {error}", sent=True) from error
        return cast("T", step)

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request of the SDK; only within `call`."""
        if kwargs.pop("stream", False):
            raise NotImplementedError("streams are opened with Engine.open or Engine.session")
        timeout = kwargs.pop("timeout", None)
        kwargs.pop("allow_redirects", None)
        prepared = self.prepare_request(requests.Request(str(method).upper(), url, *args, **kwargs))
        body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
        headers = {name: str(value) for name, value in prepared.headers.items() if name != "Content-Length"}
        target = urlsplit(cast("str", prepared.url))
        wanted = Request(
            cast("str", prepared.method),
            target.path + (f"?{target.query}" if target.query else ""),
            headers,
            body,
        )
        deadline = asyncio.get_running_loop().time() + timeout if timeout else None
        changes = wanted.method not in _READS
        parent = greenlet.getcurrent().parent
        assert parent is not None, "SDK methods run through Engine.call"
        answer = parent.switch(self._exchange(Call(wanted, changes, deadline=deadline), wanted))
        if answer.status >= 400:
            raise engine_error(answer)  # the SDK's own reading of errors fails on some
        return _response(answer, cast("str", prepared.url))

    # The direct way

    async def ask(self, call: Call) -> Response:
        """Send *call* and return the whole answer.

        Raises `docker.errors.APIError` for an answer that is an error, `TransportError`, `ApiTooOld`, `ApiTooNew` and
        `Incompatible`.
        """
        request = await self._versioned(call)
        answer = await self._exchange(call, request)
        if answer.status == 400 and self._has_changed(engine_error(answer)):
            answer = await self._exchange(call, await self._versioned(call))
        if answer.status >= 400:
            raise engine_error(answer, call.operation)
        return answer

    @contextlib.asynccontextmanager
    async def open(
        self, call: Call, upload: AsyncIterable[bytes] | None = None
    ) -> AsyncIterator[tuple[Response, Connection]]:
        """Send *call*, with *upload* as its body, and yield the answer's head and the connection to read from.

        Raises like `ask`, also from within, when the connection breaks while it is read.
        """
        async with contextlib.AsyncExitStack() as stack:
            try:
                opened = await stack.enter_async_context(self._open(call, upload))
            except APIError as error:
                if not self._has_changed(error) or upload is not None:  # an upload can not be sent again
                    raise
                opened = await stack.enter_async_context(self._open(call))
            yield opened

    @contextlib.asynccontextmanager
    async def _open(
        self, call: Call, upload: AsyncIterable[bytes] | None = None
    ) -> AsyncIterator[tuple[Response, Connection]]:
        request = await self._versioned(call)
        started = time.perf_counter()
        outcome = "error"
        try:
            async with self._pool.open(request, call.deadline, upload) as (answer, connection):
                outcome = str(answer.status)
                self.last_contact = time.time()
                self._observe(self.name, "stream", outcome, time.perf_counter() - started)
                if answer.status >= 400:
                    raise engine_error(
                        Response(answer.status, answer.headers, await _beginning(connection)), call.operation
                    )
                yield answer, connection
        except OperationFailed as error:
            error.operation = error.operation or call.operation
            raise
        except (Disconnected, TimedOut) as error:
            raise _judge(error, call) from error
        except asyncio.CancelledError:
            outcome = "cancelled" if outcome == "error" else outcome
            raise
        finally:
            if outcome in ("error", "cancelled"):
                self._observe(self.name, "stream", outcome, time.perf_counter() - started)

    @contextlib.asynccontextmanager
    async def session(self, call: Call) -> AsyncIterator[Connection]:
        """Send *call* and yield the connection that it turns into: what is read and written is the process's.

        Raises like `open`.
        """
        request = call.request._replace(headers={**call.request.headers, **_UPGRADE})
        async with self.open(call._replace(request=request)) as (answer, connection):
            if not connection.upgraded:
                raise BadResponse(f"the engine did not open a session (HTTP {answer.status})", sent=True)
            yield connection

    async def check(self, call: Call) -> None:
        """Raise what sending *call* would raise because of the host's API version."""
        await self._versioned(call)

    async def ready(self, deadline: float | None) -> Version:
        """Return the API version to use, asking the engine when it is not known.

        It is asked anew after every break of a connection: behind it may be another engine.
        Raises `TransportError` and `Incompatible`.
        """
        if self._negotiated is None:
            # Also a call that may last for ever wants to know soon, and may not keep the others waiting.
            latest = asyncio.get_running_loop().time() + self.timeout
            deadline = latest if deadline is None else min(deadline, latest)
            try:
                async with asyncio.timeout_at(deadline), self._negotiating:
                    if self._negotiated is None:
                        self._negotiated = await self._negotiate(deadline)
            except TimeoutError as error:
                raise TimedOut("the host did not answer within the time allowed") from error
        return self._negotiated

    async def probe(self, deadline: float) -> None:
        """Find out whether the engine answers.  Raises like `ready`, and `docker.errors.APIError`."""
        self._negotiated = await self._negotiate(deadline)

    def renew(self, endpoint: Endpoint) -> None:
        """Reach the engine as *endpoint* says, from the next connection on."""
        self.endpoint = endpoint
        self._pool.address = endpoint.address

    def shut(self) -> None:
        """Close all connections."""
        self._pool.close()

    async def _negotiate(self, deadline: float | None) -> Version:
        answer = await self._exchange(Call(_PING, changes=False, deadline=deadline), _PING)
        if answer.status >= 400:
            raise engine_error(answer)
        announced = answer.headers.get("api-version", "")
        version = _VERSION.fullmatch(announced)
        if version is None:
            raise BadResponse(f"the engine announces the API version {announced[:20]!r}", sent=True)
        theirs = (int(version[1]), int(version[2]))
        if theirs < OLDEST:
            raise Incompatible(f"the engine's API ends at {announced}; the gateway needs 1.41 or newer")
        negotiated = min(theirs, NEWEST)
        self._version = "{}.{}".format(*negotiated)  # what the SDK puts into its URLs
        return negotiated

    async def _versioned(self, call: Call) -> Request:
        version = self._negotiated or await self.ready(call.deadline)
        for need in call.needs:
            need.check(version)
        request = call.request
        body = request.body if call.document is None else orjson.dumps(call.document)
        return Request(request.method, f"/v{version[0]}.{version[1]}{request.target}", request.headers, body)

    async def _exchange(self, call: Call, request: Request) -> Response:
        started = time.perf_counter()
        outcome = "error"
        try:
            answer = await self._pool.ask(request, call.deadline, limit=call.limit, repeat=request.method in _READS)
            outcome = str(answer.status)
            self.last_contact = time.time()
        except (Disconnected, TimedOut) as error:
            raise _judge(error, call) from error
        except asyncio.CancelledError:
            outcome = "cancelled"  # by the client, or its deadline: it says nothing about the host
            raise
        finally:
            self._observe(self.name, "unary", outcome, time.perf_counter() - started)
        return answer

    def _forget(self) -> None:
        self._negotiated = None
        self.epoch += 1

    def _has_changed(self, error: APIError) -> bool:
        """Tell whether *error* says that behind the address is another version now; it has done nothing then."""
        if error.status_code != 400 or not _OTHER_VERSION.search(str(error.explanation)):
            return False
        self._forget()
        return True


_PING = Request("GET", "/_ping")


def part(document: Any, *names: str) -> Any:
    """Return a part of what the SDK returned.  Raises `BadResponse` when the engine did not send it."""
    for name in names:
        if not isinstance(document, dict) or name not in document:
            raise BadResponse(f"the host's answer has no {'.'.join(names)}", sent=True)
        document = document[name]
    return document


def engine_error(answer: Response, operation: str = "") -> Refused:
    """Return the SDK's exception for an answer to *operation* that is an error."""
    explanation = _text(answer.body) or f"HTTP {answer.status}"  # all that the answer to a HEAD says
    with contextlib.suppress(orjson.JSONDecodeError, TypeError, KeyError):
        explanation = str(orjson.loads(answer.body)["message"])
    kind = NothingFound if answer.status == 404 else Refused
    error = kind(explanation, response=_response(answer, ""), explanation=explanation)
    error.operation = operation
    return error


def _judge(error: TransportError, call: Call) -> TransportError:
    """Return what a break means: for a request that changes something, that nobody knows what happened."""
    if call.changes and error.sent:
        return OutcomeUnknown(f"{error}; whether the request took effect is not known", sent=True)
    return error


def _response(answer: Response, url: str) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    response.headers.update(cast("Mapping[str, str]", answer.headers))
    response.url = url
    response._content = answer.body
    return response


async def _beginning(connection: Connection) -> bytes:
    """Return the first part of an error's text; it may break off or be endless."""
    body = b""
    with contextlib.suppress(TransportError, TimeoutError):
        async with asyncio.timeout(_ERROR_SECONDS):
            while len(body) < _ERROR_BYTES and (data := await connection.read()):
                body += data
    return body[:_ERROR_BYTES]


def _text(body: bytes) -> str:
    return body[:_ERROR_BYTES].decode(errors="backslashreplace").strip()


__all__ = [
    "APIClient",  # with the two errors: what of the SDK the services use, so that they need no import of it
    "APIError",
    "Call",
    "Endpoint",
    "Engine",
    "Incompatible",
    "NotFound",
    "Observer",
    "OutcomeUnknown",
    "Refused",
    "engine_error",
]
