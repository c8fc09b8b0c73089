"""Bytes by the gigabyte through a session, in both directions at once."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import pytest
from dockfleet.v1 import exec_pb2

from tests.real.processes import GatewayProcess
from tests.real.support import CHUNK, Containers

SIZE = 1 << 30
BLOCKS = [random.Random(seed).randbytes(CHUNK) for seed in range(37)]


@pytest.mark.parametrize("host", ["one", "two", "new"], indirect=True)
async def test_what_goes_in_comes_out(gateway_process: GatewayProcess, host: str, containers: Containers) -> None:
    """`cat` of a gigabyte gives the same bytes back and exit code 0, over a socket and over TLS, in little memory."""
    container = await containers.start("sleep", "1000")
    sent, received, count, exit_code = hashlib.sha256(), hashlib.sha256(), 0, None

    async def requests() -> Any:
        start = exec_pb2.ExecStart(host=host, id=container, cmd=["cat"], attach_stdin=True)
        yield exec_pb2.ExecRequest(start=start)
        for number in range(SIZE // CHUNK):
            block = BLOCKS[number % len(BLOCKS)]
            sent.update(block)
            yield exec_pb2.ExecRequest(stdin=block)

    gateway_process.weigh()
    async for response in gateway_process.client.exec.Exec(requests()):
        if response.WhichOneof("record") == "output":
            received.update(response.output.data)
            count += len(response.output.data)
        elif response.WhichOneof("record") == "end":
            exit_code = response.end.exit_code
    growth = gateway_process.growth()

    assert exit_code == 0
    assert count == SIZE
    assert received.digest() == sent.digest()
    assert growth < 32 << 20
