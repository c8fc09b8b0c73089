"""Ends an exec together with all that it has started.

The Engine can not kill an exec: it tells a process id of the host, which means nothing inside the container.  So each
exec that may have to be ended gets a variable of its own into its environment, `DOCKFLEET_EXEC`, which all its children
inherit; and a second exec, as the same user, finds and kills whoever has it, and whoever is in a session with one
that has it or descends from one.  It needs a shell in the container and nothing else: only what every shell has built
in.  It runs with no more rights than the first one had, for what it runs is a program of the container's.
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

SECONDS = 5.0  # in which it is done, or given up
_VARIABLE = "DOCKFLEET_EXEC"
_SHELLS = ("/bin/sh", "/busybox/sh")
_MOST_OUTPUT = 4096

# Each round looks at all processes and kills those that it finds, until there are none: they may fork meanwhile.
# `s` is the end of /proc/PID/stat: state, parent, process group and session; a name before it may hold anything.
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
    """The process, or something it started, may still run; the text says why."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What an exec and its children are known by, and what it takes to kill them."""

    container: str
    user: str
    privileged: bool
    id: str

    @classmethod
    def new(cls, container: str, user: str, *, privileged: bool) -> Mark:
        """Return a mark that nothing else bears."""
        return cls(container, user, privileged, secrets.token_hex(16))

    @property
    def variable(self) -> str:
        """The variable for the exec's environment, as `NAME=value`."""
        return f"{_VARIABLE}={self.id}"


class Sweep(Enum):
    """What a sweep has come to."""

    CLEAN = "nothing is left"
    LEFT = "something may be left"
    NO_SHELL = "there is no shell in the container to kill it with"


async def kill(engine: Engine, exec_id: str, mark: Mark) -> None:
    """Kill the process of an exec and all that bear its *mark*; those that have ended are no failure.

    Raises `NotKilled`, at the latest after `SECONDS`.
    """
    why = "it has not been started yet"
    pause = 0.02
    try:
        async with asyncio.timeout(SECONDS):
            while (state := await _state(engine, exec_id)) is not None:
                if state.running or state.exit_code is not None:
                    why = ""  # a sweep that does not end in time is all there is to say
                    sweep, why = await _sweep(engine, mark)
                    if sweep is Sweep.NO_SHELL:
                        raise NotKilled(why)
                    if sweep is Sweep.CLEAN and not state.running:
                        return
                await asyncio.sleep(pause)
                pause = min(pause * 2, 0.5)
    except (TimeoutError, APIError, TransportError) as error:
        raise NotKilled(why or str(error) or "the engine does not see its end") from error


async def _state(engine: Engine, exec_id: str) -> queries.ExecState | None:
    try:
        return await queries.exec_state(engine, exec_id, Kind.CLEANUP)
    except NotFound:
        return None  # its container is gone, and all its processes


async def _sweep(engine: Engine, mark: Mark) -> tuple[Sweep, str]:
    """Kill once what bears *mark*; return what that has come to, and in words what is left, if anything."""
    for shell in _SHELLS:
        try:
            created: Any = await engine.call_anyway(
                APIClient.exec_create,
                mark.container,
                [shell, "-c", _SCRIPT, "dockfleet-kill", mark.variable],
                user=mark.user,
                privileged=mark.privileged,
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
                output = (output + b"".join(frame.data for frame in frames))[:_MOST_OUTPUT]
    end, _ = await session.end_of_exec(engine, exec_id)
    return end, output.decode(errors="backslashreplace").strip()
