"""What a row of the mirror's table is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dockfleet.v1 import common_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from tests.support.fake_engine import Response

ID = "4fa6e0f0c6786287e131c3852c58a2e01cc697a68231826813597e4994f1d6e2"
AGE = Duration(seconds=5)  # allowed for an answer of an inventory: this gateway has none
ASKED = common_pb2.Freshness(source=common_pb2.ANSWER_SOURCE_ENGINE)
DIGEST = "sha256:9f2b17f2a3c0f7a7a4d2b7d1c8d1f3a4b5c6d7e8f90a1b2c3d4e5f60718293a4"


@dataclass(frozen=True)
class Row:
    """A call, the one request that it makes to the engine, what the engine answers, and what the caller gets.

    Arguments: *rpc*, such as `ExecService.CreateExec`; *request*, without a host, for uploads the `start`; *asked*,
    verb and path on the wire; *query*, in its order, decoded; *body*, the JSON, None for none; *headers*, those
    worth a look; *upload*, the pieces of an upload; *expected*, the response, or all messages of a stream, with some
    of their fields; *why*, how the row differs from others of its RPC.
    """

    rpc: str
    request: Message
    asked: str
    answer: Response
    expected: Message | list[Message]
    query: list[tuple[str, str]] = field(default_factory=list)
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    upload: tuple[bytes, ...] = ()
    why: str = ""

    def __str__(self) -> str:
        return f"{self.rpc}, {self.why}" if self.why else self.rpc
