"""The connections to the gateway.

Short calls and long calls never share a connection.  A server limits the calls of a connection; the gateway allows 250,
many proxies 100.  gRPC lets one call more wait silently until another one ends: a program that follows 100 logs through
such a proxy could not list containers.  So short calls have a connection of their own, and long calls get another one
when all of theirs are full.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any, Generic, Protocol, TypeVar

from dockfleet.calls import METHODS
from dockfleet.target import CONNECTION

CALLS_PER_CONNECTION = 80  # of long calls
RETRY = {
    "maxAttempts": 3,
    "initialBackoff": "0.1s",
    "maxBackoff": "1s",
    "backoffMultiplier": 3,
    "retryableStatusCodes": ["UNAVAILABLE"],
}

ALL = [method for service in METHODS.values() for method in service.values()]
LONG = frozenset(method.path for method in ALL if method.is_long)

Options = Sequence[tuple[str, Any]]


def options(extra: Options = ()) -> Options:
    """Return the channel options; those in *extra* win."""
    own: Mapping[str, Any] = {**CONNECTION, "grpc.service_config": _service_config()}
    return list({**own, **dict(extra)}.items())


def _service_config() -> str:
    """Return the configuration that repeats reads when the gateway is unavailable."""
    names = [
        {"service": method.descriptor.containing_service.full_name, "method": method.descriptor.name}
        for method in ALL
        if method.reads
    ]
    return json.dumps(
        {
            "methodConfig": [{"name": names, "retryPolicy": RETRY}],
            "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1},  # a host that stays away is not asked three times
        }
    )


class Closable(Protocol):
    """A channel, blocking or for asyncio."""

    def close(self) -> Any:
        """End the connection and all its calls."""


C = TypeVar("C", bound=Closable)


class StreamChannels(Generic[C]):
    """The connections of long calls."""

    def __init__(self, dial: Callable[[], C], check: Callable[[], None]) -> None:
        """Open no connection yet; *dial* makes a channel, and *check* raises where it cannot be used."""
        self._dial = dial
        self._check = check
        self._lock = Lock()
        self._calls: dict[C, int] = {}
        self._closed = False

    def start(self, call: Callable[[C], Any]) -> Any:
        """Start *call* on a channel with room, until the call ends.

        Raises `ValueError` after `close`, as gRPC's own channels do.
        """
        self._check()
        with self._lock:
            if self._closed:
                raise ValueError("the fleet is closed")
            channel = next((each for each, calls in self._calls.items() if calls < CALLS_PER_CONNECTION), None)
            channel = channel or self._dial()
            self._calls[channel] = self._calls.get(channel, 0) + 1
        place = [channel]  # emptied at the end, because grpc.aio may report it twice
        try:
            started = call(channel)
        except BaseException:
            self._release(place)
            raise
        started.add_done_callback(lambda _: self._release(place))
        return started

    def close(self) -> list[Any]:
        """End all connections, and return what their `close` returns."""
        with self._lock:
            self._closed = True
            channels = list(self._calls)
        return [channel.close() for channel in channels]

    def _release(self, place: list[C]) -> None:
        with self._lock:
            if place:
                self._calls[place.pop()] -= 1


class SplitChannel(Generic[C]):
    """A channel for stubs that puts each RPC on a connection of its kind."""

    def __init__(self, dial: Callable[[], C], blocking: bool, check: Callable[[], None]) -> None:
        """Open the connection for short calls.

        *dial* makes a channel, *blocking* or for asyncio.  *check* raises where it cannot be used, before each call.
        """
        self._short: Any = dial()
        self._long: StreamChannels[C] = StreamChannels(dial, check)
        self._single = BlockingCall if blocking else LongCall
        self._short_call = (lambda call: call) if blocking else (lambda call: CheckedCall(check, call))

    def unary_unary(self, path: str, **kwargs: Any) -> Any:
        """Use the connection for short calls, or one for long calls."""
        if path in LONG:
            return self._single(self._long, lambda channel: channel.unary_unary(path, **kwargs))
        return self._short_call(self._short.unary_unary(path, **kwargs))

    def unary_stream(self, path: str, **kwargs: Any) -> Any:
        """Use a connection for long calls."""
        return LongCall(self._long, lambda channel: channel.unary_stream(path, **kwargs))

    def stream_unary(self, path: str, **kwargs: Any) -> Any:
        """Use a connection for long calls."""
        return self._single(self._long, lambda channel: channel.stream_unary(path, **kwargs))

    def stream_stream(self, path: str, **kwargs: Any) -> Any:
        """Use a connection for long calls."""
        return LongCall(self._long, lambda channel: channel.stream_stream(path, **kwargs))

    def close(self) -> list[Any]:
        """End all connections and their calls.  Returns what asyncio must await."""
        return [self._short.close(), *self._long.close()]


class CheckedCall:
    """The method of a stub for asyncio on the connection for short calls."""

    def __init__(self, check: Callable[[], None], method: Callable[..., Any]) -> None:
        """Call *method* after *check*."""
        self._check = check
        self._method = method

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._check()
        return self._method(*args, **kwargs)


class LongCall:
    """The method of a stub on the connections for long calls."""

    def __init__(self, channels: StreamChannels[Any], method: Callable[[Any], Any]) -> None:
        """Call the *method* of a channel with room."""
        self._channels = channels
        self._method = method

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._channels.start(lambda channel: self._method(channel)(*args, **kwargs))


class BlockingCall(LongCall):
    """The same for a single response, which the caller waits for."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.with_call(*args, **kwargs)[0]

    def future(self, *args: Any, **kwargs: Any) -> Any:
        """Start the call and return its future."""
        return self._channels.start(lambda channel: self._method(channel).future(*args, **kwargs))

    def with_call(self, *args: Any, **kwargs: Any) -> Any:
        """Return the response and the call."""
        call = self.future(*args, **kwargs)
        try:
            return call.result(), call
        finally:
            call.cancel()  # has no effect after the end
