"""Real engines, and one gateway in front of them all.

As root, on Debian, the tests start private engines and install what those need.  Else they borrow the engine that
the gateway finds by itself, for what needs one host and touches nothing but objects of the tests' own.
"""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from dockfleet.v1 import images_pb2

from deploy.private_engines.engine import PrivateEngine
from deploy.private_engines.podman import PrivatePodman
from deploy.private_engines.provision import EngineError, busybox_image, debian_root, install
from deploy.private_engines.registry import Registry
from gateway.config import loading
from gateway.config.settings import HostSettings, Limits
from gateway.config.tls import HostTls
from tests.real.calls import CallsOfAll
from tests.real.processes import GatewayProcess
from tests.real.statuses.at import At
from tests.real.support import IMAGE, Containers, Fleet, import_image, until_all_up
from tests.support.gateway import Client, gateway_of

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dockfleet/engines"
USERS = {"tester": "correct-horse-battery"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the test last that looks at what all others have called."""
    items.sort(key=lambda item: item.path.name == "test_every_rpc.py")


@pytest.fixture(scope="session")
def fleet() -> Iterator[Fleet]:
    """The hosts: `one`, Docker 20.10 on its socket; `two`, the same over TLS; `new`, Docker 26.1; `podman`."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a SIGTERM to the tests ends the engines too
    try:
        install("docker-registry", "debootstrap")
    except EngineError as error:
        yield _borrowed(str(error))
        return
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="engines-")))  # Podman wants a short path
        one, two = PrivateEngine(directory, "one"), PrivateEngine(directory, "two", tls=True)
        fleet = Fleet(engines={"one": one, "two": two})
        with ThreadPoolExecutor() as threads:
            started = [threads.submit(_start, engine, stack) for engine in (one, two)]
            new = threads.submit(_start_new, directory, stack)
            podman = threads.submit(_start_podman, directory, stack)
            fleet.hosts["one"] = HostSettings(name="one", address=one.address)
            _finish(started)
            assert two.certs is not None
            assert two.tcp_address is not None
            tls = HostTls(ca=two.certs / "ca.pem", certificate=two.certs / "cert.pem", key=two.certs / "key.pem")
            fleet.hosts["two"] = HostSettings(name="two", address=two.tcp_address, tls=tls)
            try:
                fleet.engines["new"] = new.result()
                fleet.hosts["new"] = HostSettings(name="new", address=new.result().address)
            except EngineError as error:
                fleet.absent["new"] = f"Docker 26.1 is not available: {error}"
            try:
                fleet.hosts["podman"] = HostSettings(name="podman", address=podman.result().address)
            except EngineError as error:
                fleet.absent["podman"] = f"Podman is not available: {error}"
        yield fleet


def _start(engine: PrivateEngine, stack: ExitStack) -> None:
    stack.callback(engine.remove)
    engine.start()
    engine.load_busybox(IMAGE)


def _start_new(directory: Path, stack: ExitStack) -> PrivateEngine:
    engine = PrivateEngine(directory, "new", root=debian_root(CACHE))
    _start(engine, stack)
    return engine


def _start_podman(directory: Path, stack: ExitStack) -> PrivatePodman:
    install("podman")
    engine = PrivatePodman(directory, "podman")
    stack.callback(engine.remove)
    engine.start()
    engine.load_busybox(IMAGE)
    return engine


def _finish(started: list[Future[None]]) -> None:
    for future in started:
        future.result()


def _borrowed(why: str) -> Fleet:
    """The engine that the gateway would find by itself, as `one`."""
    found = loading.load([], os.environ).all_hosts[0]
    absent = dict.fromkeys(
        ("two", "new", "podman", "private"), f"there is only a borrowed engine, {found.address}: {why}"
    )
    return Fleet(hosts={"one": found.model_copy(update={"name": "one"})}, absent=absent)


@pytest.fixture(scope="session")
def calls_of_all(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> CallsOfAll:
    """The RPCs that these tests have called, also those of the other processes of a parallel run."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    return CallsOfAll(shared / "calls", worker_id)


@pytest.fixture(scope="module", autouse=True)
def note_calls(request: pytest.FixtureRequest, calls_of_all: CallsOfAll) -> Iterator[None]:
    """Note what the tests of a file have called."""
    yield
    calls_of_all.note(request.path.name)


@pytest.fixture(scope="session")
async def lasting_client(fleet: Fleet) -> AsyncIterator[Client]:
    """A client of the gateway in front of all hosts; they hold the image `IMAGE`."""
    async with gateway_of(
        *fleet.hosts.values(),
        metrics_listen="127.0.0.1:0",
        health_check_interval_seconds=1,
        limits=Limits(close_flooding_connections=False),  # tests cancel calls by thousands, on this one connection
    ) as client:
        if not fleet.engines:
            try:
                await import_image(client, "one", busybox_image())
            except Exception as error:  # whatever is missing, it is no fault of the gateway
                pytest.skip(f"{fleet.absent['private']}; and it cannot be used: {error}")
        yield client
        if not fleet.engines:
            await client.images.RemoveImage(images_pb2.RemoveImageRequest(host="one", name=IMAGE))


@pytest.fixture
async def client(lasting_client: Client) -> Client:
    """The same, once all hosts are up: another test may have stopped one of them."""
    await until_all_up(lasting_client)
    return lasting_client


@pytest.fixture(scope="session")
async def gateway_process(
    fleet: Fleet, lasting_client: Client, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[GatewayProcess]:
    """A gateway in a process of its own, in front of the same hosts, for what is measured or weighs much."""
    async with GatewayProcess.running(tmp_path_factory.mktemp("gateway"), fleet.hosts.values()) as process:
        yield process


@pytest.fixture(params=["one", "new"])
def host(request: pytest.FixtureRequest, fleet: Fleet) -> str:
    """The name of a host: the test runs for an old engine and for a newer one."""
    return fleet.need(request.param)


@pytest.fixture
async def containers(client: Client, host: str) -> AsyncIterator[Containers]:
    """What makes containers on the host; they are removed at the end."""
    containers = Containers(client, host)
    yield containers
    await containers.remove_all()


@pytest.fixture
def private(fleet: Fleet) -> None:
    """The test needs hosts that are its own: it breaks them, or touches what is not the tests' own."""
    fleet.need("private")


@pytest.fixture
def start_engine(fleet: Fleet, tmp_path: Path) -> Iterator[Callable[..., PrivateEngine]]:
    """Give the function that starts an engine for this test alone; it takes the arguments of `PrivateEngine`."""
    fleet.need("private")
    with ExitStack() as stack:

        def start(name: str, **arguments: Any) -> PrivateEngine:
            engine = PrivateEngine(tmp_path, name, **arguments)
            _start(engine, stack)
            return engine

        yield start


@pytest.fixture
async def at(
    client: Client, host: str, containers: Containers, registry: Registry, guarded_registry: Registry
) -> AsyncIterator[At]:
    """Where rows run; what they have made is gone afterwards."""
    async with AsyncExitStack() as undo:
        yield At(client, host, containers, registry, guarded_registry, undo)
        await containers.remove_all()  # they go before what they use


@pytest.fixture(scope="session")
def registry(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that is open to all."""
    fleet.need("private")
    with Registry(tmp_path_factory.mktemp("registries"), "open") as registry:
        yield registry


@pytest.fixture(scope="session")
def guarded_registry(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that knows `USERS` and nobody else."""
    fleet.need("private")
    with Registry(tmp_path_factory.mktemp("registries"), "guarded", users=USERS) as registry:
        yield registry
