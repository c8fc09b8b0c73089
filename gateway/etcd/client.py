"""The connection to etcd: one channel at a time, and the RPCs by their paths."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import grpc
from google.protobuf.message import Message

from gateway.config import tls
from gateway.config.sources import EtcdServers
from gateway.etcd import etcd_pb2 as pb
from gateway.etcd.answers import Response, parse

_CONNECT_SECONDS = 3.0
_CALL_SECONDS = 5.0
_SILENT_SECONDS = 5.0  # without a response of a watch, after which etcd must prove that it answers
_OPTIONS = (
    ("grpc.keepalive_time_ms", 10_000),  # only during a watch: without a call, etcd treats pings as an attack
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_reconnect_backoff_ms", 2_000),  # by default it grows to two minutes
    ("grpc.max_receive_message_length", 64 << 20),
    ("grpc.use_local_subchannel_pool", 1),
)
_TRANSIENT = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)
_TOKEN_REFUSED = ("invalid auth token", "user name is empty")


class EtcdError(Exception):
    """etcd does not respond, or refuses.  `sent`: it may have executed the request."""

    def __init__(self, message: str, *, sent: bool = False) -> None:
        super().__init__(message)
        self.sent = sent


class Client:
    """A client of one etcd cluster, connected to one server at a time."""

    def __init__(self, settings: EtcdServers) -> None:
        """Open nothing yet."""
        self._settings = settings
        self._turn = 0  # which of the endpoints is asked
        self._channel: grpc.aio.Channel | None = None
        self._token: str | None = None
        self._connecting = asyncio.Lock()

    @property
    def endpoint(self) -> str:
        """The server that is asked."""
        return self._settings.endpoints[self._turn % len(self._settings.endpoints)]

    async def close(self) -> None:
        """Close the channel.  The next call opens one to the next server; it reads the files of TLS anew."""
        channel, self._channel, self._token = self._channel, None, None
        self._turn += 1
        if channel is not None:
            await channel.close()

    async def write(self, request: pb.TxnRequest) -> pb.TxnResponse:
        """Run a transaction.  Raises `EtcdError`."""
        await self._ready()
        return await self.call("/etcdserverpb.KV/Txn", request, pb.TxnResponse)

    async def call(self, path: str, request: Message, kind: type[Response]) -> Response:
        """Call a unary RPC.  Raises `EtcdError`."""
        try:
            return await self._call(path, request, kind)
        except EtcdError as error:
            if not _is_about_token(str(error)):
                raise
        self._token = None  # the token was lost with the server that issued it
        return await self._call(path, request, kind)

    async def exchange(self, path: str, request: Message, kind: type[Response]) -> Response:
        """Send one request of a two-way stream, and return the response to it.  Raises `EtcdError`."""
        channel = await self._connected()
        method: Any = channel.stream_stream(path, request_serializer=type(request).SerializeToString)

        async def one() -> AsyncGenerator[Message, None]:
            yield request

        call: Any = method(one(), timeout=_CALL_SECONDS, metadata=self._metadata())
        try:
            async for data in call:
                return self._parsed(data, kind)
        except grpc.aio.AioRpcError as error:
            raise self._error(error) from error
        except asyncio.CancelledError:
            self._raise_unless_cancelled()
            raise
        finally:
            call.cancel()
        raise EtcdError(f"{self.endpoint}: no answer to {path}", sent=True)

    async def watch(self, create: pb.WatchCreateRequest) -> AsyncGenerator[pb.WatchResponse, None]:
        """Yield the responses of a watch.  Raises `EtcdError` when it breaks, or etcd hangs."""
        channel = await self._connected()
        method: Any = channel.stream_stream(
            "/etcdserverpb.Watch/Watch", request_serializer=pb.WatchRequest.SerializeToString
        )
        call: Any = method(metadata=self._metadata())
        try:
            await call.write(pb.WatchRequest(create_request=create))
            while (data := await self._read(call, create)) is not grpc.aio.EOF:
                yield self._parsed(data, pb.WatchResponse)
        except grpc.aio.AioRpcError as error:
            raise self._error(error) from error
        except asyncio.CancelledError:
            self._raise_unless_cancelled()
            raise
        except (asyncio.InvalidStateError, grpc.aio.UsageError, grpc.aio.InternalError) as error:
            raise EtcdError(f"{self.endpoint}: the watch broke: {error}") from error  # it ended before the write
        finally:
            call.cancel()
        raise EtcdError(f"{self.endpoint}: the watch ended")

    async def _read(self, call: Any, create: pb.WatchCreateRequest) -> Any:
        """Return the next response of a watch, or `grpc.aio.EOF`.  Raises `EtcdError` when etcd hangs."""
        reading = asyncio.ensure_future(call.read())
        try:
            while not (await asyncio.wait((reading,), timeout=_SILENT_SECONDS))[0]:
                await self._prove(create)
            return reading.result()
        finally:
            if not reading.done():
                call.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    async def _prove(self, create: pb.WatchCreateRequest) -> None:
        """Ask for something small.  Raises `EtcdError` when etcd hangs: its kernel keeps a watch alive."""
        request = pb.RangeRequest(key=create.key)  # one key at most
        await self.call("/etcdserverpb.KV/Range", request, pb.RangeResponse)

    async def _call(self, path: str, request: Message, kind: type[Response]) -> Response:
        return await self._ask(await self._connected(), path, request, kind, self._metadata())

    async def _ask(
        self,
        channel: grpc.aio.Channel,
        path: str,
        request: Message,
        kind: type[Response],
        metadata: tuple[tuple[str, str], ...] = (),
    ) -> Response:
        method: Any = channel.unary_unary(path, request_serializer=type(request).SerializeToString)
        try:
            data: bytes = await method(request, timeout=_CALL_SECONDS, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            raise self._error(error) from error
        except asyncio.CancelledError:
            self._raise_unless_cancelled()
            raise
        return self._parsed(data, kind)

    def _parsed(self, data: bytes, kind: type[Response]) -> Response:
        try:
            return parse(data, kind)
        except ValueError as error:
            raise EtcdError(f"{self.endpoint}: a response cannot be read: {error}", sent=True) from error

    def _raise_unless_cancelled(self) -> None:
        """Raise `EtcdError` if the channel was closed during a call: grpc reports this like the cancellation of the
        task.
        """
        task = asyncio.current_task()
        if task is not None and not task.cancelling():
            raise EtcdError(f"{self.endpoint}: the connection was given up", sent=True)

    async def _connected(self) -> grpc.aio.Channel:
        """Return a channel, logged in where a user is configured.  Raises `EtcdError`."""
        async with self._connecting:
            if self._channel is None:
                self._channel = self._open()
            channel = self._channel
            if self._settings.user is not None and self._token is None:
                self._token = await self._log_in(channel, self._settings.user)
            return channel

    async def _ready(self) -> None:
        """Wait for a connection, so that a later failure means that the call may have been received.  Raises
        `EtcdError`.
        """
        channel = await self._connected()
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                while (state := channel.get_state(try_to_connect=True)) is not grpc.ChannelConnectivity.READY:
                    if state in (grpc.ChannelConnectivity.TRANSIENT_FAILURE, grpc.ChannelConnectivity.SHUTDOWN):
                        raise EtcdError(f"{self.endpoint}: no connection")
                    await channel.wait_for_state_change(state)
        except TimeoutError:
            raise EtcdError(f"{self.endpoint}: no connection within {_CONNECT_SECONDS:g} s") from None

    def _open(self) -> grpc.aio.Channel:
        secured = self._settings.tls
        if secured is None:
            return grpc.aio.insecure_channel(self.endpoint, _OPTIONS)
        try:
            key = tls.read(secured.key) if secured.key else None
            certificate = tls.read(secured.certificate) if secured.certificate else None
            credentials = grpc.ssl_channel_credentials(tls.read(secured.ca), key, certificate)
        except OSError as error:
            raise EtcdError(f"{self.endpoint}: its TLS files cannot be read: {error}") from error
        name = [("grpc.ssl_target_name_override", secured.server_name)] if secured.server_name else []
        return grpc.aio.secure_channel(self.endpoint, credentials, (*_OPTIONS, *name))

    async def _log_in(self, channel: grpc.aio.Channel, user: str) -> str:
        assert self._settings.password_file is not None
        try:
            password = self._settings.password_file.read_text().removesuffix("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise EtcdError(f"the password file of etcd cannot be read: {error}") from error
        request = pb.AuthenticateRequest(name=user, password=password)
        response = await self._ask(channel, "/etcdserverpb.Auth/Authenticate", request, pb.AuthenticateResponse)
        return response.token

    def _metadata(self) -> tuple[tuple[str, str], ...]:
        return (("token", self._token),) if self._token is not None else ()

    def _error(self, error: grpc.aio.AioRpcError) -> EtcdError:
        sent = error.code() in _TRANSIENT
        return EtcdError(f"{self.endpoint}: {error.code().name}: {error.details()}", sent=sent)


def _is_about_token(words: str) -> bool:
    return any(refused in words for refused in _TOKEN_REFUSED)
