"""The common part of the services of a host and of the fleet.  No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from dockfleet.calls import METHODS, Method, Shape, Stubs
from dockfleet.hints import Explained
from dockfleet.resume_state import ResumeState

CallAdapter = Callable[[Any, Method, str], Callable[..., Any]]
"""Makes the method of a view from the method of a stub, its `Method` and the name of the host."""


class BaseService(Explained):
    """A service, for one host where its RPCs have one."""

    def __init__(self, stubs: Stubs, name: str, host: str, adapters: Mapping[Shape, CallAdapter]) -> None:
        """Call the stub called *name*, for *host*, through the adapters of the RPCs' shapes."""
        self._stub = getattr(stubs, name)
        self._name = name
        self._methods = METHODS[name]
        self._host = host
        self._adapters = adapters
        self._calls: dict[str, Callable[..., Any]] = {}

    def rpc(self, name: str) -> Callable[..., Any]:
        """Return what calls the RPC called *name*, such as `PullImage`, without types.

        Its arguments are the fields of the request; *deadline* is in seconds.  Its result is what the contract says: a
        response, a `Stream` of them or a `Session`.  An upload takes its source first.  Raises `ValueError` when there
        is no such RPC.
        """
        if name in self._calls:
            return self._calls[name]
        if name not in self._methods:
            close = get_close_matches(name, self._methods, 1)
            hint = f"did you mean {close[0]}?" if close else f"it has {', '.join(self._methods)}"
            raise ValueError(f"{type(self).__name__} has no RPC {name!r}; {hint}")
        method = self._methods[name]
        self._calls[name] = self._adapters[method.shape](getattr(self._stub, name), method, self._host)
        return self._calls[name]

    def _resume_state(
        self, name: str, retry_seconds: float, deadline: float | None, fields: Mapping[str, Any]
    ) -> ResumeState:
        """Return the state of a stream that resumes."""
        method = self._methods[name]
        return ResumeState(method, method.arguments(self._host, fields), retry_seconds, deadline)

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not name.startswith("_")]

    def __repr__(self) -> str:
        place = f" of {self._host}" if self._host else ""
        return f"<{type(self).__name__}{place}: {', '.join(dir(self))}>"
