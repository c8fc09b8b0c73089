"""The gateway's own log: one JSON object a line whatever is in it, and never a reason to wait."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gateway.telemetry import logging as logs

HOSTILE = 'a\nb\r\x1b]0;owned\x07 \u202etxt\u2028 \x9b31m {"level":"fake"} %s {} \ud800 \U0001f433'


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., io.StringIO]]:
    """A function that starts the log; it gives what is written to standard error, once the log has been stopped."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    listeners = []

    def start(level: str = "info", form: str = "json", stream: Any = None) -> Any:
        stream = stream or io.StringIO()
        monkeypatch.setattr(sys, "stderr", stream)
        listener = logs.start(level, form)
        listeners.append(listener)
        stream.stop = listener.stop
        return stream

    yield start
    for listener in listeners:
        if listener._thread is not None:
            listener.stop()
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(stream: Any) -> list[dict[str, Any]]:
    """Stop the log and return its lines, parsed."""
    stream.stop()
    return [json.loads(line) for line in stream.getvalue().split("\n")[:-1]]


def test_a_line_is_an_object_with_its_fields(started: Callable[..., Any]) -> None:
    """Time, level, logger and message, and what belongs to the event."""
    stream = started()
    logging.getLogger("gateway.test").warning("host", extra={"fields": {"host": "h1", "seconds": 0.5}})

    [line] = lines(stream)
    assert line.pop("time").endswith("+00:00")
    assert line == {"level": "warning", "logger": "gateway.test", "message": "host", "host": "h1", "seconds": 0.5}


def test_every_field_stays_within_its_line(started: Callable[..., Any]) -> None:
    """Line feeds, escape sequences and marks of direction in a name are escaped (A5 71)."""
    stream = started()
    logging.getLogger("gateway.test").info(HOSTILE, extra={"fields": {"host": HOSTILE, HOSTILE: 1}})
    logging.getLogger("gateway.test").info("next")

    [line, after] = lines(stream)
    assert line["host"].encode(errors="replace") == HOSTILE.encode(errors="replace")
    assert after["message"] == "next"
    assert stream.getvalue().isascii()
    assert "\x1b" not in stream.getvalue()


def test_the_traceback_of_a_defect_is_a_field(started: Callable[..., Any]) -> None:
    """The message stays what can be searched for."""
    stream = started()
    try:
        raise ValueError(HOSTILE)
    except ValueError as error:
        logging.getLogger("gateway.test").error("defect", exc_info=error, extra={"fields": {"request_id": "1"}})

    [line] = lines(stream)
    assert (line["message"], line["request_id"]) == ("defect", "1")
    assert line["traceback"].startswith("Traceback")
    assert "ValueError" in line["traceback"]


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", {"a": object()}, 2**80, float("nan"), None])
def test_a_field_of_any_type_is_written(started: Callable[..., Any], value: object) -> None:
    """Nothing that is logged can make the log fail."""
    stream = started()
    logging.getLogger("gateway.test").info("odd", extra={"fields": {"value": value}})

    [line] = lines(stream)
    assert line["message"] == "odd"
    assert "value" in line


def test_people_get_a_line_too(started: Callable[..., Any]) -> None:
    """In text, fields are escaped as well."""
    stream = started(form="text")
    logging.getLogger("gateway.test").info("call", extra={"fields": {"host": HOSTILE}})
    stream.stop()

    assert stream.getvalue().count("\n") == 1
    assert "\x1b" not in stream.getvalue()
    assert "\u202e" not in stream.getvalue()


