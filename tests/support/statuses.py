"""Statuses that comments of the contract name, and what rows of them have.

Rows of real engines are in tests/real/statuses, others in tests/rpc/scripted_statuses.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

import grpc
from dockfleet.v1.common_pb2 import StringList
from google.protobuf.message import Message

from tests.support import contract
from tests.support.gateway import Failed, failed

METHODS = {contract.name_of(method): method for method in contract.methods()}
_STATUS = re.compile(r"([A-Z_]+)(?: \(([A-Z_]+)\))?")


class Status(NamedTuple):
    """A code and a reason."""

    code: str
    reason: str

    def __str__(self) -> str:
        return f"{self.code} ({self.reason})"

    @classmethod
    def of(cls, text: str) -> Status:
        """Read `CODE (REASON)`, as comments have it; `NOT_FOUND` alone is its own reason."""
        found = _STATUS.fullmatch(text)
        assert found, f"{text!r} is no status"
        assert found[2] or found[1] == "NOT_FOUND", f"{text} has no reason"
        return cls(found[1], found[2] or found[1])


@dataclass(frozen=True)
class Asked:
    """What a row calls its RPC with: the request, for uploads the `start` and the data; *times* at once."""

    request: Message
    upload: tuple[bytes, ...] = ()
    times: int = 1


async def outcome(channel: grpc.aio.Channel, rpc: str, asked: Asked) -> Failed | None:
    """Call an RPC and return how it has failed; None when it has not."""
    try:
        await contract.call(channel, METHODS[rpc], asked.request, asked.upload)
    except grpc.aio.AioRpcError as error:
        return failed(error)
    return None


def status_of(found: Failed | None) -> Status | None:
    """The status of a call."""
    return None if found is None else Status(found.code.name, found.reason)


def filters(**values: list[str]) -> dict[str, StringList]:
    """Filters, as requests have them."""
    return {name: StringList(items=items) for name, items in values.items()}
