"""The text of a container's `Status`, such as `Up 5 minutes`, which changes with time.

The rules are the Engine's own (moby, container/state.go; docker/go-units, duration.go), the same from 20.10 to 29.
"""

from __future__ import annotations

_SECOND = 1_000_000_000
_MINUTE, _HOUR = 60 * _SECOND, 3600 * _SECOND
_HALF_HOUR = _HOUR // 2
FOREVER = 1 << 63

_FIXED = {"created": "Created", "removing": "Removal In Progress", "dead": "Dead"}
_LARGE = ((48, 1, "hours"), (336, 24, "days"), (1440, 168, "weeks"), (17_520, 720, "months"))  # below so many hours


def words(state: str, health: str, exit_code: int, started: int, finished: int, now: int) -> tuple[str, int]:
    """Return the `Status` of a container, and the time until which it holds.

    *health* is `none` for one without a check.  Times are the engine's, in nanoseconds since 1970; 0 is never.
    """
    if state in _FIXED:
        return _FIXED[state], FOREVER
    if state in ("running", "paused"):
        text, until = duration(now - started)
        if state == "paused":
            return f"Up {text} (Paused)", started + until
        if health == "none":
            return f"Up {text}", started + until
        return f"Up {text} ({'health: starting' if health == 'starting' else health})", started + until
    if state == "exited" and not finished:
        return "", FOREVER
    text, until = duration(now - finished)
    return f"{'Restarting' if state == 'restarting' else 'Exited'} ({exit_code}) {text} ago", finished + until


def duration(nanos: int) -> tuple[str, int]:
    """Return a duration in the Engine's words, and the longest duration with the same words; both in nanoseconds."""
    if nanos < _SECOND:
        return "Less than a second", _SECOND
    seconds = nanos // _SECOND
    if seconds < 60:
        return "1 second" if seconds == 1 else f"{seconds} seconds", (seconds + 1) * _SECOND
    minutes = nanos // _MINUTE
    if minutes < 60:
        return "About a minute" if minutes == 1 else f"{minutes} minutes", (minutes + 1) * _MINUTE
    hours = (nanos + _HALF_HOUR) // _HOUR  # the Engine rounds
    until = hours * _HOUR + _HALF_HOUR
    if hours == 1:
        return "About an hour", until
    for most, unit, name in _LARGE:
        if hours < most:
            return f"{hours // unit} {name}", until
    whole = nanos // _HOUR  # but for years
    return f"{whole // 8760} years", (whole + 1) * _HOUR