def test_in_text_a_line_begins_with_its_date(started: Callable[..., Any]) -> None:
    """A log that is read on the next day shows its day."""
    stream = started(form="text")
    logging.getLogger("gateway.test").info("host", extra={"fields": {"host": "h1"}})
    stream.stop()

    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d INFO    host host='h1'\n", stream.getvalue())


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_field_is_cut_to_a_length(started: Callable[..., Any], form: str) -> None:
    """A client's name of megabytes does not fill the log's disk, wherever it stands."""
    stream = started(form=form)
    long = "x" * (1 << 20)
    logging.getLogger("gateway.test").info(long, extra={"fields": {"host": long, "error": {"names": [long]}}})
    stream.stop()

    assert stream.getvalue().count("(1044480 more)") == 2
    assert len(stream.getvalue()) < 3 * 4200


def test_a_time_has_no_meaningless_digits(started: Callable[..., Any]) -> None:
    """A millionth of a second is the last one."""
    stream = started()
    logging.getLogger("gateway.test").info("call", extra={"fields": {"seconds": 0.0008746819999032596}})

    assert '"seconds":0.000875' in (stream.stop() or stream.getvalue())


def test_warnings_of_python_are_lines_too(started: Callable[..., Any]) -> None:
    """A library's warning is a line of the same form."""
    stream = started()
    with warnings.catch_warnings(action="always"):
        warnings.warn("old", stacklevel=1)

    [line] = lines(stream)
    assert (line["logger"], "old" in line["message"]) == ("py.warnings", True)


def test_levels_below_the_one_that_is_wanted_are_left_out(started: Callable[..., Any]) -> None:
    """And libraries that print headers say nothing below a warning, whatever is wanted."""
    stream = started(level="debug")
    logging.getLogger("gateway.test").debug("wanted")
    for name in ("urllib3.connectionpool", "docker.auth", "grpc._cython", "asyncio"):
        logging.getLogger(name).info("X-Registry-Auth: secret")

    assert [line["message"] for line in lines(stream)] == ["wanted"]


def test_a_client_that_leaves_within_a_message_is_no_error(started: Callable[..., Any]) -> None:
    """grpc logs a traceback for each; its other errors are kept."""
    stream = started()
    grpc = logging.getLogger("grpc._cython.cygrpc")
    grpc.error("%s raised in core by servicer method [%s]", "ExecuteBatchError", "/dockfleet.v1.ContainerService/X")
    grpc.error("something else")

    assert [line["message"] for line in lines(stream)] == ["something else"]


class Stalled(io.StringIO):
    """A reader that takes nothing until it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()

    def write(self, text: str) -> int:
        """Wait, and take *text*."""
        self.go_on.wait()
        return super().write(text)


def test_a_reader_that_stalls_does_not_stall_the_gateway(started: Callable[..., Any]) -> None:
    """What does not fit is dropped, and the next line that fits says how much (B2 46)."""
    stream = Stalled()
    started(stream=stream)
    logger = logging.getLogger("gateway.test")
    for number in range(12_000):
        logger.info("line", extra={"fields": {"number": number}})  # never waits
    stream.go_on.set()
    while logging.getLogger().handlers[0].queue.qsize() > 5000:  # type: ignore[attr-defined]
        pass
    logger.info("after")

    written = lines(stream)
    assert written[-1]["message"] == "after"
    assert len(written) - 1 + written[-1]["dropped_before"] == 12_000


def test_lines_that_strangers_can_cause_are_few_and_say_how_many_there_were(started: Callable[..., Any]) -> None:
    """The first of each kind are written, then one in a while, with the number of those that were left out."""
    stream, now = started(), [0.0]
    sparing, log = logs.RateLimitedLines(lambda: now[0]), logging.getLogger("gateway.test")
    for _ in range(500):
        sparing.write(log, logging.INFO, "call", {"reason": "A"}, kind="A")
    sparing.write(log, logging.INFO, "call", {"reason": "B"}, kind="B")
    now[0] = 10
    for _ in range(2):
        sparing.write(log, logging.INFO, "call", {"reason": "A"}, kind="A")

    written = [(line["reason"], line.get("left_out")) for line in lines(stream)]
    assert written == [*[("A", None)] * 10, ("B", None), ("A", 490)]
