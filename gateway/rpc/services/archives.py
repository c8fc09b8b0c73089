"""ContainerService: the RPCs of archives that are more than one request.  The mirror serves the rest."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from dockfleet.v1 import containers_pb2 as pb

from gateway.engine.client import APIError
from gateway.engine.codec.binding import Binding
from gateway.engine.errors import InvalidField
from gateway.rpc.backend import Backend
from gateway.rpc.context import CallContext
from gateway.rpc.mirror import upload

_METHODS = pb.DESCRIPTOR.services_by_name["ContainerService"].methods_by_name
_GET = Binding(_METHODS["GetContainerArchive"])
_PUT = Binding(_METHODS["PutContainerArchive"])
_STAT = Binding(_METHODS["StatContainerArchive"])
_COMPRESSED = tuple(map(bytes.fromhex, ("1f8b08", "425a68", "fd377a585a00", "28b52ffd")))  # gzip, bzip2, xz, zstd
_SKIPPED = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18", re.DOTALL)  # a skippable frame of zstd
_MARK_BYTES = 6


class ArchiveService:
    """Files into containers and out of them."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._put = upload(_PUT, backend)

    async def StatContainerArchive(self, request: pb.StatContainerArchiveRequest, context: CallContext) -> Any:
        """Describe a path.  The response to a HEAD has no body, so the text of an error comes from a second request, a
        GET.
        """
        engine = self._backend.engine(request, context)
        deadline = self._backend.timeouts.deadline(_STAT, context)
        try:
            answer = await engine.fetch(_STAT.call(request, deadline))
            return _STAT.response(answer, engine.skipped)
        except APIError:
            download = pb.GetContainerArchiveRequest(id=request.id, path=request.path)
            async with engine.open(_GET.call(download, deadline)):
                raise  # the path exists by now

    async def PutContainerArchive(
        self, requests: AsyncIterator[pb.PutContainerArchiveRequest], context: CallContext
    ) -> Any:
        """Unpack an archive that is not compressed."""
        return await self._put(_uncompressed(requests), context)


async def _uncompressed(requests: AsyncIterator[pb.PutContainerArchiveRequest]) -> AsyncGenerator[Any, None]:
    """Yield *requests*.  Raises `InvalidField` when the archive begins like a compressed one.

    An engine unpacks within the container's file system, and may run the container's own `xz` or `unpigz` as root on
    the host (CVE-2026-41567).
    """
    beginning = b""
    async for request in requests:
        if len(beginning) < _MARK_BYTES:
            beginning += request.data[:_MARK_BYTES]
            if beginning.startswith(_COMPRESSED) or _SKIPPED.match(beginning):
                raise InvalidField("data", "must be a tar archive that is not compressed")
        yield request
