"""Reads, follows and writes the keys below one prefix of etcd."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

from gateway.engine.errors import OutcomeUnknown
from gateway.etcd import etcd_pb2 as pb
from gateway.etcd.client import Client, EtcdError
from gateway.fleet.sources.keys import Away, Changed, Entry, News, Snapshot
from gateway.fleet.sources.store import HostStoreUnavailable

_PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)  # seconds between attempts; the last one repeats
_WELL_SECONDS = 10.0  # after an attempt that took so long, the pauses begin anew
_LEAST_SECONDS = 0.1  # between two responses of a watch, however often keys change; etcd joins the changes meanwhile


class Compacted(Exception):
    """etcd has compacted changes that were not read yet."""


class EtcdKeys:
    """The keys below *prefix*."""

    def __init__(self, client: Client, prefix: str) -> None:
        self._client = client
        self._prefix = prefix.encode()
        self._end = self._prefix[:-1] + bytes([self._prefix[-1] + 1])  # the first key that is not below the prefix
        self._revision = 0  # of the last snapshot or change

    async def follow(self) -> AsyncGenerator[News, None]:
        """Yield all entries, then what changes, without end.

        After every break it begins with a snapshot.  The store at the address may have been replaced or restored, and a
        watch would then wait for revisions that never come.
        """
        failures = 0
        clock = asyncio.get_running_loop().time
        try:
            while True:
                began = clock()
                try:
                    async with aclosing(self._follow_once()) as news:
                        async for each in news:
                            yield each
                except Compacted:
                    pass
                except EtcdError as error:
                    yield Away(str(error))
                    await self._client.close()
                if clock() - began >= _WELL_SECONDS:
                    failures = 0
                pause = _PAUSES[min(failures, len(_PAUSES) - 1)]
                failures += 1
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # all gateways lose it in the same moment
        finally:
            await self._client.close()

    async def create(self, key: str, value: bytes) -> int | None:
        """Write a key that must not exist; return None when it does."""
        return await self._write(self._put(key, value), self._revision_of(key, pb.Compare.EQUAL))

    async def replace(self, key: str, value: bytes) -> int | None:
        """Write a key that must exist; return None when it does not."""
        return await self._write(self._put(key, value), self._revision_of(key, pb.Compare.GREATER))

    async def put(self, key: str, value: bytes) -> int:
        """Write a key."""
        return await self._write(self._put(key, value)) or 0

    async def delete(self, *keys: str) -> int:
        """Delete keys that exist."""
        requests = (pb.DeleteRangeRequest(key=self._prefix + key.encode()) for key in keys)
        return await self._write([pb.RequestOp(request_delete_range=request) for request in requests]) or 0

    async def _follow_once(self) -> AsyncGenerator[News, None]:
        """Yield a snapshot, then changes until the watch ends.  Raises `EtcdError` and `Compacted`."""
        request = pb.RangeRequest(key=self._prefix, range_end=self._end)
        found = await self._client.call("/etcdserverpb.KV/Range", request, pb.RangeResponse)
        yield Snapshot([self._entry(each) for each in found.kvs], found.header.revision < self._revision)
        self._revision = found.header.revision
        create = pb.WatchCreateRequest(
            key=self._prefix, range_end=self._end, start_revision=self._revision + 1, fragment=True
        )
        async with aclosing(self._client.watch(create)) as responses:
            async for response in responses:
                if response.compact_revision:
                    raise Compacted
                if response.canceled:
                    raise EtcdError(f"{self._client.endpoint}: the watch is refused: {response.cancel_reason}")
                if response.events:
                    yield self._changed(response.events)
                    self._revision = max(each.kv.mod_revision for each in response.events)
                await asyncio.sleep(_LEAST_SECONDS)

    def _changed(self, events: Iterable[pb.Event]) -> Changed:
        latest = {event.kv.key: event for event in events}
        put = [self._entry(event.kv) for event in latest.values() if event.type == pb.Event.PUT]
        gone = [event.kv for event in latest.values() if event.type == pb.Event.DELETE]
        deleted = {self._name(each): each.mod_revision for each in gone}
        return Changed(put, deleted)

    def _entry(self, found: pb.KeyValue) -> Entry:
        return Entry(self._name(found), found.value, found.mod_revision)

    def _name(self, found: pb.KeyValue) -> str:
        return found.key[len(self._prefix) :].decode(errors="backslashreplace")

    def _put(self, key: str, value: bytes) -> list[pb.RequestOp]:
        return [pb.RequestOp(request_put=pb.PutRequest(key=self._prefix + key.encode(), value=value))]

    def _revision_of(self, key: str, result: pb.Compare.Result.ValueType) -> pb.Compare:
        """Return the condition on the revision that made a key, 0 when it does not exist."""
        return pb.Compare(key=self._prefix + key.encode(), target=pb.Compare.CREATE, result=result, create_revision=0)

    async def _write(self, operations: list[pb.RequestOp], *conditions: pb.Compare) -> int | None:
        request = pb.TxnRequest(compare=conditions, success=operations)
        try:
            response = await self._client.write(request)
        except EtcdError as error:
            if error.sent:
                raise OutcomeUnknown(f"{error}; whether the change is stored is not known", sent=True) from error
            raise HostStoreUnavailable(f"the change cannot be stored in etcd: {error}") from error
        return response.header.revision if response.succeeded else None
