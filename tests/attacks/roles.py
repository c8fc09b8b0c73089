"""The hosts and the attacker of a gateway that is attacked: `python -m tests.attacks.roles ROLE JSON`.

Each says that it is ready by a line of JSON.  They end with their standard input.

========  ==========================================================================================
engine    serves a host, by the script of an attack or as a good one
bare      serves gRPC with the gateway's options and does nothing: each call ends with an empty message
attacker  the line `strike` begins the attack; at its height it says what it saw, and keeps it up
          until `leave`, after which it says "gone".  The line `again` begins it once more, at whose
          height it says "again"; what would end by itself, it does then until the gateway is gone
========  ==========================================================================================
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TYPE_CHECKING, Any

import grpc
import uvloop

from gateway.config.settings import Limits
from gateway.rpc.server import options_of
from tests.support.fake_engine import FakeEngine

if TYPE_CHECKING:
    from tests.attacks.attack import Attack, Size

_NICE = 10  # in small size; on a machine that is busy, what runs only when nothing else does would never run


def main() -> None:
    """Play the role that the command line names."""
    role, arguments = sys.argv[1], json.loads(sys.argv[2])
    roles: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {"engine": engine, "bare": bare, "attacker": attacker}
    uvloop.run(roles[role](**arguments))


def say(value: Any) -> None:
    """Write a line of JSON."""
    print(json.dumps(value), flush=True)


async def lines() -> asyncio.StreamReader:
    """Return standard input."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def attack_called(name: str, size: Size) -> Attack:
    """Return the attack, whose process gives way: on another machine it would take no processor from the gateway.

    The import is here because a good host is not to wait for all that attacks need.
    """
    from tests.attacks.catalogue import ATTACKS

    if size == "full":
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    else:
        os.nice(_NICE)
    return ATTACKS[name](size)


async def engine(path: str, name: str, size: Size) -> None:
    """Serve a host at *path*, with the script of the attack called *name* if there is one."""
    async with FakeEngine(path) as fake:
        if name:
            attack_called(name, size).script(fake)
        say("ready")
        await (await lines()).read()
        os._exit(0)  # floods that are under way need no good end


async def bare(address: str) -> None:
    """Serve grpcio alone at *address*."""
    server = grpc.aio.server(options=options_of(Limits(), Limits().max_client_connections))
    server.add_generic_rpc_handlers((Nobody(),))
    server.add_insecure_port(address)
    await server.start()
    say("ready")
    await (await lines()).read()
    os._exit(0)


class Nobody(grpc.GenericRpcHandler):
    """Answers every message of every method with an empty one, or what has no message with one."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        """Return the handler of a method: like the gateway's, it reads a stream."""
        if "Reflection" in handler_call_details.method:
            return grpc.stream_stream_rpc_method_handler(self._each)
        return grpc.stream_unary_rpc_method_handler(self._one)

    async def _one(self, requests: AsyncIterator[bytes], context: Any) -> bytes:
        async for _ in requests:
            break
        return b""

    async def _each(self, requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        async for _ in requests:
            yield b""


async def attacker(name: str, size: Size, target: dict[str, Any]) -> None:
    """Attack, twice."""
    from tests.attacks.attack import Target

    attack, aim, stdin = attack_called(name, size), Target(**target), await lines()
    say("ready")
    await stdin.readline()
    async with attack.strike(aim) as seen:
        say(seen)
        await stdin.readline()
    say("gone")
    await stdin.readline()
    end = asyncio.create_task(stdin.read())
    end.add_done_callback(lambda _: os._exit(0))
    async with attack.strike(aim):
        say("again")
        if not attack.repeats:
            await end
    with contextlib.suppress(OSError, grpc.RpcError):  # the gateway is gone
        while True:
            async with attack.strike(aim):
                pass


if __name__ == "__main__":
    main()
