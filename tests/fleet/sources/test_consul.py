"""A Consul that does not answer as it should."""

from __future__ import annotations

import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.support.fake_engine import FakeEngine, ResponseParser
from tests.support.fleets import Fleet, gateway, source, until_source
from tests.support.upstream import Held

PATH = "/health/service/docker"  # after /v1, which looks like the version of an engine
INSTANCE = {"Node": {"Node": "North", "Address": "127.0.0.1"}, "Service": {"ID": "d", "Address": "", "Port": 2375}}


@pytest.fixture
async def consul() -> AsyncIterator[FakeEngine]:
    """What answers in its place."""
    async with FakeEngine.tcp() as consul:
        consul.min_api_version = "1"
        yield consul


def answer(*instances: Any, index: str = "7", leader: str = "true", status: int = 200) -> dict[str, Any]:
    """An answer of Consul."""
    headers = {"X-Consul-Index": index, "X-Consul-Knownleader": leader, "Content-Type": "application/json"}
    return {"status": status, "body": orjson.dumps(instances), "headers": headers}


def instance(node: Any = "Other", **service: Any) -> dict[str, Any]:
    """An instance that Consul would not show."""
    return {"Node": {"Node": node, "Address": "127.0.0.1"}, "Service": {"ID": "d", "Port": 2375} | service}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (answer(status=500), "Consul answers 500"),
        (answer(status=403), "Consul answers 403"),
        (answer(leader="false"), "Consul has no leader"),
        (answer(index=""), "not one of Consul"),
        (answer({"Node": "x"}), "not one of Consul"),
        ({"body": b"<html>"}, "not one of Consul"),
        (answer(*[INSTANCE] * 3000), "more than 2000 instances: see sources.max_hosts"),
        (answer(instance(node=7)), "a value should be text"),
        (answer(instance(node=["x"])), "a value should be text"),
        (answer(instance(Address=7)), "a value should be text"),
        (answer(instance(Meta={"dockfleet_address": 7})), "a value should be text"),
        (answer(instance(Meta={"dockfleet_name": ["x"]})), "a value should be text"),
        (answer(instance(Meta={"x": {"y": 1}})), "a value should be text"),
        (answer(instance(Meta=["xy"])), "not one of Consul"),
        (answer(instance(Meta=dict.fromkeys(map(str, range(30_000)), "x"))), "more than 20000 values"),
        ({"body": b"[" * 10_000 + b"]" * 10_000, "headers": {"X-Consul-Index": "7"}}, "not one of Consul"),
    ],
)
async def test_an_answer_of_no_use_keeps_the_hosts(consul: FakeEngine, wrong: dict[str, Any], words: str) -> None:
    """The gateway says what is wrong with it, and asks again."""
    consul.on("GET", PATH, **answer(INSTANCE))
    settings = {"address": consul.address.removeprefix("tcp://"), "service": "docker"}
    async with gateway(consul=settings) as client:
        hosts = await Fleet(client).until_named("north")
        consul.on("GET", PATH, **wrong)
        away = await until_source(client, "consul", up=False)
        consul.on("GET", PATH, **answer(INSTANCE))
        back = await until_source(client, "consul", up=True)

    assert hosts["north"].address == "tcp://127.0.0.1:2375"
    assert words in away.message
    assert (away.hosts, back.hosts) == (1, 1)


async def test_an_answer_of_millions_of_objects_takes_little_memory(consul: FakeEngine) -> None:
    """It is read in pieces: 4 MiB of `{}` would be 1.4 million objects of 64 bytes, and more for their list."""
    consul.on("GET", PATH, body=b"[" + b"{}," * 1_400_000 + b"{}]", headers={"X-Consul-Index": "7"})
    tracemalloc.start()
    try:
        async with gateway(consul={"address": consul.address.removeprefix("tcp://"), "service": "docker"}) as client:
            away = await until_source(client, "consul", up=False)
            _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert "not one of Consul" in away.message
    assert peak < 64 << 20


async def test_consul_is_asked_to_wait_from_the_last_index_on(consul: FakeEngine, tmp_path: Path) -> None:
    """With the tag, the datacenter and the token; an index that decreases is used as it is."""
    (tmp_path / "token").write_text("secret\n")
    indexes = ["7", "9", "3"]
    waiting = Held()

    async def answered(exchange: ResponseParser) -> None:
        if indexes:
            await exchange.answer(**answer(INSTANCE, index=indexes.pop(0)))
        else:
            await waiting(exchange)

    consul.on("GET", PATH, answered)
    keys = {"tag": "prod", "datacenter": "dc 2", "token_file": tmp_path / "token"}
    settings = {"address": consul.address.removeprefix("tcp://"), "service": "docker"} | keys
    async with gateway(consul=settings) as client:
        await Fleet(client).until_named("north")
        await waiting.called.wait()
    asked = [dict(request.query) for request in consul.requests if request.path == PATH]

    assert [query["index"] for query in asked] == ["0", "7", "9", "3"]
    assert {(query["wait"], query["tag"], query["dc"]) for query in asked} == {("60s", "prod", "dc 2")}
    assert {request.headers["x-consul-token"] for request in consul.requests} == {"secret"}


async def test_a_consul_whose_leader_is_gone_is_away_while_it_holds_the_question(consul: FakeEngine) -> None:
    """A question for changes may take a minute; a small one shows at once what is the matter."""
    consul.on("GET", PATH, **answer(INSTANCE), times=1)
    consul.on("GET", PATH, Held())
    consul.on("GET", "/status/leader", status=500, body=b"No cluster leader")
    async with gateway(consul={"address": consul.address.removeprefix("tcp://"), "service": "docker"}) as client:
        await Fleet(client).until_named("north")
        away = await until_source(client, "consul", up=False)

    assert "No cluster leader" in away.message


async def test_an_instance_in_plaintext_beyond_this_machine_names_the_key_to_set(consul: FakeEngine) -> None:
    """It is that of the source: the instance itself cannot have credentials."""
    far = {"Node": {"Node": "far", "Address": "192.0.2.1"}, "Service": {"ID": "d", "Address": "", "Port": 2375}}
    consul.on("GET", PATH, **answer(INSTANCE, far))
    async with gateway(consul={"address": consul.address.removeprefix("tcp://"), "service": "docker"}) as client:
        await Fleet(client).until_named("north")
        [refused] = (await source(client, "consul")).refused_entries

    assert refused.place == "far/d"
    assert "set sources.consul.host_tls, or sources.consul.host_insecure" in refused.message
