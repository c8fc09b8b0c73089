"""The container image, built and run on a private engine as deploy/ and docs/deployment.md have it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import grpc
import pytest
from dockfleet.fleet.v1 import hosts_pb2
from dockfleet.v1 import container_config_pb2, containers_pb2, system_pb2

from deploy.image.__main__ import build
from deploy.image.system import BuildError
from deploy.private_engines.engine import PrivateEngine
from deploy.private_engines.provision import EngineError, debian_program, install
from deploy.private_engines.service import free_port, within
from tests.real.conftest import CACHE
from tests.real.support import IMAGE, Fleet, execute, transcript
from tests.support.contract import ROOT
from tests.support.gateway import Client, failed, receive

pytestmark = pytest.mark.timeout(600)

FOLLOWERS = 100
CHATTY = ("sh", "-c", "while :; do date; sleep 1; done")


@pytest.fixture(scope="module")
def engine(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> PrivateEngine:
    """An engine that has the image."""
    fleet.need("private")
    archive = tmp_path_factory.mktemp("image") / "image.tar"
    try:
        build(archive)
    except BuildError as error:
        pytest.skip(str(error))
    engine = fleet.engines["one"]
    status, answer = engine.request("POST", "/images/load?quiet=1", archive.read_bytes(), timeout=300)
    assert status == 200, answer
    return engine


class Container:
    """A container of the image, as it is run in earnest: nothing can be written, and it has no rights."""

    def __init__(self, engine: PrivateEngine, id: str, port: int, pages: int) -> None:
        self.engine, self.id, self.port, self.pages = engine, id, port, pages

    @classmethod
    @asynccontextmanager
    async def running(cls, fleet: Fleet, engine: PrivateEngine) -> AsyncIterator[Container]:
        """Run it in front of its own engine and another one."""
        port, pages = free_port(), free_port()
        other = fleet.engines[fleet.need("new")]
        config = {
            "Image": "dockfleet-gateway:latest",
            "Env": [
                f"DOCKFLEET_LISTEN=127.0.0.1:{port}",
                f"DOCKFLEET_METRICS_LISTEN=127.0.0.1:{pages}",
                "DOCKFLEET_HOSTS=own=unix:///var/run/docker.sock,other=unix:///other.sock",
            ],
            "Healthcheck": {"Interval": 1_000_000_000},
            "HostConfig": {
                "ReadonlyRootfs": True,
                "CapDrop": ["ALL"],
                "SecurityOpt": ["no-new-privileges"],
                "NetworkMode": "host",  # a port of its own for each test
                "Binds": ["/run/docker/docker.sock:/var/run/docker.sock", f"{other.socket}:/other.sock"],
                "GroupAdd": [str(each.socket.stat().st_gid) for each in (engine, other)],
            },
        }
        made = _json(engine, "POST", "/containers/create", config, 201)
        container = cls(engine, made["Id"], port, pages)
        try:
            assert engine.request("POST", f"/containers/{container.id}/start")[0] == 204
            yield container
        finally:
            engine.request("DELETE", f"/containers/{container.id}?force=1&v=1")

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """A client of it; it serves."""
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_reconnect_backoff_ms", 100)]
        async with grpc.aio.insecure_channel(f"127.0.0.1:{self.port}", options) as channel:
            client = Client(channel)
            await client.hosts.ListHosts(hosts_pb2.ListHostsRequest(), wait_for_ready=True)
            yield client

    def state(self) -> dict[str, Any]:
        """What the engine says of its state."""
        found: dict[str, Any] = _json(self.engine, "GET", f"/containers/{self.id}/json")["State"]
        return found


def _json(engine: PrivateEngine, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    found, answer = engine.request(method, path, body)
    assert found == status, answer
    return json.loads(answer)


@pytest.fixture
async def container(fleet: Fleet, engine: PrivateEngine) -> AsyncIterator[Container]:
    """A container of the image that runs."""
    async with Container.running(fleet, engine) as container:
        yield container


async def test_the_image_serves_two_engines_without_rights_and_is_healthy(container: Container) -> None:
    """As another user than root, on a root that cannot be written, it does what the demo does."""
    async with container.client() as client:
        for host in ("own", "other"):
            assert (await client.system.Ping(system_pb2.PingRequest(host=host))).os_type == "linux"
            alone = container_config_pb2.HostConfig(network_mode="none", auto_remove=True)
            config = container_config_pb2.ContainerSpec(image=IMAGE, cmd=["echo", host], host_config=alone)
            run = client.containers.RunContainer(containers_pb2.RunContainerRequest(host=host, config=config))
            assert (await transcript(run)).stdout == f"{host}\n".encode()
        inside = await execute(
            client, "own", container.id, "python3", "-c", "import os; print(os.getuid(), os.getgid())"
        )
        told = await execute(
            client, "own", container.id, "dockfleet", "--address", f"127.0.0.1:{container.port}", "hosts"
        )
        written = await execute(client, "own", container.id, "python3", "-c", "open('/etc/dockfleet/x', 'w')")

    assert b"\nown " in told.stdout
    assert b"\nother " in told.stdout
    assert inside.stdout == b"65532 65532\n"
    assert b"Read-only file system" in written.stderr
    metrics = await asyncio.to_thread(_page, container.pages, "/metrics")
    assert 'dockfleet_host_up{host="other"} 1.0' in metrics
    healthy = await asyncio.to_thread(within, 120, lambda: container.state()["Health"]["Status"] == "healthy")
    assert healthy, container.state()


async def test_a_stop_ends_a_hundred_followers_within_dockers_ten_seconds(container: Container) -> None:
    """With Docker's own time, which it gives before SIGKILL: each follower learns why, and the exit code is 0."""
    async with container.client() as client:
        alone = container_config_pb2.HostConfig(network_mode="none")
        spec = container_config_pb2.ContainerSpec(image=IMAGE, cmd=CHATTY, host_config=alone)
        created = await client.containers.CreateContainer(
            containers_pb2.CreateContainerRequest(host="own", config=spec)
        )
        try:
            await client.containers.StartContainer(containers_pb2.StartContainerRequest(host="own", id=created.id))
            request = containers_pb2.StreamLogsRequest(host="own", id=created.id, follow=True)
            followers = [client.containers.StreamLogs(request) for _ in range(FOLLOWERS)]
            await asyncio.gather(*(receive(follower) for follower in followers))

            stopped = await asyncio.to_thread(container.engine.request, "POST", f"/containers/{container.id}/stop")

            ends = await asyncio.gather(*(_end(follower) for follower in followers))
        finally:
            container.engine.request("DELETE", f"/containers/{created.id}?force=1")

    assert stopped[0] == 204
    assert container.state()["ExitCode"] == 0
    assert set(ends) == {"GOING_AWAY"}


