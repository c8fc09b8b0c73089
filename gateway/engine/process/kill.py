"""Kills the process of an exec and its children.

The Engine cannot kill an exec.  It returns a process id of the host, which is not valid inside the container.  So the
gateway puts a variable, `DOCKFLEET_EXEC`, into the environment of an exec, and its children inherit the variable.  A
second exec, as the same user, kills every process that has the variable, that descends from such a process, or that
shares a session with one.  It needs a shell in the container, and uses only what every shell has built in.  It has the
rights of the first exec and no more, because the shell is a program of the container.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import orjson
from dockfleet.options.v1.options_pb2 import NAME_FORMAT_EXEC

from gateway.engine import queries
from gateway.engine.client import APIClient, APIError, Call, Engine, NotFound
from gateway.engine.errors import TransportError
from gateway.engine.kinds import Kind
from gateway.engine.process.session import Exited, SessionEnd, Unknown, start
from gateway.engine.resumable.subscription import Idle
from gateway.engine.transport.http import Request

_SECONDS = 30.0  # the longest that a kill may take; it takes less than one on a host that is not busy
_KILLS_AT_ONCE = 32
_REQUESTS_AT_ONCE = 4  # a sweep costs the host as much as an exec
_VARIABLE = "DOCKFLEET_EXEC"
_SHELLS = ("/bin/sh", "/busybox/sh")
_MAX_OUTPUT = 4096

# Each round reads all processes and kills the ones that it finds.  It repeats until it finds none, because they can
# fork. `s` is the end of /proc/PID/stat: state, parent, process group and session.  A name is before it.
_SCRIPT = r"""
tags=$* round=0
while [ $round -lt 20 ]; do
  round=$((round + 1)) all= hit=
  for d in /proc/[0-9]*; do
    p=${d#/proc/} s=
    while IFS= read -r line || [ -n "$line" ]; do s=$line; done 2>/dev/null <$d/stat
    set -- ${s##*)}
    [ "$4" ] && [ "$1" != Z ] && [ "$p" != $$ ] && [ "$p" != 1 ] || continue
    all="$all $p:$2:$4"
    while IFS= read -r line || [ -n "$line" ]; do
      case $line in *DOCKFLEET_EXEC=*) ;; *) continue ;; esac
      for t in $tags; do case $line in *"$t"*) hit="$hit $p:$4"; break 2 ;; esac; done
    done 2>/dev/null <$d/environ
  done
  more=1
  while [ $more ]; do
    more=
    for t in $all; do
      p=${t%%:*} t=${t#*:}
      q=${t%%:*} s=${t#*:}
      case "$hit " in
        *" $p:"*) ;;
        *" $q:"* | *":$s "*) [ "$s$q" = 00 ] || hit="$hit $p:$s" more=1 ;;
      esac
    done
  done
  [ "$hit" ] || exit 0
  for t in $hit; do kill -KILL ${t%%:*} 2>/dev/null; done
