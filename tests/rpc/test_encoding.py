"""Records that many streams send."""

from __future__ import annotations

import gc

from gateway.engine.stats.feed import Sample
from gateway.rpc.encoding import EncodedOnce


def test_a_record_is_encoded_once_while_it_lives() -> None:
    """However many streams send it; nothing is kept of one that is gone."""
    calls: list[tuple[Sample, str]] = []

    def encode(record: Sample, host: str) -> bytes:
        calls.append((record, host))
        return b"encoded"

    encoded = EncodedOnce[Sample](encode)
    first, second = Sample(), Sample()

    assert [encoded(record, "h1") for record in (first, first, second, first)] == [b"encoded"] * 4
    assert calls == [(first, "h1"), (second, "h1")]
    calls.clear()
    del first
    gc.collect()
    assert len(encoded) == 1
