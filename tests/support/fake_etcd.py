"""An etcd that answers what a test says, over gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, Self

import grpc

from gateway.etcd import etcd_pb2 as pb

PREFIX = b"/dockfleet/"


def key(name: str, value: bytes, revision: int = 5) -> pb.KeyValue:
    """A key below the prefix."""
    return pb.KeyValue(key=PREFIX + name.encode(), value=value, mod_revision=revision, create_revision=revision)


def ranged(*keys: pb.KeyValue) -> bytes:
    """The answer to a Range."""
    return pb.RangeResponse(header=pb.ResponseHeader(revision=5), kvs=keys).SerializeToString()


class FakeEtcd:
    """Serves `answer` as each Range, and what `watch` yields as each Watch.

    `asked` has the loop's time of each Range of the whole prefix.
    """

    def __init__(self, answer: bytes, watch: Callable[[], AsyncIterator[bytes]] | None = None) -> None:
        self.answer = answer
        self.asked: asyncio.Queue[float] = asyncio.Queue()
        self.endpoint = ""
        self._watch_once = watch
        self._server = grpc.aio.server(options=[("grpc.max_send_message_length", -1)])
        unary: Any = grpc.unary_unary_rpc_method_handler(self._range, pb.RangeRequest.FromString)
        stream: Any = grpc.stream_stream_rpc_method_handler(self._watch)
        self._server.add_generic_rpc_handlers(
            [
                grpc.method_handlers_generic_handler("etcdserverpb.KV", {"Range": unary}),
                grpc.method_handlers_generic_handler("etcdserverpb.Watch", {"Watch": stream}),
            ]
        )

    async def __aenter__(self) -> Self:
        self.endpoint = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop(None)

    @property
    def settings(self) -> dict[str, Any]:
        """The keys of the source."""
        return {"endpoints": [self.endpoint]}

    async def _range(self, request: pb.RangeRequest, context: Any) -> bytes:
        if request.range_end:
            self.asked.put_nowait(asyncio.get_running_loop().time())
        return self.answer

    async def _watch(self, requests: Any, context: Any) -> AsyncIterator[bytes]:
        async for _ in requests:
            if self._watch_once is None:
                await asyncio.Event().wait()
            else:
                async for each in self._watch_once():
                    yield each
                return
