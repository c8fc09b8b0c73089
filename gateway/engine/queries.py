"""The gateway's own requests to an engine, with typed results.

All functions raise `docker.errors.APIError` for an error response, `TransportError` and `Incompatible`.  A property
that the engine did not send raises `BadResponse` when it is read.  *timeout* is for each request, in seconds, by
default `limits.read_timeout_seconds`.  *kind* is the kind of the budget.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from dockfleet.options.v1 import options_pb2 as pb

from gateway.engine.client import Call, Engine, Named
from gateway.engine.codec import grammar
from gateway.engine.codec.json import MOST_VALUES, NotEngineJson, TooLarge, parse
from gateway.engine.codec.timestamps import canonical, nanoseconds
from gateway.engine.errors import BadResponse, TornStream, TransportError
from gateway.engine.kinds import Kind
from gateway.engine.transport.http import Request, Response
from gateway.engine.transport.timeouts import Deadline

_ID = re.compile(r"[0-9a-f]{64}")
# What reading a document raises that does not fit the Engine API.
_MISFITS = (AttributeError, KeyError, TypeError, ValueError)


def message(
    engine: Engine,
    load: Callable[[Any, list[str]], Any],
    document: Any,
    *,
    what: str,
    method: str,
    failure: type[TransportError] = TornStream,
) -> Any:
    """Return the message that *load* makes of a *document* of the engine.

    Values that do not fit are left out, and counted for the RPC *method*.  Raises *failure*, which says *what* does not
    fit the Engine API, when nothing fits.
    """
    places: list[str] = []
    try:
        found = load(document, places)
    except NotEngineJson as error:
        raise failure(f"{what} of the host does not fit the Engine API: {error}", sent=True) from error
    if places:
        engine.skipped(method, len(places))
    return found


def checked_id(id: object, format: int) -> str:
    """Return *id*, which the engine gave to an object.

    Raises `BadResponse` when it does not fit the `NameFormat` *format*, because ids become parts of paths.
    """
    if not isinstance(id, str) or grammar.violation(format, id):
        raise BadResponse("the host's response does not fit the Engine API: `Id` is not an id", sent=True)
    return id


class Inspection:
    """The inspection of a container.  Times are as the engine writes them."""

    __slots__ = ("document",)

    def __init__(self, document: Any) -> None:
        self.document = document

    @property
    def id(self) -> str:
        """The full id."""
        id = require_key(self.document, "Id")
        if not isinstance(id, str) or not _ID.fullmatch(id):
            raise BadResponse("the host's response has no container's id", sent=True)
        return id

    @property
    def status(self) -> str:
        """The engine's word for the state, such as `created` or `exited`; "" without one."""
        return str(_optional(self.document, "State", "Status") or "")

    @property
    def running(self) -> bool:
        """Whether the container runs, or is about to be started again by the engine: see `restarting`."""
        return bool(require_key(self.document, "State", "Running"))

    @property
    def restarting(self) -> bool:
        """Whether its last run has ended, and the engine will start the next one itself."""
        return bool(_optional(self.document, "State", "Restarting"))

    @property
    def exit_code(self) -> int | None:
        """The exit code of the last run, 0 before the first; None for a number that 64 bits do not hold."""
        code = require_key(self.document, "State", "ExitCode")
        if isinstance(code, bool) or not isinstance(code, int | float | TooLarge):
            raise BadResponse("the host's response has no exit code", sent=True)
        return _fitting(code)

    @property
    def started_at(self) -> str:
        """When the last run began."""
        return str(require_key(self.document, "State", "StartedAt"))

    @property
    def finished_at(self) -> str:
        """When the last completed run ended."""
        return str(require_key(self.document, "State", "FinishedAt"))

    @property
    def terminal(self) -> bool:
        """Whether the process has a terminal."""
        return bool(require_key(self.document, "Config", "Tty"))

    @property
    def log_config(self) -> Mapping[str, Any]:
        """The log driver (`Type`) and its options (`Config`); empty when the engine gives none."""
        config = _optional(self.document, "HostConfig", "LogConfig")
        return config if isinstance(config, dict) else {}


