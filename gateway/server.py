"""The composition root: builds everything, starts, drains, stops.  Nothing imports it but `__main__`."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import grpc
from dockfleet import __version__
from dockfleet.fleet.v1 import hosts_pb2
from dockfleet.v1 import (
    containers_pb2,
    distribution_pb2,
    exec_pb2,
    images_pb2,
    networks_pb2,
    system_pb2,
    volumes_pb2,
)
from google.protobuf.descriptor import FileDescriptor
from grpc_channelz.v1 import channelz
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.config.settings import HostSettings, Limits, Settings
from gateway.config.state import kept_key
from gateway.engine.client import Endpoint, Engine
from gateway.engine.events.event_buffer import EventTokenCodec
from gateway.engine.logs.places import LogTokenCodec
from gateway.engine.transport.pool import Limits as EngineLimits
from gateway.fleet.dial import address_of
from gateway.fleet.hosts import Host, Hosts, State
from gateway.reload import Reload
from gateway.rpc.certificates import Certificates
from gateway.rpc.health import Health
from gateway.rpc.interceptor import CallInterceptor
from gateway.rpc.mirror import Backend, Timeouts, handlers
from gateway.rpc.reflection import Reflection
from gateway.rpc.services.containers import ContainerService
from gateway.rpc.services.exec import ExecService
from gateway.rpc.services.hosts import HostService
from gateway.rpc.services.logs import LogService
from gateway.rpc.services.stats import StatsService
from gateway.rpc.services.system import SystemService
from gateway.telemetry import metrics
from gateway.web.listener import Listener
from gateway.web.pages import Readiness, pages

log = logging.getLogger("gateway.server")

_REFUSALS = 1000  # calls of one connection that are being refused, or ask for health
_NEVER_SECONDS = 3600.0
_ASKED_SECONDS = 60.0  # whoever asks for the health at all asks at least once in this time
_LAST_WORDS_SECONDS = 1.0  # for telling the clients of calls that are cut off
_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
OPTIONS = (
    ("grpc.so_reuseport", 0),  # else a second gateway would silently share the port (grpc/grpc#18210)
    ("grpc.max_receive_message_length", 16 << 20),
    ("grpc.max_send_message_length", 64 << 20),  # a list of some ten thousand containers
    ("grpc.max_metadata_size", 16 << 10),  # both alike: between them, grpc would decide by chance
    ("grpc.absolute_max_metadata_size", 16 << 10),
    ("grpc.server_handshake_timeout_ms", 5_000),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.ping_timeout_ms", 10_000),  # without it, a stopped client is never noticed
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
)


def _options(limits: Limits) -> list[tuple[str, int]]:
    # More than the budgets allow in all, on one connection: grpc lets a call beyond this wait in silence, they say no.
    return [
        *OPTIONS,
        ("grpc.max_concurrent_streams", limits.max_concurrent_calls + limits.max_concurrent_streams + _REFUSALS),
    ]


async def serve(read: Callable[[], Settings], settings: Settings) -> None:
    """Run the gateway until SIGTERM or SIGINT; a second one ends it at once.

    SIGHUP applies what *read* returns then.
    """
    stop, now, changed = asyncio.Event(), asyncio.Event(), asyncio.Event()

    def signalled() -> None:
        (now if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signalled)
    loop.add_signal_handler(signal.SIGHUP, changed.set)
    async with running(settings, now) as gateway:
        reloading = asyncio.create_task(gateway.reload.whenever(changed, read))
        await stop.wait()
        reloading.cancel()


@asynccontextmanager
async def running(settings: Settings, hurry: asyncio.Event | None = None) -> AsyncIterator[Running]:
    """Serve until the end of the block, then drain and stop; *hurry* cuts the draining short.

    Raises `OSError` when a port can not be had.
    """
    limits = settings.limits
    hurry = hurry or asyncio.Event()
    health = Health()
    interceptor = CallInterceptor(
        calls=limits.max_concurrent_calls,
        streams=limits.max_concurrent_streams,
        stall_timeout_seconds=limits.reader_stall_timeout_seconds,
    )
    hosts = Hosts(
        [_host(host, settings) for host in settings.hosts],
        changed=lambda host: _tell(health, host),
        end_call=interceptor.end,
    )
    metrics.observe_budgets(interceptor.budgets)
    server = grpc.aio.server(interceptors=[interceptor], options=_options(limits))
    backend = Backend(hosts, _patience(settings))
    names = _add_services(server, backend, _resume_key(settings))
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    names.append("grpc.health.v1.Health")
    if settings.channelz:
        channelz.add_channelz_servicer(server)
        names.append("grpc.channelz.v1.Channelz")
    if settings.reflection:
        server.add_generic_rpc_handlers(Reflection(names).handlers())
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(hosts.watched(settings.health_check_interval_seconds))
        for host in hosts:
            metrics.observe_host(host)
        readiness = Readiness()
        metrics_address = await _serve_pages(settings, readiness, stack)
        certificates = Certificates(settings.tls) if settings.tls else None
        port = _listen(server, settings.listen, certificates)
        await server.start()
        await health.set("", _SERVING)
        for name in names:
            await health.set(name, _SERVING)
        readiness.obstacle = ""
        reload = Reload(
            settings,
            hosts,
            certificates,
            make=lambda host: _host(host, settings),
            added=metrics.observe_host,
            removed=lambda name: _forget(health, name),
        )
        log.info(
            "serving",
            extra={
                "fields": {
                    "version": __version__,
                    "listen": re.sub(r":\d+$", f":{port}", settings.listen),
                    "metrics": "{}:{}".format(*metrics_address) if metrics_address else "off",
                    "hosts": len(hosts),
                    "hosts_from": settings.source,
                }
            },
        )
        for warning in settings.warnings:
            log.warning(warning)
        try:
            yield Running(port, metrics_address, hosts, reload)
        finally:
            readiness.obstacle = "the gateway is draining: it ends when its open calls have ended"
            seconds = settings.drain_timeout_seconds if _in_use(interceptor, health, readiness) else 0
            await _drain(health, seconds, hurry)
            await _stop(server, interceptor, settings.shutdown_timeout_seconds, hurry)
            await backend.finished()


class Running:
    """A gateway that serves: the `port` it listens on, the metrics' `(host, port)` if any, its hosts, its reload."""

    def __init__(self, port: int, metrics_address: tuple[str, int] | None, hosts: Hosts, reload: Reload) -> None:
        self.port = port
        self.metrics_address = metrics_address
        self.hosts = hosts
        self.reload = reload


