"""The etcd catalog: endpoints as keys that are bound to a lease of this gateway."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import orjson

from gateway.etcd import etcd_pb2 as pb
from gateway.etcd.client import Client, EtcdError
from gateway.fleet.registration.catalog import CatalogError
from gateway.fleet.registration.entries import Entry

_LEASE_IS_GONE = "requested lease not found"


class EtcdCatalog:
    """A catalog in etcd.  The key of an entry ends with the id of the gateway, so other gateways write other keys."""

    name = "etcd"

    def __init__(self, client: Client, prefix: str, gateway: str, absence_timeout_seconds: float) -> None:
        """Ask nothing yet.  *gateway* is an id that no other gateway has."""
        self._client = client
        self._prefix = prefix
        self._gateway = gateway
        self._seconds = math.ceil(absence_timeout_seconds)
        self._lease = 0

    async def begin(self) -> None:
        """Get a lease."""
        try:
            request = pb.LeaseGrantRequest(TTL=self._seconds)
            granted = await self._client.call("/etcdserverpb.Lease/LeaseGrant", request, pb.LeaseGrantResponse)
        except EtcdError as error:
            raise CatalogError(str(error)) from error
        self._lease = granted.ID

    async def keep(self) -> None:
        """Keep the lease."""
        try:
            request = pb.LeaseKeepAliveRequest(ID=self._lease)
            path = "/etcdserverpb.Lease/LeaseKeepAlive"
            kept = await self._client.exchange(path, request, pb.LeaseKeepAliveResponse)
        except EtcdError as error:
            raise CatalogError(str(error)) from error
        if kept.TTL <= 0:
            raise CatalogError(f"{self._client.endpoint}: the lease has ended", lost=True)

    async def write(self, put: Sequence[Entry], delete: Sequence[Entry]) -> Mapping[str, str]:
        """Write all in one transaction.  etcd never refuses a single entry, because all keys have the same prefix."""
        requests = [pb.RequestOp(request_put=self._put(entry)) for entry in put]
        requests += [pb.RequestOp(request_delete_range=pb.DeleteRangeRequest(key=self._key(entry))) for entry in delete]
        try:
            await self._client.call("/etcdserverpb.KV/Txn", pb.TxnRequest(success=requests), pb.TxnResponse)
        except EtcdError as error:
            raise CatalogError(str(error), lost=_LEASE_IS_GONE in str(error)) from error
        return {}

    async def close(self) -> None:
        """Close the connection; the next server is asked then."""
        await self._client.close()

    def _put(self, entry: Entry) -> pb.PutRequest:
        return pb.PutRequest(key=self._key(entry), value=orjson.dumps(entry.document()), lease=self._lease)

    def _key(self, entry: Entry) -> bytes:
        return f"{self._prefix}{entry.id}/{self._gateway}".encode()
