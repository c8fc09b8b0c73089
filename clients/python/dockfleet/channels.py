"""The connections to the gateway.

Short calls and calls that stay open never share one.  A server says how many calls a connection may carry at a
time; the gateway allows thousands, many proxies 100.  gRPC makes one more wait, silently, until another ends: behind
such a proxy, a program that follows 100 logs could not even list containers.  So short calls have a connection of
their own, and the others get a further one whenever there are too many for those that exist.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv6Address
from pathlib import Path
from threading import Lock
from typing import Any, Generic, Protocol, TypeVar

import grpc

from dockfleet.calls import METHODS

CALLS_PER_CONNECTION = 80  # of calls that stay open
KEEPALIVE_SECONDS = 30  # the gateway takes pings every 10 s
KEEPALIVE_TIMEOUT_SECONDS = 10
SHORTEST_RECONNECT_MS, LONGEST_RECONNECT_MS = 200, 1000  # gRPC's own 2 minutes would outlast any restart
LARGEST_ANSWER = 64 << 20  # bytes of one message; the gateway's own limit is mostly lower
RETRY = {
    "maxAttempts": 3,
    "initialBackoff": "0.1s",
    "maxBackoff": "1s",
    "backoffMultiplier": 3,
    "retryableStatusCodes": ["UNAVAILABLE"],
}

ALL = [method for service in METHODS.values() for method in service.values()]
OPEN = frozenset(method.path for method in ALL if method.stays_open)

Options = Sequence[tuple[str, Any]]
PathLike = str | Path

DEFAULT_PORT = 50051
OTHER_KEY = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")  # OpenSSL's reasons
WITHOUT_PORT = re.compile(r"(dns:(//[^/]*/)?)?([^\s:/\[\]]+|\[[^\]]*\])")


def address(target: str) -> str:
    """Return *target* as gRPC takes it, with the default port when it has none.

    Raises `ValueError` for an empty target and for a URL such as `http://…`.
    """
    scheme, url, _ = target.partition("://")
    if url and scheme not in ("dns", "unix"):
        raise ValueError(f"the address of the gateway is HOST:PORT, without {scheme}://: {target!r}")
    if not target.strip():
        raise ValueError("the address of the gateway is empty: HOST:PORT is wanted")
    if target.count(":") > 1 and _is_ipv6(target):
        return f"[{target}]:{DEFAULT_PORT}"
    return f"{target}:{DEFAULT_PORT}" if WITHOUT_PORT.fullmatch(target) else target


def credentials(
    tls: bool, ca: PathLike | None, cert: PathLike | None, key: PathLike | None
) -> grpc.ChannelCredentials | None:
    """Return the credentials of a channel from the paths of PEM files; None without TLS.

    Raises `OSError` for a file that cannot be read, and `ValueError` for one of *cert* and *key* without the other and
    for a file that is no PEM file.
    """
    if not (tls or ca or cert or key):
        return None
    if bool(cert) != bool(key):
        given, missing = ("tls_cert", "tls_key") if cert else ("tls_key", "tls_cert")
        raise ValueError(f"tls_cert and tls_key belong together: {given} is given without {missing}")
    pems = [None if not path else Path(path).read_bytes() for path in (ca, key, cert)]
    _check_pem(ca, cert, key)
    return grpc.ssl_channel_credentials(*pems)


def _check_pem(ca: PathLike | None, cert: PathLike | None, key: PathLike | None) -> None:
    """Raise `ValueError` for a file that OpenSSL does not accept.  gRPC fails at the first call and names no file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL:@SECLEVEL=0")  # whether a key is long enough is for the handshake to decide
    for path in (each for each in (ca, cert) if each):
        try:
            context.load_verify_locations(path)
        except ssl.SSLError:
            raise ValueError(f"{path} is not a certificate in PEM format") from None
    if cert and key:
        try:
            context.load_cert_chain(cert, key, password="")  # else it asks for one on the terminal
        except ssl.SSLError as error:
            if error.reason in OTHER_KEY:
                raise ValueError(f"{key} is not the private key of {cert}") from None
            raise ValueError(f"{key} is not a private key in PEM format without a password") from None


def _is_ipv6(text: str) -> bool:
    try:
        return IPv6Address(text).version == 6
    except ValueError:
        return False


def options(extra: Options = ()) -> Options:
    """Return the channel options; those in *extra* win."""
    own: Mapping[str, Any] = {
        "grpc.use_local_subchannel_pool": 1,  # else channels to one address share one connection
        "grpc.service_config": _service_config(),
        "grpc.keepalive_time_ms": KEEPALIVE_SECONDS * 1000,
        "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_SECONDS * 1000,
        "grpc.initial_reconnect_backoff_ms": SHORTEST_RECONNECT_MS,
        "grpc.max_reconnect_backoff_ms": LONGEST_RECONNECT_MS,
        "grpc.http2.max_pings_without_data": 0,  # a quiet log is no reason to stop asking
        "grpc.max_receive_message_length": LARGEST_ANSWER,
    }
    return list({**own, **dict(extra)}.items())


