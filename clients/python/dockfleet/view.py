"""Views: the services of the contract as attributes that know their host and raise `DockfleetError`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.message import Message

from dockfleet.calls import METHODS, Method, Shape
from dockfleet.course import Course

Binder = Callable[[Any, Method, str], Callable[..., Any]]
"""Makes, of a stub's method, what it is and a host, the function that a view offers."""


class View:
    """The services, bound to one host."""

    def __init__(self, stubs: Any, name: str, binders: Mapping[Shape, Binder]) -> None:
        """Bind *stubs*, which has them as attributes, to the host called *name*."""
        self.name = name
        self._stubs = stubs
        self._binders = binders

    def __getattr__(self, name: str) -> Service:
        if name not in METHODS:
            raise AttributeError(f"the contract has no service {name!r}; it has {', '.join(METHODS)}")
        service = Service(getattr(self._stubs, name), METHODS[name], self.name, self._binders)
        setattr(self, name, service)
        return service

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *METHODS]

    def _course(
        self, service: str, rpc: str, patience: float, timeout: float | None, fields: Mapping[str, Any]
    ) -> tuple[Callable[..., Any], Course]:
        """Return the stub's method of the stream *rpc*, and the way that it takes from call to call."""
        method = METHODS[service][rpc]
        course = Course(method, method.arguments(self.name, fields), patience, timeout)
        return getattr(getattr(self._stubs, service), rpc), course

    def _exec_start(self, id: str, cmd: Any, stdin: Any, fields: Mapping[str, Any]) -> Message:
        """Return the first frame of the exec of *cmd*."""
        arguments = {"id": id, "cmd": cmd, "attach_stdin": stdin is not None, **fields}
        return METHODS["exec"]["Exec"].arguments(self.name, arguments)


class Service:
    """A service, bound to one host."""

    def __init__(self, stub: Any, methods: Mapping[str, Method], host: str, binders: Mapping[Shape, Binder]) -> None:
        """Offer the *methods* of *stub*, each as the binder of its shape makes it."""
        self._stub = stub
        self._methods = methods
        self._host = host
        self._binders = binders

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in self._methods:
            raise AttributeError(f"{type(self._stub).__name__.removesuffix('Stub')} has no RPC {name!r}")
        method = self._methods[name]
        call = self._binders[method.shape](getattr(self._stub, name), method, self._host)
        setattr(self, name, call)
        return call

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._methods]
