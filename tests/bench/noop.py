"""What gRPC alone costs: a server with the gateway's options and loop whose methods do nothing.

`Call` returns its request, and `Replay` the files of the folder that its request names, in the order of their names.
Prints its port, and serves until it is terminated.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import cache
from pathlib import Path
from typing import Any

import grpc
import uvloop

from gateway.rpc import server

SERVICE = "dockfleet.bench.Noop"
PATH, REPLAY_PATH = f"/{SERVICE}/Call", f"/{SERVICE}/Replay"


async def call(request: bytes, context: object) -> bytes:
    """Return the request: bytes in, bytes out, without messages."""
    return request


async def replay(request: bytes, context: object) -> AsyncIterator[bytes]:
    """Yield the content of each file."""
    for message in _files(request.decode()):
        yield message


@cache
def _files(folder: str) -> list[bytes]:
    return [file.read_bytes() for file in sorted(Path(folder).iterdir())]


async def main() -> None:
    """Serve."""
    noop = grpc.aio.server(options=server.OPTIONS)
    methods: dict[str, Any] = {
        "Call": grpc.unary_unary_rpc_method_handler(call),
        "Replay": grpc.unary_stream_rpc_method_handler(replay),
    }
    noop.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, methods),))
    port = noop.add_insecure_port("127.0.0.1:0")
    await noop.start()
    print(port, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
