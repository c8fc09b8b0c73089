"""An etcd, or those who write to it, that would harm the gateway."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, cast

import pytest

from gateway.etcd import etcd_pb2 as pb
from gateway.etcd.client import Client
from gateway.etcd.keys import EtcdKeys
from gateway.fleet.sources.feed import Refused
from gateway.fleet.sources.keys import Changed, Entry
from tests.fleet.sources.test_keys import Fleet, Store
from tests.support import fleets
from tests.support.fake_etcd import FakeEtcd, key, ranged
from tests.support.fleets import gateway, until_source

GOOD = key("hosts/good", b"address: unix:///x")


def changed(*names: str, revision: int = 5) -> Changed:
    """The news that keys were written."""
    return Changed([Entry(name, b"address: unix:///x", revision) for name in names], {})


@pytest.mark.parametrize(
    "value",
    [
        b"address: !!bool maybe",
        b"address: !!timestamp tomorrow",
        b"{1: 2}",
        b"[" * 100_000,
        b"\xff\xfe",
        b"tls: {ca: /dev/zero}\naddress: tcp://127.0.0.1:1",
        b"x" * (2 << 20),
    ],
)
async def test_a_value_that_is_no_host_is_refused_and_the_others_are_served(value: bytes) -> None:
    """The source goes on, whatever the value is."""
    async with FakeEtcd(ranged(key("hosts/bad", value), GOOD)) as etcd, gateway(etcd=etcd.settings) as client:
        found = await until_source(client, "etcd", up=True)

    assert found.hosts == 1
    assert [entry.place for entry in found.refused_entries] == ["hosts/bad"]


RESPONSES = pytest.mark.parametrize(
    ("response", "words"),
    [
        (b"\x5a\x00" * 200_000, "more than 100000 keys"),
        (b"\x07" * 100, "no message of etcd"),
        (b"\x12\xff\xff\xff\xff\x0f", "no message of etcd"),
        (b"\x08" + b"\xff" * 100, "no message of etcd"),
    ],
)


@RESPONSES
async def test_a_response_that_is_none_is_a_failure_of_the_source(
    response: bytes, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Two bytes of it could be an object in memory.  The log has no traceback."""
    async with FakeEtcd(response) as etcd, gateway(etcd=etcd.settings) as client:
        away = await until_source(client, "etcd", up=False)

    assert words in away.message
    assert not [record for record in caplog.records if record.exc_info or record.levelno > logging.WARNING]


@RESPONSES
async def test_a_change_that_is_none_keeps_the_hosts(response: bytes, words: str) -> None:
    """The gateway reads all keys again, and a failure in between does not concern them."""

    async def changes() -> AsyncIterator[bytes]:
        yield response

    async with FakeEtcd(ranged(GOOD), changes) as etcd, gateway(etcd=etcd.settings) as client:
        await fleets.Fleet(client).until_named("good")
        away = await until_source(client, "etcd", up=False)

    assert away.hosts == 1
    assert words in away.message


async def test_an_etcd_that_has_always_just_compacted_is_asked_less_and_less() -> None:
    """A watch that ends at once does not make the gateway read all keys again at once."""

    async def compacted() -> AsyncIterator[bytes]:
        yield pb.WatchResponse(compact_revision=99).SerializeToString()

    async with FakeEtcd(ranged(GOOD), compacted) as etcd, gateway(etcd=etcd.settings):
        times = [await etcd.asked.get() for _ in range(4)]
        pauses = [after - before for before, after in itertools.pairwise(times)]

    assert pauses[0] >= 0.1
    assert pauses[1] >= 0.25
    assert pauses[2] >= 0.5


async def test_a_watch_without_end_is_read_ten_times_a_second() -> None:
    """Meanwhile etcd joins the changes of keys."""
    keys = EtcdKeys(cast("Client", _Flood()), "/dockfleet/")
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with aclosing(keys.follow()) as news:
        for _ in range(6):  # a snapshot and five changes
            await anext(news)

    assert loop.time() - began >= 0.4


class _Flood:
    """A client of an etcd where a key changes all the time."""

    async def call(self, path: str, request: Any, kind: Any) -> Any:
        return pb.RangeResponse()

    async def watch(self, create: Any) -> AsyncGenerator[pb.WatchResponse, None]:
        for revision in itertools.count(1):
            yield pb.WatchResponse(events=[pb.Event(kv=key("hosts/good", b"address: unix:///x", revision))])

    async def close(self) -> None:
        pass


async def test_keys_beyond_a_bound_are_not_read() -> None:
    """Those that are known stay; the source says that there are more."""
    store = Store()
    async with Fleet(store, most_hosts=2) as fleet:
        await store.send(changed("hosts/b", "hosts/c"))
        await store.send(changed(*(f"hosts/a{number}" for number in range(10)), revision=9))

        assert sorted(fleet.feed.hosts) == ["b", "c"]
        assert fleet.feed.refused == (
            Refused("further hosts", "6 more than sources.max_hosts (2) allows"),
            Refused("further keys", "4 keys are not read: delete others"),
        )
