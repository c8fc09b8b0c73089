"""The composition root: it builds, starts, drains and stops everything.  Only `__main__` imports it."""

from __future__ import annotations

import asyncio
import logging
import re
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import grpc
from dockfleet import __version__
from dockfleet.fleet.v1 import fleet_pb2, hosts_pb2
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
from grpc_health.v1 import health_pb2_grpc

from gateway.catalogs import catalogs_of
from gateway.config.settings import HostSettings, Limits, Settings
from gateway.config.state import resume_key
from gateway.descriptors import Descriptors
from gateway.engine.events.event_buffer import EventTokenCodec
from gateway.engine.inventory.gate import Gate
from gateway.engine.logs.cursor import LogTokenCodec
from gateway.engine.transport.large_responses import SharedRoom
from gateway.engine.transport.ssh.login import Logins
from gateway.engine.transport.turns import Traffic
from gateway.fleet.dial import host_of
from gateway.fleet.host import Host
from gateway.fleet.registration.registration import Registration
from gateway.fleet.registry import HostRegistry
from gateway.fleet.sources.combined import Combiner
from gateway.fleet.sources.files import Polls
from gateway.fleet.sources.store import HostChanges
from gateway.fleet.twins import Twins
from gateway.notify import ServiceManager
from gateway.process import Stop, return_memory
from gateway.reload import Configuration
from gateway.rpc import health
from gateway.rpc.backend import Backend, Timeouts
from gateway.rpc.call import show_at_zero
from gateway.rpc.certificates import Certificates
from gateway.rpc.health import HealthReporter
from gateway.rpc.host_rpc import Behaviour, HostsDown
from gateway.rpc.interceptor import CallInterceptor
from gateway.rpc.mirror import behaviours, handlers
from gateway.rpc.reflection import Reflection
from gateway.rpc.server import listen, options_of
from gateway.rpc.services.archives import ArchiveService
from gateway.rpc.services.containers import ContainerService
from gateway.rpc.services.exec import ExecService
from gateway.rpc.services.fleet.containers import FleetContainers
from gateway.rpc.services.fleet.events import FleetEvents
from gateway.rpc.services.fleet.images import FleetImages
from gateway.rpc.services.fleet.logs import FleetLogs
from gateway.rpc.services.fleet.services import FleetServices
from gateway.rpc.services.fleet.stats import FleetStats
from gateway.rpc.services.fleet.tokens import PartsCodec
from gateway.rpc.services.fleet.watch import FleetWatch
from gateway.rpc.services.hosts import HostService
from gateway.rpc.services.logs import LogService
from gateway.rpc.services.stats import StatsService
from gateway.rpc.services.system import SystemService
from gateway.sources import run_sources
from gateway.telemetry.loop import measured
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.rpcs import RpcMetrics
from gateway.telemetry.traces import Traces, traces_of
from gateway.web.fleet_pages import fleet_pages
from gateway.web.listener import Limits as PageLimits
from gateway.web.listener import Listener
from gateway.web.pages import Readiness, pages
from gateway.web.scrapes import OneScrape

log = logging.getLogger("gateway.server")

_LONGER_THAN_ANY_STOP_SECONDS = 3600.0
_HEALTH_CHECK_SECONDS = 60.0  # load balancers check health at least this often
_AFTER_GRACE_SECONDS, _HURRIED_SECONDS = 1.5, 0.75  # to end the calls that are still open; after a second signal
_STATUS_SECONDS = 0.5  # of these, for clients to receive the statuses of the calls that are ended
_STOP_SECONDS = 1.75  # after the grace period; then the kernel ends the process


async def serve(read: Callable[[], Settings], settings: Settings, manager: ServiceManager) -> None:
    """Run the gateway until SIGTERM or SIGINT; a second one ends it at once.

    SIGHUP reads the settings again with *read*, and checks all watched files now.  *manager* is notified of each step.
    """
    stop = Stop(settings.drain_timeout_seconds + settings.shutdown_timeout_seconds + _STOP_SECONDS)
    async with manager.watching(), running(settings, stop.now, read, manager.ready) as gateway:

        def reload() -> None:
            manager.reloading()
            gateway.polls.now()

        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload)
        manager.ready()
        trimming = asyncio.create_task(return_memory())
        await stop.asked.wait()
        trimming.cancel()
        manager.stopping()


@dataclass(frozen=True)
class Running:
    """A gateway that serves: its bound `port`, the `(host, port)` of the metrics if they are served, and its parts."""

    port: int
    metrics_address: tuple[str, int] | None
    hosts: HostRegistry
    metrics: Metrics
    polls: Polls


