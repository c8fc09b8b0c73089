"""Coalesces progress reports: an engine sends dozens a second for each layer, and four a second are enough.

Only reports with a newer one after them are left out.  Events such as `Pull complete`, the results of an operation and
the output of a build are all delivered, in order, and a report that is held back does not delay them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_SECONDS = 0.25  # between two reports on one piece of work
_ROOM = 1 << 20  # bytes of documents that are not reports; when there are more, the engine waits for the reader
_COST = 256  # bytes that a document takes besides its text
_NESTED_COST = 8  # bytes that a character of nested JSON can take
_MAX_WORKS = 1000  # pieces of work whose reports are coalesced: more than an image has layers
_MAX_REPORT = 4096  # cost of a report; what costs more is not coalesced

Document = dict[str, Any]


class ProgressCoalescer:
    """A `bounded_buffer.Buffer` of the documents of a pull, push, build, load or import.  *clock* returns seconds."""

    source_wait = None

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._ready: dict[str | int, Document] = {}  # in the order of delivery; the key of a report is its work
        self._count = 0  # of documents that are not reports; the key of such a document
        self._held: dict[str, Document] = {}  # reports that came too soon after the one before on the same work
        self._last: dict[str, tuple[str, float]] = {}  # the status of each piece of work, and when it was reported
        self._size = 0
        self._finished = False

    @property
    def full(self) -> bool:
        """Whether the documents that wait take more than the room; reports do not count."""
        return self._size > _ROOM

    def put(self, document: Any) -> None:
        """Add a document."""
        if not isinstance(document, dict) or not isinstance(status := document.get("status"), str):
            self._keep(document)
            return
        work = str(document.get("id") or "")
        if (work not in self._last and len(self._last) >= _MAX_WORKS) or _cost(document) > _MAX_REPORT:
            self._keep(document)
            return
        last, reported = self._last.get(work, ("", 0.0))
        if status != last or not document.get("progressDetail") or "aux" in document or "stream" in document:
            # The new report replaces older ones on the same work.
            self._ready.pop(work, None)
            self._held.pop(work, None)
            self._last[work] = (status, self._clock())
            self._keep(document)
        elif work in self._ready:
            self._ready[work] = document
        elif self._clock() - reported < _SECONDS:
            self._held[work] = document
        else:
            self._report(work, document)

    def take(self) -> Document | None:
        """Return the next document to deliver; None when there is none yet."""
        self._release()
        if not self._ready:
            return None
        key = next(iter(self._ready))
        document = self._ready.pop(key)
        if isinstance(key, int):
            self._size -= _cost(document)
        return document

    def due(self) -> float | None:
        """Return in how many seconds the first report that is held back is due."""
        if not self._held:
            return None
        return max(min(self._last[work][1] for work in self._held) + _SECONDS - self._clock(), 0.0)

    def finish(self) -> None:
        """Release all reports that are held back."""
        self._finished = True

    def _keep(self, document: Any) -> None:
        self._size += _cost(document)
        self._count += 1
        self._ready[self._count] = document

    def _report(self, work: str, document: Document) -> None:
        self._held.pop(work, None)  # a report that is held back is older
        self._last[work] = (str(document["status"]), self._clock())
        self._ready[work] = document

    def _release(self) -> None:
        now = self._clock()
        for work in [one for one in self._held if self._finished or now - self._last[one][1] >= _SECONDS]:
            self._report(work, self._held.pop(work))


def _cost(document: Any) -> int:
    """Return how many bytes a document takes in memory, about."""
    values = document.values() if isinstance(document, dict) else (document,)
    return _COST + sum([len(value) if isinstance(value, str) else _NESTED_COST * len(repr(value)) for value in values])