def _in_use(interceptor: CallInterceptor, health: Health, readiness: Readiness) -> bool:
    """Tell whether calls are open, or somebody who sends clients here asks how the gateway is."""
    recently = time.monotonic() - _ASKED_SECONDS
    asked = (at for at in (health.asked_at, readiness.asked_at) if at is not None)
    return any(budget.open for budget in interceptor.budgets.values()) or any(at > recently for at in asked)


async def _drain(health: Health, seconds: float, hurry: asyncio.Event) -> None:
    """Tell load balancers, and serve on for a while."""
    log.info("draining", extra={"fields": {"seconds": seconds}})
    await health.enter_graceful_shutdown()
    await _wait(hurry, seconds)


async def _stop(
    server: grpc.aio.Server, interceptor: CallInterceptor, grace_seconds: float, hurry: asyncio.Event
) -> None:
    """Let open calls finish within bounds, and end the others."""
    # Its own grace must not end while the stop below is at work: grpc would cancel the calls of a server that is gone,
    # and crash.
    stopping = asyncio.create_task(server.stop(grace_seconds + _NEVER_SECONDS))
    interceptor.end_endless()
    hurried = asyncio.create_task(hurry.wait())
    await asyncio.wait({stopping, hurried}, timeout=grace_seconds, return_when=asyncio.FIRST_COMPLETED)
    hurried.cancel()
    interceptor.end_all()
    await asyncio.wait({stopping}, timeout=_LAST_WORDS_SECONDS)
    if not stopping.done():
        await server.stop(0)
    await stopping
    log.info("stopped")


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return