done
echo processes that could not be killed:$hit
exit 1
"""


class NotKilled(Exception):
    """The process or a child of it can still run.  The message says why."""


@dataclass(frozen=True, slots=True)
class ExecTag:
    """The tag of an exec and its children, with the values that a kill needs."""

    container: str
    user: str
    privileged: bool
    id: str

    @classmethod
    def new(cls, container: str, user: str, *, privileged: bool) -> ExecTag:
        """Return a tag that no other exec has."""
        return cls(container, user, privileged, secrets.token_hex(16))

    @property
    def variable(self) -> str:
        """The variable for the environment of the exec, as `NAME=value`."""
        return f"{_VARIABLE}={self.id}"


class Sweep(Enum):
    """The result of a sweep."""

    CLEAN = "no process is left"
    LEFT = "a process may be left"
    NO_SHELL = "the container has no shell to kill the process with"


class Kills:
    """The kills of one host.

    Hundreds of clients can disconnect at the same time.  So execs of one container and user share a sweep, and the
    engine gets only some requests at once.
    """

    def __init__(self, engine: Engine) -> None:
        """Start nothing."""
        self._engine = engine
        self._kills = asyncio.Semaphore(_KILLS_AT_ONCE)
        self._requests = asyncio.Semaphore(_REQUESTS_AT_ONCE)
        self._shared: dict[tuple[str, str, bool], _SharedSweep] = {}

    async def kill(self, exec_id: str, tag: ExecTag) -> None:
        """Kill the process of an exec and all processes with its *tag*.  Processes that have ended are no failure.

        Raises `NotKilled`, at the latest 30 seconds after the kill has begun.
        """
        async with self._kills:
            why = "it has not started yet"
            pause = 0.02
            try:
                async with asyncio.timeout(_SECONDS):
                    while (state := await self._state(exec_id)) is not None:
                        if state.running or state.exit_code is not None:
                            why = ""  # if this sweep does not end in time, no reason is known
                            sweep, why = await self._sweep(tag)
                            if sweep is Sweep.NO_SHELL:
                                raise NotKilled(why)
                            if sweep is Sweep.CLEAN and not state.running:
                                return
                        await asyncio.sleep(pause)
                        pause = min(pause * 2, 0.5)
            except (TimeoutError, APIError, TransportError) as error:
                raise NotKilled(why or str(error) or "the engine does not report its end") from error

    async def _state(self, exec_id: str) -> queries.ExecState | None:
        async with self._requests:
            try:
                return await queries.exec_state(self._engine, exec_id, Kind.CLEANUP)
            except NotFound:
                return None  # the container was removed, with all its processes

    async def _sweep(self, tag: ExecTag) -> tuple[Sweep, str]:
        """Kill all processes with *tag*, in one sweep with all the tags that wait for a sweep of its container."""
        key = tag.container, tag.user, tag.privileged
        shared = self._shared.setdefault(key, _SharedSweep())
        shared.waiting.add(tag)
        try:
            async with shared.turn:
                if tag not in shared.results:
                    async with self._requests:
                        tags = list(shared.waiting)
                        shared.results |= dict.fromkeys(tags, await _sweep(self._engine, tags))
                return shared.results[tag]
        finally:
            shared.waiting.discard(tag)
            shared.results.pop(tag, None)
            if not shared.waiting:
                self._shared.pop(key, None)


@dataclass(slots=True)
class _SharedSweep:
    """The next sweep of a container: the first tag that gets its turn takes all others with it."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: set[ExecTag] = field(default_factory=set)
    results: dict[ExecTag, tuple[Sweep, str]] = field(default_factory=dict)  # of tags that have not taken theirs yet


async def _sweep(engine: Engine, tags: Sequence[ExecTag]) -> tuple[Sweep, str]:
    """Kill once all processes with one of *tags*; return the result, and a message about processes that are left.

    The *tags* are of one container, user and privilege.
    """
    tag = tags[0]
    command = ["-c", _SCRIPT, "dockfleet-kill", *(each.variable for each in tags)]
    for shell in _SHELLS:
        try:
            created: Any = await engine.call_anyway(
                APIClient.exec_create,
                tag.container,
                [shell, *command],
                user=tag.user,
                privileged=tag.privileged,
            )
        except APIError as error:
            if error.status_code == 409 and "is not running" in str(error.explanation):
                return Sweep.CLEAN, ""
            raise
        exec_id = queries.checked_id(created.get("Id") if isinstance(created, dict) else None, NAME_FORMAT_EXEC)
        end, output = await _run(engine, exec_id)
        match end:
            case Exited(0):
                return Sweep.CLEAN, ""
            case Exited(code):
                return Sweep.LEFT, output or f"the shell ended with {code}"
            case Unknown(reason):
                return Sweep.LEFT, output or reason
    return Sweep.NO_SHELL, Sweep.NO_SHELL.value


async def _run(engine: Engine, exec_id: str) -> tuple[SessionEnd, str]:
    """Start an exec; return how it ended, and the beginning of its output."""
    body = orjson.dumps({"Detach": False, "Tty": False})
    request = Request("POST", f"/exec/{exec_id}/start", {"Content-Type": "application/json"}, body)
    output = b""
    async with start(engine, Call(request, kind=Kind.CLEANUP), terminal=False, exec_id=exec_id) as session:
        async for frames in session.frames():
            if not isinstance(frames, Idle):
                output = (output + b"".join(frame.data for frame in frames))[:_MAX_OUTPUT]
    end, _ = await session.end_of_exec(engine, exec_id)
    return end, output.decode(errors="backslashreplace").strip()