async def _end(follower: Any) -> str:
    """The reason with which a call ends."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        while await follower.read() is not grpc.aio.EOF:
            pass
    return failed(raised.value).reason


@pytest.fixture
def compose(engine: PrivateEngine) -> Iterator[tuple[list[str], dict[str, str], int]]:
    """The compose file as a command, its environment, and the port of its Prometheus; all is gone at the end."""
    try:
        install("prometheus")
        program = debian_program(CACHE, "docker-compose", "usr/libexec/docker/cli-plugins/docker-compose", "trixie")
    except EngineError as error:
        pytest.skip(str(error))
    _load_prometheus(engine)
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "DOCKER_HOST": engine.address,
        "DOCKER_SOCKET": "/run/docker/docker.sock",  # as the engine sees it
        "DOCKER_GID": str(engine.socket.stat().st_gid),
        "PROMETHEUS_IMAGE": "prometheus-of-debian",
        "PROMETHEUS_PORT": str(port),
        "DOCKFLEET_PORT": str(free_port()),
    }
    command = [str(program), "--file", str(ROOT / "deploy/compose/compose.yaml")]
    yield command, environment, port
    subprocess.run([*command, "down", "--volumes"], env=environment, check=True, capture_output=True)


def test_the_compose_file_starts_a_gateway_that_is_scraped(
    compose: tuple[list[str], dict[str, str], int],
) -> None:
    """One command after the image is loaded; Grafana's image is to be had from a registry only, so it is not tried."""
    command, environment, port = compose
    valid = subprocess.run(
        [*command, "--profile", "grafana", "config", "--quiet"], env=environment, capture_output=True, text=True
    )
    assert valid.returncode == 0, valid.stderr

    up = subprocess.run([*command, "up", "--detach"], env=environment, capture_output=True, text=True)

    assert up.returncode == 0, up.stderr
    query = "/api/v1/query?query=dockfleet_host_up"
    found: list[Any] = []

    def scraped() -> bool:
        with contextlib.suppress(OSError):  # it starts
            found[:] = json.loads(_page(port, query))["data"]["result"]
        return bool(found)

    assert within(150, scraped)
    assert found[0]["metric"]["host"] == "local"
    assert found[0]["value"][1] == "1"
    rules = json.loads(_page(port, "/api/v1/rules"))["data"]["groups"]
    assert {"dockfleet-recording", "dockfleet-hosts", "dockfleet-containers"} <= {group["name"] for group in rules}


def _page(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as response:
        text: str = response.read().decode()
        return text


def _load_prometheus(engine: PrivateEngine) -> None:
    """Make an image of Debian's Prometheus, in the form of the usual one, which only a registry has."""
    program = Path("/usr/bin/prometheus")
    linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    libraries = [word for word in linked.split() if word.startswith("/")]
    files = ["usr/bin/prometheus", *(library.lstrip("/") for library in libraries)]
    packed = subprocess.run(
        ["tar", "--create", "--dereference", "--directory=/", *files], capture_output=True, check=True
    ).stdout
    changes = (
        'ENTRYPOINT ["/usr/bin/prometheus"]',
        'CMD ["--config.file=/etc/prometheus/prometheus.yml","--storage.tsdb.path=/prometheus"]',
        "VOLUME /prometheus",
    )
    query = "&".join(f"changes={quote(change)}" for change in changes)
    status, answer = engine.request(
        "POST", f"/images/create?fromSrc=-&repo=prometheus-of-debian&tag=latest&{query}", packed
    )
    assert status == 200, answer
