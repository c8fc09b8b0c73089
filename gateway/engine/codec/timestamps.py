"""Timestamps of the Engine: RFC 3339 with nanoseconds.  They are bytes here: logs have hundreds of thousands.

A canonical timestamp has nine digits after the point and is in UTC, so that timestamps compare as bytes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_END = (1 << 63) // 1_000_000_000
_SHAPE = b"0000-00-00T00:00:00.000000000Z"
_AS_ZEROS = bytes.maketrans(b"123456789", b"000000000")


def all_canonical(times: list[bytes]) -> list[bytes]:
    """Return *times*, as the Engine writes them, in canonical form: nearly always *times* itself.

    Raises `ValueError` when one is not a timestamp, or one that 64 bits of nanoseconds since 1970 do not hold.
    """
    if b"".join(times).translate(_AS_ZEROS) != _SHAPE * len(times):
        times = [canonical(time) for time in times]
    for second in {time[:19] for time in times}:
        if not 0 <= _seconds(second) < _END:
            raise ValueError(f"not between 1970 and 2262: {second.decode()}")
    return times


def canonical(time: bytes) -> bytes:
    """Return a timestamp of the Engine in canonical form.  Raises `ValueError`."""
    if time.translate(_AS_ZEROS) == _SHAPE:
        return time
    text = time.decode()
    head, dot, rest = text.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))] if dot else ""
    moment = datetime.fromisoformat(head + rest[len(digits) :] if dot else text)
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"not within the years 1 to 9999: {text}") from None
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{digits[:9]:0<9}Z".encode()


@lru_cache(maxsize=64)
def _seconds(text: bytes) -> int:
    return round((datetime.fromisoformat(text.decode() + "+00:00") - _EPOCH).total_seconds())


def nanoseconds(time: bytes) -> int:
    """Return a canonical timestamp in nanoseconds since 1970."""
    return _seconds(time[:19]) * 1_000_000_000 + int(time[20:29])


def time_of(number: int) -> bytes:
    """Return *number*, nanoseconds since 1970, as a canonical timestamp."""
    seconds, nanos = divmod(number, 1_000_000_000)
    return f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}.{nanos:09d}Z".encode()
