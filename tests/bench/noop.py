"""What gRPC alone costs: a server with the gateway's options and loop whose one method does nothing.

Prints its port, and serves until it is terminated.
"""

from __future__ import annotations

import asyncio

import grpc
import uvloop

from gateway.rpc import server

SERVICE, METHOD = "dockfleet.bench.Noop", "Call"
PATH = f"/{SERVICE}/{METHOD}"


async def call(request: bytes, context: object) -> bytes:
    """Return the request: bytes in, bytes out, without messages."""
    return request


async def main() -> None:
    """Serve."""
    noop = grpc.aio.server(options=server.OPTIONS)
    handler = grpc.method_handlers_generic_handler(SERVICE, {METHOD: grpc.unary_unary_rpc_method_handler(call)})
    noop.add_generic_rpc_handlers((handler,))
    port = noop.add_insecure_port("127.0.0.1:0")
    await noop.start()
    print(port, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
