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
from dataclasses import dataclass
from enum import Enum
from typing import Any

import orjson

from gateway.engine import queries
from gateway.engine.client import APIClient, APIError, Call, Engine, NotFound
from gateway.engine.errors import TransportError
from gateway.engine.kinds import Kind
from gateway.engine.process.session import Exited, SessionEnd, Unknown, start
from gateway.engine.resumable.subscription import Idle
from gateway.engine.transport.http import Request

SECONDS = 5.0  # the longest that a kill may take
_VARIABLE = "DOCKFLEET_EXEC"
_SHELLS = ("/bin/sh", "/busybox/sh")
_MAX_OUTPUT = 4096

# Each round reads all processes and kills those that it finds, until it finds none, because they can fork meanwhile.
# `s` is the end of /proc/PID/stat: state, parent, process group and session.  A name is before it.
_SCRIPT = r"""
m=$1 round=0
while [ $round -lt 20 ]; do
  round=$((round + 1)) all= hit=
  for d in /proc/[0-9]*; do
    p=${d#/proc/} s=
    while IFS= read -r line || [ -n "$line" ]; do s=$line; done 2>/dev/null <$d/stat
    set -- ${s##*)}
    [ "$4" ] && [ "$1" != Z ] && [ "$p" != $$ ] && [ "$p" != 1 ] || continue
    all="$all $p:$2:$4"
    while IFS= read -r line || [ -n "$line" ]; do
      case $line in *"$m"*) hit="$hit $p:$4"; break ;; esac
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


async def kill(engine: Engine, exec_id: str, tag: ExecTag) -> None:
    """Kill the process of an exec and all processes with its *tag*.  Processes that have ended are no failure.

    Raises `NotKilled`, at the latest after `SECONDS`.
    """
    why = "it has not started yet"
    pause = 0.02
    try:
        async with asyncio.timeout(SECONDS):
            while (state := await _state(engine, exec_id)) is not None:
                if state.running or state.exit_code is not None:
                    why = ""  # if this sweep does not end in time, no reason is known
                    sweep, why = await _sweep(engine, tag)
                    if sweep is Sweep.NO_SHELL:
                        raise NotKilled(why)
                    if sweep is Sweep.CLEAN and not state.running:
                        return
                await asyncio.sleep(pause)
                pause = min(pause * 2, 0.5)
    except (TimeoutError, APIError, TransportError) as error:
        raise NotKilled(why or str(error) or "the engine does not report its end") from error


async def _state(engine: Engine, exec_id: str) -> queries.ExecState | None:
    try:
        return await queries.exec_state(engine, exec_id, Kind.CLEANUP)
    except NotFound:
        return None  # the container was removed, with all its processes


async def _sweep(engine: Engine, tag: ExecTag) -> tuple[Sweep, str]:
    """Kill once all processes with *tag*; return the result, and a message about processes that are left."""
    for shell in _SHELLS:
        try:
            created: Any = await engine.call_anyway(
                APIClient.exec_create,
                tag.container,
                [shell, "-c", _SCRIPT, "dockfleet-kill", tag.variable],
                user=tag.user,
                privileged=tag.privileged,
            )
        except APIError as error:
            if error.status_code == 409 and "is not running" in str(error.explanation):
                return Sweep.CLEAN, ""
            raise
        end, output = await _run(engine, created["Id"])
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