def _add_services(server: grpc.aio.Server, backend: Backend, resume_key: bytes) -> list[str]:
    logs, stats = LogService(backend, LogTokenCodec(resume_key)), StatsService(backend)
    files: list[tuple[Any, ...]] = [
        (containers_pb2, ContainerService(backend), logs, stats),
        (distribution_pb2,),
        (exec_pb2, ExecService(backend)),
        (hosts_pb2, HostService(backend.hosts)),
        (images_pb2,),
        (networks_pb2,),
        (system_pb2, SystemService(backend, EventTokenCodec(resume_key))),
        (volumes_pb2,),
    ]
    names = []
    for module, *by_hand in files:
        file: FileDescriptor = module.DESCRIPTOR
        for service in file.services_by_name.values():
            server.add_generic_rpc_handlers((handlers(service, backend, *by_hand),))
            names.append(service.full_name)
    return names


def _host(settings: HostSettings, all_settings: Settings) -> Host:
    limits = all_settings.limits
    engine = Engine(
        settings.name,
        Endpoint(settings.address, address_of(settings)),
        EngineLimits(
            connections=limits.max_connections_per_host,
            queue=limits.max_queued_calls_per_host,
            streams=limits.max_streams_per_host,
            max_response_bytes=limits.max_response_bytes,
            connect_timeout_seconds=limits.connect_timeout_seconds,
            call_timeout_seconds=limits.read_timeout_seconds,
        ),
        metrics.EngineObserver(),
    )
    return Host(engine, settings.labels, reconnect_timeout_seconds=limits.reconnect_timeout_seconds)


def _resume_key(settings: Settings) -> bytes:
    if settings.resume_key is not None:
        return settings.resume_key.read_bytes()
    why = "no state directory is configured"
    if settings.state_directory is not None:
        try:
            return kept_key(settings.state_directory)
        except OSError as error:
            why = str(error)
    log.warning("resume tokens end with this run: set state_directory or resume_key", extra={"fields": {"why": why}})
    return secrets.token_bytes(32)


def _patience(settings: Settings) -> Timeouts:
    limits = settings.limits
    return Timeouts(
        limits.read_timeout_seconds,
        limits.write_timeout_seconds,
        limits.long_timeout_seconds,
        limits.progress_idle_timeout_seconds,
        limits.reconnect_timeout_seconds,
        limits.stall_timeout_seconds,
    )


def _listen(server: grpc.aio.Server, address: str, certificates: Certificates | None) -> int:
    try:
        if certificates is None:
            return server.add_insecure_port(address)
        return server.add_secure_port(address, certificates.credentials)
    except RuntimeError as error:  # its text is about how to debug grpc
        raise OSError(f"cannot listen on {address}: it is taken, or no address of this machine") from error


async def _serve_pages(settings: Settings, readiness: Readiness, stack: AsyncExitStack) -> tuple[str, int] | None:
    """Serve HTTP until the *stack* ends; return the address that was bound."""
    if settings.metrics_listen is None:
        return None
    address = urlsplit(f"//{settings.metrics_listen}")
    listener = Listener(pages(metrics.REGISTRY, readiness), on_refused=metrics.HTTP_REFUSED.inc)
    return await stack.enter_async_context(listener.listening(address.hostname or "127.0.0.1", address.port or 0))


Status: TypeAlias = health_pb2.HealthCheckResponse.ServingStatus
_telling: set[asyncio.Task[None]] = set()


def _tell(health: Health, host: Host) -> None:
    """Say in health and log that a host's state has changed.  Its entry in health is `host/NAME`."""
    level = logging.INFO if host.state is State.UP else logging.WARNING
    fields = {"host": host.name, "state": host.state.value} | ({"why": host.message} if host.message else {})
    log.log(level, "host", extra={"fields": fields})
    _set_health(health, host.name, _SERVING if host.state is State.UP else _NOT_SERVING)


def _forget(health: Health, name: str) -> None:
    """Take a host that has left out of metrics and health."""
    metrics.forget_host(name)
    _set_health(health, name, health_pb2.HealthCheckResponse.SERVICE_UNKNOWN)


def _set_health(health: Health, name: str, status: health_pb2.HealthCheckResponse.ServingStatus) -> None:
    task = asyncio.ensure_future(health.set(f"host/{name}", status))
    _telling.add(task)  # asyncio itself keeps none of its tasks alive
    task.add_done_callback(_telling.discard)