@asynccontextmanager
async def running(
    settings: Settings,
    hurry: asyncio.Event | None = None,
    read: Callable[[], Settings] | None = None,
    reloaded: Callable[[], None] = lambda: None,
) -> AsyncIterator[Running]:
    """Serve until the end of the block, then drain and stop.  *hurry* ends the drain and the grace period early.

    *read* returns the settings again after their files change; *reloaded* is called after each reload.  Raises
    `OSError` when a port is taken.
    """
    hurry = hurry or asyncio.Event()
    metrics, reporter, readiness = Metrics(), HealthReporter(), Readiness()
    certificates = Certificates(settings.tls) if settings.tls else None
    if certificates is not None:
        metrics.listener_certificate.show(lambda: certificates.expires)
    polls, traffic = Polls(settings.sources.poll_interval_seconds), Traffic()
    async with AsyncExitStack() as stack:
        traces = await stack.enter_async_context(traces_of(settings.traces))
        hosts = await stack.enter_async_context(
            HostRegistry(settings.health_check_interval_seconds, settings.health_check_timeout_seconds)
        )
        await stack.enter_async_context(measured(metrics.loop_lag.observe))
        twins, descriptors = Twins(hosts), Descriptors(hosts, settings.limits.max_client_connections)
        hosts.watchers += [reporter, twins, HostsDown(), descriptors]
        combiner = await stack.enter_async_context(_combiner(settings, hosts, metrics, traces, polls, traffic))
        feed = combiner.feed("configuration")
        combiner.run(Configuration(settings, read or (lambda: settings), feed, polls, certificates, reloaded), feed)
        changes = HostChanges(hosts, run_sources(settings, combiner, polls))
        await combiner.answered()
        await _register(settings, hosts, metrics, stack)
        backend = Backend(hosts, _timeouts(settings.limits))
        interceptor = CallInterceptor(metrics.rpcs, settings.limits, traces, traffic)
        server = grpc.aio.server(interceptors=[interceptor], options=options_of(settings.limits, descriptors.clients))
        service = HostService(backend, changes, combiner.feeds, twins)
        names = [
            *_add_services(server, backend, settings, service, metrics.rpcs),
            *_add_standard_services(server, reporter, settings),
        ]
        if settings.reflection:
            Reflection(names).add_to(server)
        metrics_address = await _serve_pages(settings, metrics, readiness, hosts, descriptors.pages, stack)
        port = listen(server, settings.listen, certificates)
        interceptor.listens_on(port)
        await server.start()
        hosts.begin()
        reporter.serve(names)
        readiness.obstacle = ""
        _log_start(settings, port, metrics_address, len(hosts))
        try:
            yield Running(port, metrics_address, hosts, metrics, polls)
        finally:
            readiness.obstacle = "the gateway is draining: it stops when its open calls have ended"
            seconds = settings.drain_timeout_seconds if _in_use(interceptor, reporter, readiness) else 0
            await _drain(reporter, seconds, hurry)
            await _stop(server, interceptor, backend, settings.shutdown_timeout_seconds, hurry)


def _combiner(
    settings: Settings, hosts: HostRegistry, metrics: Metrics, traces: Traces, polls: Polls, traffic: Traffic
) -> Combiner:
    """Return the combiner, which adds the hosts of all sources to *hosts*."""
    interval = settings.inventory_compare_interval_seconds
    gate = Gate(compare_interval_seconds=interval) if settings.inventory else None
    logins = Logins()
    room = SharedRoom(max(settings.limits.max_large_response_bytes, settings.limits.max_response_bytes))
    sampling = settings.container_metrics if settings.metrics_listen is not None else None

    def make(host: HostSettings) -> Host:
        return host_of(host, settings.limits, metrics, gate, logins, traffic, room, traces, sampling)

    sources = settings.sources
    return Combiner(
        hosts,
        make,
        metrics.sources,
        polls,
        absence_timeout_seconds=sources.absence_timeout_seconds,
        most_hosts=sources.max_hosts,
    )


async def _register(settings: Settings, hosts: HostRegistry, metrics: Metrics, stack: AsyncExitStack) -> None:
    """Write the endpoints of services to the configured catalogs until *stack* ends."""
    if catalogs := list(catalogs_of(settings)):
        seconds = settings.limits.fan_out_timeout_seconds
        registration = Registration(hosts, settings.discovery, catalogs, metrics.catalogs, seconds)
        await stack.enter_async_context(registration)


def _timeouts(limits: Limits) -> Timeouts:
    return Timeouts(
        read=limits.read_timeout_seconds,
        write=limits.write_timeout_seconds,
        long=limits.long_timeout_seconds,
        progress_idle=limits.progress_idle_timeout_seconds,
        reconnect=limits.reconnect_timeout_seconds,
        fan_out=limits.fan_out_timeout_seconds,
        stall=limits.stall_timeout_seconds,
    )


