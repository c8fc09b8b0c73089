"""Bounds the memory of the large responses of hosts: each has a size of its own at most, but a host can send many.

A response is counted from its second MiB on, and until nobody uses it any more.  Each host has room of its own, so that
no host waits for another.  Responses beyond that wait for those of the same host, except the oldest, which takes of the
room that all hosts share.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.engine.errors import Busy

LARGE_BYTES = 1 << 20
"""The largest response that is not counted."""
OWN_BYTES = 16 << 20
"""The room of one host: a list of 5,000 containers with the usual labels has 10 MiB."""

_KEY = "limits.max_large_response_bytes"


class SharedRoom:
    """The bytes that the large responses of all hosts take beyond the room of each."""

    def __init__(self, most: int = 256 << 20) -> None:
        self.most = most
        self.taken = 0


class LargeResponses:
    """The large responses of one host that are loaded or converted."""

    __slots__ = ("_open", "_own", "_shared", "_size")

    def __init__(self, shared: SharedRoom, own: int = OWN_BYTES) -> None:
        self._shared = shared
        self._own = own
        self._open: list[LargeResponse] = []  # the oldest first
        self._size = 0

    @property
    def size(self) -> int:
        """How many bytes they have."""
        return self._size

    def begin(self, resume: Callable[[], None]) -> LargeResponse:
        """Return a new one.  *resume* is called when it no longer waits."""
        response = LargeResponse(self, resume)
        self._open.append(response)
        return response

    def may_grow(self, response: LargeResponse) -> bool:
        """Whether more of *response* may be received now."""
        return self._size < self._own or self._open[0] is response

    def take(self, size: int) -> None:
        """Count *size* bytes more; fewer when it is negative.  Raises `Busy`, and takes nothing, without room."""
        shared = self._shared
        more = max(self._size + size - self._own, 0) - max(self._size - self._own, 0)
        if more > 0 and shared.taken + more > shared.most:
            what = f"hosts send large responses of {shared.most} bytes"
            raise Busy(f"host busy: {what}, as many as {_KEY} allows", sent=True)
        shared.taken += more
        self._size += size

    def end(self, response: LargeResponse) -> None:
        """Free the room of *response*, and let others continue."""
        self._open.remove(response)
        self.take(-response.size)
        for other in list(self._open):
            if other.waits and self.may_grow(other):
                other.resume()


class LargeResponse:
    """What one response takes."""

    __slots__ = ("_ended", "_host", "_resume", "size", "waits")

    def __init__(self, host: LargeResponses, resume: Callable[[], None]) -> None:
        self.size = 0
        self.waits = False
        self._host = host
        self._resume = resume
        self._ended = False

    def grow(self, size: int) -> None:
        """Note that it has *size* bytes now, and whether it `waits` for others.  Raises `Busy`."""
        self._host.take(size - self.size)
        self.size = size
        self.waits = not self._host.may_grow(self)

    def resume(self) -> None:
        """Receive more of it."""
        self.waits = False
        self._resume()

    def release(self) -> None:
        """Free its room: nobody uses it any more."""
        if not self._ended:
            self._ended = True
            self._host.end(self)
