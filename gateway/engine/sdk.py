"""Runs the blocking docker SDK on the event loop, without threads.

`SdkClient` is a `docker.APIClient`, which knows versions, URLs and parameters.  Only `request()` is replaced: it awaits
the gateway's own transport through a greenlet switch, as SQLAlchemy's asyncio extension does.
"""

from __future__ import annotations

import contextlib
import re
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ParamSpec, TypeVar, cast
from urllib.parse import unquote, urlsplit

import greenlet
import orjson
import requests
from docker import APIClient
from docker.auth import AuthConfig
from docker.errors import APIError, NotFound
from docker.utils.proxy import ProxyConfig

from gateway.engine.codec.json import NotEngineJson, parse
from gateway.engine.errors import BadResponse, NothingFound, Refused
from gateway.engine.transport.http import Request, Response
from gateway.engine.transport.response_parser import ERROR_BODY_BYTES
from gateway.engine.transport.timeouts import Deadline, Timeout

_OBJECT = re.compile(r"/v[\d.]+/(container|exec|image|network|volume)s?/([^?]+)/")
ERROR_BYTES = 4 << 10
"""The most bytes of an engine's error text that are kept.  Rules search it; clients receive 1 KiB of it."""

P = ParamSpec("P")
T = TypeVar("T")


async def run_blocking(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run *function* and return its result.  When it calls `wait_for`, this coroutine awaits in its place.

    The function shares the context variables of the caller.
    """
    worker = greenlet.greenlet(function)
    worker.gr_context = greenlet.getcurrent().gr_context
    step = worker.switch(*args, **kwargs)
    while not worker.dead:
        try:
            value = await cast("Awaitable[Any]", step)
        except BaseException as error:
            step = worker.throw(error)
        else:
            step = worker.switch(value)
    return cast("T", step)


def wait_for(awaitable: Awaitable[T]) -> T:
    """Return the result of *awaitable*.  Only for functions that run in `run_blocking`."""
    parent = greenlet.getcurrent().parent
    assert parent is not None, "the caller does not run in run_blocking"
    return cast("T", parent.switch(awaitable))


class _NoCredentials(AuthConfig):
    """No credentials: each call has its own.  It is never empty, or the SDK would load the machine's own."""

    @property
    def is_empty(self) -> bool:
        return False

    def add_auth(self, reg: str, data: dict[str, Any]) -> None:
        """Do nothing: a login belongs to one caller."""


_NO_CREDENTIALS = _NoCredentials({})
_NO_PROXIES = ProxyConfig()


class SdkClient(APIClient):
    """An `APIClient` whose requests go through `send_for_sdk` of a subclass."""

    def __init__(self, timeout: Timeout) -> None:
        """Store *timeout*, which is for each request.  Nothing is read from this machine, and nothing is sent."""
        # Not APIClient's own: it reads this machine's Docker configuration, fails on a broken one, and puts
        # credentials, proxies and headers of it into calls.  Nor that of a session of requests: its connections and
        # cookies, which nobody uses, would be a third of what a host takes.
        self.base_url = "http+docker://localhost"  # a placeholder: only the transport knows the address
        self.timeout = cast("int", timeout)  # a float will do
        self.credstore_env: dict[str, str] = {}
        self._version = "1.41"  # what the SDK puts into its URLs
        self._auth_configs = _NO_CREDENTIALS
        self._general_configs: dict[str, Any] = {}
        self._proxy_configs = _NO_PROXIES

    @abstractmethod
    async def send_for_sdk(self, request: Request, deadline: float | None) -> Response:
        """Send a request of the SDK.  Its target already has the API version."""

    async def run(self, method: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a method of the SDK.  Raises `docker.errors.APIError` and `TransportError`."""
        return await run_blocking(method, self, *args, **kwargs)

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request of the SDK; only within `run`."""
        if kwargs.pop("stream", False):
            raise NotImplementedError("streams are opened with Engine.open or Engine.session")
        timeout = kwargs.pop("timeout", None)
        kwargs.pop("allow_redirects", None)
        prepared = requests.Request(str(method).upper(), url, *args, **kwargs).prepare()
        wanted = _request(prepared)
        response = wait_for(self.send_for_sdk(wanted, Deadline.after(timeout) if timeout else None))
        if response.status >= 400:
            # The SDK's own reading of errors fails on some.
            raise engine_error(response, named=_named(wanted.target))
        return _sdk_response(response, response.body, cast("str", prepared.url))


def engine_error(
    response: Response, operation: str = "", named: tuple[tuple[str, str], ...] = (), hide: Callable[[str], str] = str
) -> Refused:
    """Return the SDK's exception for an error response to *operation*; *named* and *hide* are those of `Call`."""
    body = response.body[:ERROR_BYTES]
    # The response to a HEAD has only a status.
    explanation = body.decode(errors="backslashreplace").strip() or f"HTTP {response.status}"
    with contextlib.suppress(orjson.JSONDecodeError, TypeError, KeyError):
        message = orjson.loads(response.body[:ERROR_BODY_BYTES])["message"]
        explanation = message[:ERROR_BYTES] if isinstance(message, str) else explanation
    kind = NothingFound if response.status == 404 else Refused
    explanation = hide(explanation)
    error = kind(explanation, response=_sdk_response(response, body, ""), explanation=explanation)
    error.operation = operation
    error.named = named
    return error


def _named(target: str) -> tuple[tuple[str, str], ...]:
    """Return the object that the *target* of an SDK request names."""
    found = _OBJECT.match(target)
    return ((found[1], unquote(found[2])),) if found else ()


def _request(prepared: requests.PreparedRequest) -> Request:
    url = urlsplit(cast("str", prepared.url))
    return Request(
        cast("str", prepared.method),
        # A container's name may begin with a slash.
        url.path.replace("//", "/") + (f"?{url.query}" if url.query else ""),
        {name: str(value) for name, value in prepared.headers.items() if name != "Content-Length"},
        prepared.body.encode() if isinstance(prepared.body, str) else prepared.body,
    )


class _SdkResponse(requests.Response):
    """A response whose JSON is parsed by the gateway's own parser."""

    def json(self, **_: Any) -> Any:
        """Return the document.  Raises `BadResponse`."""
        try:
            return parse(self.content)
        except NotEngineJson as error:
            raise BadResponse(f"the host's response is not JSON: {error}", sent=True) from error


def _sdk_response(response: Response, body: bytes, url: str) -> requests.Response:
    made = _SdkResponse()
    made.status_code = response.status
    made.headers.update(cast("Mapping[str, str]", response.headers))
    made.url = url
    made._content = body
    return made


__all__ = ["ERROR_BYTES", "APIClient", "APIError", "NotFound", "SdkClient", "engine_error", "run_blocking", "wait_for"]
