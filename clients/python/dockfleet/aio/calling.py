"""Calls of one host, by the shape of the RPC, for asyncio."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dockfleet.aio.library import response_of
from dockfleet.aio.resuming import ResumingStream
from dockfleet.aio.session import Session
from dockfleet.aio.stream import AsyncSource, Stream, Upload, uploaded
from dockfleet.calls import Method, Shape, Stubs, check_deadline
from dockfleet.view import BaseService, CallAdapter


class Service(BaseService):
    """A service, for one host where its RPCs have one."""

    def __init__(self, stubs: Stubs, name: str, host: str = "") -> None:
        """Call the stub called *name* for *host*."""
        super().__init__(stubs, name, host, ADAPTERS)

    def _resuming(self, rpc: str, retry_seconds: float, deadline: float | None, **fields: Any) -> ResumingStream[Any]:
        state = self._resume_state(rpc, retry_seconds, deadline, fields)
        return ResumingStream(getattr(self._stub, rpc), state)


def _unary(rpc: Any, method: Method, host: str) -> Callable[..., Any]:
    async def call(*, deadline: float | None = None, **fields: Any) -> Any:
        return await response_of(rpc, method.arguments(host, fields), check_deadline(deadline))

    return call


def _stream(rpc: Any, method: Method, host: str) -> Callable[..., Any]:
    def call(*, deadline: float | None = None, **fields: Any) -> Stream[Any]:
        return Stream(rpc(method.arguments(host, fields), timeout=check_deadline(deadline)))

    return call


def _upload(rpc: Any, method: Method, host: str) -> Callable[..., Any]:
    async def call(source: AsyncSource, /, *, deadline: float | None = None, **fields: Any) -> Any:
        upload = Upload(method.frame, method.arguments(host, fields), source)
        return await uploaded(rpc, upload, check_deadline(deadline))

    return call


def _upload_stream(rpc: Any, method: Method, host: str) -> Callable[..., Any]:
    def call(source: AsyncSource, /, *, deadline: float | None = None, **fields: Any) -> Stream[Any]:
        upload = Upload(method.frame, method.arguments(host, fields), source)
        return Stream(rpc(upload, timeout=check_deadline(deadline)), upload)

    return call


def _session(rpc: Any, method: Method, host: str) -> Callable[..., Any]:
    def call(*, deadline: float | None = None, **fields: Any) -> Session:
        return Session(rpc, method.frame, method.arguments(host, fields), check_deadline(deadline))

    return call


ADAPTERS: dict[Shape, CallAdapter] = {
    Shape.UNARY: _unary,
    Shape.STREAM: _stream,
    Shape.UPLOAD: _upload,
    Shape.UPLOAD_STREAM: _upload_stream,
    Shape.SESSION: _session,
}