def _service_config() -> str:
    """Have the calls that only read repeated when the gateway could not be reached, or refused them at once."""
    names = [
        {"service": method.descriptor.containing_service.full_name, "method": method.descriptor.name}
        for method in ALL
        if method.reads
    ]
    return json.dumps(
        {
            "methodConfig": [{"name": names, "retryPolicy": RETRY}],
            "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1},  # hosts that stay away are not asked thrice
        }
    )


class Closable(Protocol):
    """A channel, blocking or not."""

    def close(self) -> Any:
        """End the connection and all its calls."""


C = TypeVar("C", bound=Closable)


class Lanes(Generic[C]):
    """The connections of the calls that stay open."""

    def __init__(self, dial: Callable[[], C]) -> None:
        """Open nothing yet; *dial* makes a channel."""
        self._dial = dial
        self._lock = Lock()
        self._calls: dict[C, int] = {}
        self._closed = False

    def start(self, call: Callable[[C], Any]) -> Any:
        """Have *call* begin on a channel with room, and give the room back when it ends.

        Raises `ValueError` after `close`, as gRPC's own channels do.
        """
        with self._lock:
            if self._closed:
                raise ValueError("the fleet is closed")
            channel = next((each for each, calls in self._calls.items() if calls < CALLS_PER_CONNECTION), None)
            channel = channel or self._dial()
            self._calls[channel] = self._calls.get(channel, 0) + 1
        place = [channel]  # to be given back once, though grpc.aio may report an end twice
        try:
            started = call(channel)
        except BaseException:
            self._leave(place)
            raise
        started.add_done_callback(lambda _: self._leave(place))
        return started

    def close(self) -> list[Any]:
        """End all connections, and return what their `close` returns."""
        with self._lock:
            self._closed = True
            channels = list(self._calls)
        return [channel.close() for channel in channels]

    def _leave(self, place: list[C]) -> None:
        with self._lock:
            if place:
                self._calls[place.pop()] -= 1


class SplitChannel(Generic[C]):
    """What stubs take for a channel: each RPC goes to a connection of its kind."""

    def __init__(self, dial: Callable[[], C], blocking: bool) -> None:
        """Open the connection for short calls.  *dial* makes a channel, *blocking* or for asyncio."""
        self._short: Any = dial()
        self._lanes = Lanes(dial)
        self._single = BlockingCall if blocking else OpenCall

    def unary_unary(self, path: str, **kwargs: Any) -> Any:
        """Go to the short calls, unless the answer may take long."""
        if path in OPEN:
            return self._single(self._lanes, lambda channel: channel.unary_unary(path, **kwargs))
        return self._short.unary_unary(path, **kwargs)

    def unary_stream(self, path: str, **kwargs: Any) -> Any:
        """Go to the calls that stay open."""
        return OpenCall(self._lanes, lambda channel: channel.unary_stream(path, **kwargs))

    def stream_unary(self, path: str, **kwargs: Any) -> Any:
        """Go to the calls that stay open."""
        return self._single(self._lanes, lambda channel: channel.stream_unary(path, **kwargs))

    def stream_stream(self, path: str, **kwargs: Any) -> Any:
        """Go to the calls that stay open."""
        return OpenCall(self._lanes, lambda channel: channel.stream_stream(path, **kwargs))

    def close(self) -> list[Any]:
        """End all connections and the calls on them.  Returns what is to be awaited, where nothing blocks."""
        return [self._short.close(), *self._lanes.close()]


class OpenCall:
    """A stub's method whose calls go to the lanes."""

    def __init__(self, lanes: Lanes[Any], method: Callable[[Any], Any]) -> None:
        """Take the *method* of whichever channel has room."""
        self._lanes = lanes
        self._method = method

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._lanes.start(lambda channel: self._method(channel)(*args, **kwargs))


class BlockingCall(OpenCall):
    """The same with a single answer, for which the caller waits."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.with_call(*args, **kwargs)[0]

    def future(self, *args: Any, **kwargs: Any) -> Any:
        """Start the call, and return at once."""
        return self._lanes.start(lambda channel: self._method(channel).future(*args, **kwargs))

    def with_call(self, *args: Any, **kwargs: Any) -> Any:
        """Return the answer and the call."""
        call = self.future(*args, **kwargs)
        try:
            return call.result(), call
        finally:
            call.cancel()  # of no effect, unless it was not waited for to the end
