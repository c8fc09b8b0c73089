"""The records of a log."""

from __future__ import annotations

import pytest

from gateway.engine.logs.cursor import LogCursor
from gateway.engine.logs.entries import Entry
from gateway.engine.logs.records import Batch

SECOND = 1_000_000_000


def batch(*seconds: int) -> Batch:
    """Return a batch with a line in each of these *seconds* of 1970."""
    lines = [Entry(1, b"1970-01-01T00:00:%02d.000000000Z" % second, b"%d\n" % second) for second in seconds]
    return Batch(LogCursor(), lines, lines, 100 * len(lines))


@pytest.mark.parametrize("read_before", [True, False], ids=["times were read before", "times are read first here"])
def test_joined_batches_have_the_lines_and_the_times_of_all(read_before: bool) -> None:
    """Merged logs that are read slowly are read in joined batches."""
    batches = [batch(1, 2), batch(3), batch(4)]
    before = [each.times for each in batches] if read_before else None

    whole = Batch.joined(batches)

    assert before in (None, [[SECOND, 2 * SECOND], [3 * SECOND], [4 * SECOND]])
    assert whole.times == [SECOND, 2 * SECOND, 3 * SECOND, 4 * SECOND]
    assert [line.line for line in whole.lines] == [b"1\n", b"2\n", b"3\n", b"4\n"]
    assert whole.size == 400


def test_readers_of_a_batch_share_its_times() -> None:
    """Each would take a tenth of a millisecond for 300 lines, and the memory of the numbers, otherwise."""
    one = batch(1, 2)

    assert one.times is one.times