class ExecState:
    """The inspection of an exec."""

    __slots__ = ("document",)

    def __init__(self, document: Any) -> None:
        self.document = document

    @property
    def running(self) -> bool:
        """Whether the process runs."""
        return bool(require_key(self.document, "Running"))

    @property
    def started(self) -> bool:
        """Whether it runs or has run."""
        return self.running or bool(_optional(self.document, "Pid"))

    @property
    def exit_code(self) -> int | None:
        """The exit code; None before the end."""
        code = require_key(self.document, "ExitCode")
        return _fitting(code)

    @property
    def pid(self) -> int | None:
        """The process id, 0 when there never was a process; None when the engine does not tell."""
        pid = _optional(self.document, "Pid")
        return _fitting(pid)

    @property
    def opens_stdin(self) -> bool:
        """Whether the process has a standard input."""
        return bool(require_key(self.document, "OpenStdin"))


async def inspect(engine: Engine, container: str) -> Inspection:
    """Return the state and configuration of a container, given its id or name."""
    segment = grammar.segment(pb.NAME_FORMAT_CONTAINER, container)
    return Inspection(await document(engine, f"/containers/{segment}/json", named=(("container", container),)))


async def exec_state(engine: Engine, exec_id: str, kind: Kind = Kind.UNARY) -> ExecState:
    """Return the state of an exec."""
    target = f"/exec/{quote(exec_id, safe='')}/json"
    return ExecState(await document(engine, target, named=(("exec", exec_id),), kind=kind))


async def ping(engine: Engine) -> Response:
    """Return the response to a ping."""
    return await _fetch(engine, "/_ping")


async def clock(engine: Engine, timeout: float | None = None, kind: Kind = Kind.UNARY) -> int:
    """Return the engine's time in nanoseconds since 1970."""
    info = await document(engine, "/info", timeout, kind=kind)
    try:
        return nanoseconds(canonical(info["SystemTime"].encode()))
    except _MISFITS as error:
        raise BadResponse("the host does not report its time", sent=True) from error


def date(headers: Mapping[str, str]) -> int | None:
    """Return the host's time at a response, in nanoseconds since 1970, to the second; None when it gives none."""
    try:
        return _seconds(headers.get("date", "")) * 1_000_000_000
    except ValueError:
        return None


@lru_cache(maxsize=16)  # many hosts answer within one second
def _seconds(date: str) -> int:
    return int(parsedate_to_datetime(date).timestamp())


def require_key(document: Any, *path: str) -> Any:
    """Return what *document* has at the *path* of keys.  Raises `BadResponse` when the engine did not send it."""
    for key in path:
        if not isinstance(document, dict) or key not in document:
            raise BadResponse(f"the host's response has no {'.'.join(path)}", sent=True)
        document = document[key]
    return document


def _optional(document: Any, *path: str) -> Any:
    """Return what *document* has at the *path* of keys; None when the engine did not send it."""
    for key in path:
        document = document.get(key) if isinstance(document, dict) else None
    return document


def _fitting(number: Any) -> int | None:
    """Return an integer; None for what is none, or does not fit 64 bits."""
    return number if type(number) is int and abs(number) < 1 << 63 else None


async def document(
    engine: Engine,
    target: str,
    timeout: float | None = None,
    named: Named = (),
    kind: Kind = Kind.UNARY,
    most_values: int = MOST_VALUES,
) -> Any:
    """Return the JSON document at *target*, with at most *most_values* values."""
    body = (await _fetch(engine, target, timeout, named, kind)).body
    try:
        return parse(body, most_values)
    except NotEngineJson as error:
        raise BadResponse(f"the host's response is not JSON: {error}", sent=True) from error


async def _fetch(
    engine: Engine, target: str, timeout: float | None = None, named: Named = (), kind: Kind = Kind.UNARY
) -> Response:
    deadline = engine.deadline() if timeout is None else Deadline.after(timeout)
    call = Call(Request("GET", target), changes=False, deadline=deadline, named=named, kind=kind)
    return await engine.fetch(call)
