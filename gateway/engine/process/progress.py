"""Coalesces reports of progress: an engine writes dozens a second for each layer, and people read four.

Only what a newer report makes useless is left out.  Events such as `Pull complete`, the results of an operation and
the output of a build are all delivered, in order, and a report that is held back does not delay them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_SECONDS = 0.25  # between two reports on one piece of work
_ROOM = 1 << 20  # bytes of documents that must not be left out; with more, the engine waits for the reader
_COST = 256  # bytes that a document takes besides its text

Document = dict[str, Any]


class ProgressCoalescer:
    """A `bounded_buffer.Buffer` of the documents of a pull, push, build, load or import.

    Arguments: *clock*, which returns the time in seconds.
    """

    source_wait = None

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._ready: dict[str | int, Document] = {}  # in the order of delivery; a report has its work as key
        self._count = 0  # of documents that are not reports; it is their key
        self._held: dict[str, Document] = {}  # reports that came too soon after the last one on the same work
        self._last: dict[str, tuple[str, float]] = {}  # the status of each piece of work, and when it was reported
        self._size = 0
        self._finished = False

    @property
    def full(self) -> bool:
        """Whether more waits than there is room for; reports alone cannot fill it."""
        return self._size > _ROOM

    def put(self, document: Any) -> None:
        """Add a document."""
        if not isinstance(document, dict) or not isinstance(status := document.get("status"), str):
            self._keep(document)
            return
        work = str(document.get("id") or "")
        last, reported = self._last.get(work, ("", 0.0))
        if status != last or not document.get("progressDetail") or "aux" in document or "stream" in document:
            # Older reports on this work are useless now: nobody needs to know that it was once at 97 %.
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
        """Return in how many seconds a report that is held back is due."""
        if not self._held:
            return None
        return max(min(self._last[work][1] for work in self._held) + _SECONDS - self._clock(), 0.0)

    def finish(self) -> None:
        """Release what is held back."""
        self._finished = True

    def _keep(self, document: Any) -> None:
        self._size += _cost(document)
        self._count += 1
        self._ready[self._count] = document

    def _report(self, work: str, document: Document) -> None:
        self._held.pop(work, None)  # what is held back is older
        self._last[work] = (str(document["status"]), self._clock())
        self._ready[work] = document

    def _release(self) -> None:
        now = self._clock()
        for work in [one for one in self._held if self._finished or now - self._last[one][1] >= _SECONDS]:
            self._report(work, self._held.pop(work))


def _cost(document: Any) -> int:
    return _COST + (len(str(document.get("stream", ""))) if isinstance(document, dict) else 0)