def _add_services(
    server: grpc.aio.Server, backend: Backend, settings: Settings, hosts: HostService, metrics: RpcMetrics
) -> list[str]:
    """Add the services of the contract to *server*; return their names."""
    served: dict[str, Behaviour] = {}
    key = resume_key(settings)
    log_tokens, event_tokens = LogTokenCodec(key), EventTokenCodec(key)
    logs, stats = LogService(backend, log_tokens), StatsService(backend)
    files: list[tuple[Any, ...]] = [
        (containers_pb2, ArchiveService(backend), ContainerService(backend), logs, stats),
        (distribution_pb2,),
        (exec_pb2, ExecService(backend)),
        (hosts_pb2, hosts),
        (images_pb2,),
        (networks_pb2,),
        (system_pb2, SystemService(backend, event_tokens)),
        (volumes_pb2,),
        (
            fleet_pb2,
            FleetContainers(backend, served),
            FleetEvents(backend, event_tokens, PartsCodec(key, "fleet event")),
            FleetImages(backend),
            FleetLogs(backend, log_tokens, PartsCodec(key, "fleet log")),
            FleetServices(backend),
            FleetStats(backend),
            FleetWatch(backend, PartsCodec(key, "fleet container")),
        ),  # last: it calls the RPCs of the services above
    ]
    names = []
    for module, *servicers in files:
        file: FileDescriptor = module.DESCRIPTOR
        for service in file.services_by_name.values():
            served |= behaviours(service, backend, *servicers, served=served)
            server.add_generic_rpc_handlers((handlers(service, served),))
            if settings.metrics_listen is not None:
                show_at_zero(service, metrics)
            names.append(service.full_name)
    return names


def _add_standard_services(server: grpc.aio.Server, reporter: HealthReporter, settings: Settings) -> list[str]:
    """Add the health service, and channelz if it is configured, to *server*; return their names."""
    health_pb2_grpc.add_HealthServicer_to_server(reporter, server)
    if not settings.channelz:
        return [health.NAME]
    from grpc_channelz.v1 import channelz  # takes 1 MiB, and few gateways serve it

    channelz.add_channelz_servicer(server)
    return [health.NAME, "grpc.channelz.v1.Channelz"]


async def _serve_pages(
    settings: Settings,
    metrics: Metrics,
    readiness: Readiness,
    hosts: HostRegistry,
    connections: int,
    stack: AsyncExitStack,
) -> tuple[str, int] | None:
    """Serve HTTP until *stack* ends; return the bound address, None when HTTP is off."""
    if settings.metrics_listen is None:
        return None
    address = urlsplit(f"//{settings.metrics_listen}")
    limits = PageLimits(max_connections=connections, stop_timeout_seconds=_STOP_SECONDS - _AFTER_GRACE_SECONDS)
    scrape = OneScrape()
    table = pages(metrics.registry, readiness, scrape) | fleet_pages(hosts, scrape)
    listener = Listener(table, limits, on_refused=metrics.http_refused.inc)
    return await stack.enter_async_context(listener.listening(address.hostname or "127.0.0.1", address.port or 0))


def _log_start(settings: Settings, port: int, metrics_address: tuple[str, int] | None, hosts: int) -> None:
    fields = {
        "version": __version__,
        "listen": re.sub(r":\d+$", f":{port}", settings.listen),
        "metrics": "{}:{}".format(*metrics_address) if metrics_address else "off",
        "hosts": hosts,
        "hosts_from": settings.source,
    }
    log.info("serving", extra={"fields": fields})
    for warning in settings.warnings:
        log.warning(warning)


def _in_use(interceptor: CallInterceptor, reporter: HealthReporter, readiness: Readiness) -> bool:
    """Return whether a call is open, or a health check came recently, for example from a load balancer."""
    recently = time.monotonic() - _HEALTH_CHECK_SECONDS
    return interceptor.busy or any(at > recently for at in (reporter.asked_at, readiness.asked_at) if at is not None)


async def _drain(reporter: HealthReporter, seconds: float, hurry: asyncio.Event) -> None:
    """Report NOT_SERVING to load balancers, and keep serving for *seconds*."""
    log.info("draining", extra={"fields": {"seconds": seconds}})
    reporter.drain()
    await _wait(hurry, seconds)
    reporter.close()


async def _stop(
    server: grpc.aio.Server, interceptor: CallInterceptor, backend: Backend, grace_seconds: float, hurry: asyncio.Event
) -> None:
    """Wait up to *grace_seconds* for open calls to finish, then end them."""
    loop = asyncio.get_running_loop()
    end = loop.time() + grace_seconds + _AFTER_GRACE_SECONDS
    # grpc's own grace period must outlast the second stop below: otherwise grpc cancels calls of a closed server, and
    # crashes.
    stopping = asyncio.create_task(server.stop(grace_seconds + _LONGER_THAN_ANY_STOP_SECONDS))
    interceptor.end_endless()
    hurried = asyncio.create_task(hurry.wait())
    await asyncio.wait({stopping, hurried}, timeout=grace_seconds, return_when=asyncio.FIRST_COMPLETED)
    hurried.cancel()
    if hurry.is_set():
        end = loop.time() + _HURRIED_SECONDS
    interceptor.end_all()
    await asyncio.wait({stopping}, timeout=_STATUS_SECONDS)
    if not stopping.done():
        await _step("cancel calls", server.stop(0), end)
    await _step("end calls", stopping, end)
    await _step("finish work after calls", backend.finished(), end)
    log.info("stopped")


async def _step(what: str, step: Awaitable[None], end: float) -> None:
    """Await *step*, one step of the stop, until *end* in the loop's time at most."""
    try:
        async with asyncio.timeout_at(end):
            await step
    except TimeoutError:
        log.error("a step of the stop took too long", extra={"fields": {"step": what}})


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
