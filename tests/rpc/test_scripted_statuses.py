"""Statuses that comments of the contract name and that only a scripted engine gives."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from dockfleet.v1 import exec_pb2

from gateway.config.settings import Limits
from tests.rpc.scripted_statuses import ROWS, SLOW, Row
from tests.support.fake_engine import FakeEngine, ResponseParser, frame
from tests.support.gateway import failed, gateway_of
from tests.support.statuses import outcome, status_of
from tests.support.upstream import EXEC

NOWHERE = "tcp://127.0.0.1:1"


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_a_call_ends_with_the_status_that_its_comment_names(row: Row) -> None:
    """Code and reason are those of the comment."""
    async with FakeEngine.tcp() as engine:
        engine.api_version = "1.56"
        for request, answer in row.script.items():
            method, path = request.split(" ")
            if callable(answer):
                engine.on(method, path, answer)
            else:
                engine.on(method, path, **answer)
        address = engine.address if row.script else NOWHERE
        keys = {"limits": Limits(**row.limits), "health_check_interval_seconds": 3600} | row.settings
        async with gateway_of(address, **keys) as client:
            found = await outcome(client.channel, row.rpc, row.asked)

    assert status_of(found) == row.status


async def test_an_exec_whose_client_reads_nothing_is_ended() -> None:
    """The process does not wait forever; this is the row of SLOW_READER."""
    left = asyncio.Event()

    async def flood(exchange: ResponseParser) -> None:
        exchange.upgrade()
        try:
            while True:
                exchange.write(frame(1, bytes(64 << 10)))
                await exchange.drain()
        finally:
            left.set()

    async with FakeEngine() as engine, gateway_of(engine.address, limits=Limits(stall_timeout_seconds=0.3)) as client:
        engine.on("POST", "/containers/{id}/exec", status=201, json={"Id": EXEC})
        engine.on("POST", "/exec/{id}/start", flood)
        call = client.exec.Exec()
        start = exec_pb2.ExecStart(host="h1", id="web", cmd=["yes"], on_disconnect=exec_pb2.ON_DISCONNECT_KEEP)
        await call.write(exec_pb2.ExecRequest(start=start))
        await left.wait()

        with pytest.raises(grpc.aio.AioRpcError) as error:
            while await call.read() is not grpc.aio.EOF:
                pass

    assert status_of(failed(error.value)) == SLOW
