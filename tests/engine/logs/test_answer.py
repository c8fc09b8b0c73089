"""The answer of an engine with a log, in pieces."""

from __future__ import annotations

from typing import Any, cast

from gateway.engine.logs.answer import Answer
from gateway.engine.logs.entries import FramedLog
from gateway.engine.transport.turns import Traffic, Turns
from tests.support.fake_engine import frame

LINES = 10_000


class Arrived:
    """A connection on which all of *data* has arrived."""

    def __init__(self, data: bytes) -> None:
        self.turns = Turns(Traffic())
        self._data = data

    async def read(self) -> bytes:
        """Return all that has not been read."""
        data, self._data = self._data, b""
        return data

    async def pause_until(self, moment: float) -> None:
        """Return at once."""


async def test_much_that_has_arrived_is_cut_into_entries_a_part_at_a_time() -> None:
    """Entries take three times the memory of their bytes, and many readers may wait with what they have read."""
    texts = [b"%d\n" % number for number in range(LINES)]
    data = b"".join(frame(1, b"1970-01-01T00:00:01.000000000Z " + text) for text in texts)
    answer = Answer(cast("Any", Arrived(data)), FramedLog(), cast("Any", None), 0)

    parts = []
    while not answer.ended:
        parts.append([entry.line for entry in await answer.read() or []])

    assert [line for part in parts for line in part] == texts
    assert max(map(len, parts)) * len(data) / LINES < 80 << 10
