"""Views: the services of the contract as attributes that fill in the host and raise `DockfleetError`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from google.protobuf.message import Message

from dockfleet.calls import METHODS, Method, Shape
from dockfleet.resume_state import ResumeState

CallAdapter = Callable[[Any, Method, str], Callable[..., Any]]
"""Makes the method of a view from the method of a stub, its `Method` and the name of the host."""


class View:
    """The services for one host."""

    def __init__(self, stubs: Any, name: str, adapters: Mapping[Shape, CallAdapter]) -> None:
        """Use *stubs*, which has a stub per service as attributes, for the host called *name*."""
        self.name = name
        self._stubs = stubs
        self._adapters = adapters

    def __getattr__(self, name: str) -> Service:
        if name not in METHODS:
            raise AttributeError(f"the contract has no service {name!r}; it has {', '.join(METHODS)}")
        service = Service(getattr(self._stubs, name), METHODS[name], self.name, self._adapters)
        setattr(self, name, service)
        return service

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *METHODS]

    def _resumable(
        self, service: str, rpc: str, retry_seconds: float, timeout: float | None, fields: Mapping[str, Any]
    ) -> tuple[Callable[..., Any], ResumeState]:
        """Return the stub's method of the stream *rpc*, and the state of the stream."""
        method = METHODS[service][rpc]
        state = ResumeState(method, method.arguments(self.name, fields), retry_seconds, timeout)
        return getattr(getattr(self._stubs, service), rpc), state

    def _exec_start(self, id: str, cmd: Any, stdin: Any, fields: Mapping[str, Any]) -> Message:
        """Return the first frame of the exec of *cmd*."""
        arguments = {"id": id, "cmd": cmd, "attach_stdin": stdin is not None, **fields}
        return METHODS["exec"]["Exec"].arguments(self.name, arguments)


class Service:
    """A service for one host."""

    def __init__(
        self, stub: Any, methods: Mapping[str, Method], host: str, adapters: Mapping[Shape, CallAdapter]
    ) -> None:
        """Offer the *methods* of *stub*, each through the adapter of its shape."""
        self._stub = stub
        self._methods = methods
        self._host = host
        self._adapters = adapters

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in self._methods:
            close = get_close_matches(name, self._methods, 1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise AttributeError(f"{type(self._stub).__name__.removesuffix('Stub')} has no RPC {name!r}{hint}")
        method = self._methods[name]
        call = self._adapters[method.shape](getattr(self._stub, name), method, self._host)
        setattr(self, name, call)
        return call

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._methods]
