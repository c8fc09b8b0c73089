"""The layout's rules (docs/architecture.md), and that generated code is what the contract generates."""

from __future__ import annotations

import ast
import functools
import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.contract import ROOT

GATEWAY = ROOT / "gateway"
GENERATED = [
    *(f"clients/python/dockfleet/{package}/**/*.py*" for package in ("v1", "fleet", "options")),
    "gateway/etcd/*_pb2.py*",
]


@functools.cache
def tree(file: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(file.read_text())


@functools.cache
def nodes(file: Path) -> list[ast.AST]:
    """All that is in it."""
    return list(ast.walk(tree(file)))


def imports(folder: Path) -> set[tuple[str, str]]:
    """The imports below a folder: (file, module), absolute; a name imported from a package counts as a module."""
    return {each for file in folder.rglob("*.py") for each in imports_of(file)}


@functools.cache
def imports_of(file: Path) -> set[tuple[str, str]]:
    """Those of a file."""
    found = set()
    who = str(file.relative_to(ROOT))
    for node in nodes(file):
        if isinstance(node, ast.Import):
            found |= {(who, alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{who} imports relatively"
            found |= {(who, str(node.module))} | {(who, f"{node.module}.{alias.name}") for alias in node.names}
    return found


def of(package: str, found: set[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those of the imports that are of a package or of what is in it."""
    return sorted((who, what) for who, what in found if what == package or what.startswith(f"{package}."))


def test_what_knows_the_engine_knows_nothing_of_grpc() -> None:
    """`engine/` imports neither grpc nor anything of the gateway that does."""
    found = imports(GATEWAY / "engine")

    assert of("grpc", found) + of("grpc_health", found) + of("google.rpc", found) == []
    assert {what.split(".")[1] for _, what in of("gateway", found)} == {"engine"}


@pytest.mark.parametrize("package", ["docker", "requests", "httptools", "greenlet"])
def test_the_grpc_front_end_reaches_engines_through_the_engine_package_alone(package: str) -> None:
    """`rpc/` imports nothing that speaks to an engine by itself."""
    found = imports(GATEWAY / "rpc")

    assert of("gateway.engine", found)
    assert of(package, found) == []


def test_the_http_front_end_knows_nothing_of_the_other_front_end() -> None:
    """`web/` imports neither grpc nor `rpc/`; only `server.py` knows both."""
    found = imports(GATEWAY / "web")
    importers = {who for who, _ in of("gateway.web", imports(GATEWAY))}

    assert of("grpc", found) + of("grpc_health", found) + of("google.rpc", found) == []
    assert {what.split(".")[1] for _, what in of("gateway", found)} <= {"web", "fleet", "engine", "policy", "telemetry"}
    assert {who for who in importers if not who.startswith("gateway/web/")} == {"gateway/server.py"}


def test_only_the_composition_root_knows_how_etcd_is_reached() -> None:
    """The fleet sees a store of keys, and nothing of grpc."""
    importers = {who for who, _ in of("gateway.etcd", imports(GATEWAY))}

    assert {who for who in importers if not who.startswith("gateway/etcd/")} == {
        "gateway/catalogs.py",
        "gateway/sources.py",
    }


def test_only_main_imports_the_composition_root() -> None:
    """A module that imports `server.py`, which builds it, would make a circle."""
    assert {who for who, _ in of("gateway.server", imports(GATEWAY))} == {"gateway/__main__.py"}
    assert {who for who, _ in of("gateway.sources", imports(GATEWAY))} == {"gateway/server.py"}
    assert {who for who, _ in of("gateway.catalogs", imports(GATEWAY))} == {"gateway/server.py"}


def test_the_fleet_knows_nothing_of_its_front_ends() -> None:
    """`fleet/` imports neither grpc nor what serves."""
    found = imports(GATEWAY / "fleet")

    assert of("grpc", found) + of("grpc_health", found) + of("google.rpc", found) == []
    assert {what.split(".")[1] for _, what in of("gateway", found)} <= {"config", "engine", "fleet", "telemetry"}


def test_services_see_a_call_and_nothing_of_grpc() -> None:
    """A handler gets what it needs of its call by `rpc/context.py`."""
    found = imports(GATEWAY / "rpc" / "services") | {
        (who, what) for who, what in imports(GATEWAY / "rpc") if who.endswith(("/terminal.py", "/backend.py"))
    }

    assert of("gateway.rpc.context", found)
    assert of("grpc", found) == []


COMPOSED = {
    "gateway/server.py": (
        *("Backend", "CallInterceptor", "HealthReporter", "HostRegistry", "Listener", "Metrics", "Reflection"),
        *("Combiner", "Configuration", "HostChanges", "Polls", "Registration", "Twins"),
        *("LogTokenCodec", "EventTokenCodec"),
        *("ContainerService", "ExecService", "HostService", "LogService", "StatsService", "SystemService"),
        *("FleetContainers", "FleetEvents", "FleetImages", "FleetLogs", "FleetServices", "FleetStats", "FleetWatch"),
    ),
    "gateway/catalogs.py": ("Consul", "EtcdCatalog"),
    "gateway/sources.py": (*("ConsulHosts", "Contexts", "Database", "Directory", "DnsHosts", "EtcdHosts", "EtcdKeys"),),
    "gateway/fleet/dial.py": ("Engine", "Host"),
}


@pytest.mark.parametrize(
    ("root", "part"), [(root, part) for root, parts in COMPOSED.items() for part in parts], ids=lambda name: name
)
def test_only_the_composition_root_composes(root: str, part: str) -> None:
    """The parts that live as long as the gateway are made in `server.py`; those of a host, which come and go, in one
    place too."""
    assert {who for who, what in made() if what == part} == {root}


@functools.cache
def made() -> set[tuple[str, str]]:
    """Who makes what: (file, class); `pb.Host()` makes a message, no `Host`."""
    return {
        (str(file.relative_to(ROOT)), node.func.id)
        for file in GATEWAY.rglob("*.py")
        for node in nodes(file)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }


def test_nothing_is_kept_by_the_name_of_a_host_but_the_registry_and_health() -> None:
    """State of a host belongs to it and ends with it; otherwise the next host of that name would find it."""
    keyed = set()
    for file in GATEWAY.rglob("*.py"):
        for node in nodes(file):
            keys: list[ast.AST] = []
            if isinstance(node, ast.Subscript):
                keys = [node.slice]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                keys = list(node.args[:1]) if node.func.attr in ("get", "pop", "setdefault", "add") else []
            if any(names_a_host(part) for key in keys for part in ast.walk(key)):
                keyed.add(str(file.relative_to(ROOT)))

    says = {"gateway/fleet/sources/feed.py", "gateway/rpc/host_watch.py"}  # what is said of hosts: they have no `Host`
    # The places that a client's token holds, for the time of one call: it may be of another gateway's hosts.
    of_tokens = {f"gateway/rpc/services/fleet/{name}.py" for name in ("events", "log_places", "logs", "watch")}
    assert keyed == {"gateway/fleet/registry.py", "gateway/rpc/health.py"} | says | of_tokens


def names_a_host(node: ast.AST) -> bool:
    """Whether this is `host.name` or `engine.name`, of whatever holds one."""
    if not isinstance(node, ast.Attribute) or node.attr != "name":
        return False
    owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
    return owner.lstrip("_") in ("host", "engine")


def test_no_state_is_in_context_variables() -> None:
    """What a function works with is among its arguments."""
    assert of("contextvars", imports(GATEWAY)) == []


def test_no_state_is_in_modules() -> None:
    """No module has a collection to be filled, or a metric: two gateways in one process share nothing."""
    found = {
        str(file.relative_to(ROOT))
        for file in GATEWAY.rglob("*.py")
        for node in tree(file).body
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and is_to_be_filled(node.value)
    }

    assert found == set()


def test_what_few_gateways_need_is_imported_only_by_them() -> None:
    """asyncssh and OpenTelemetry cost half a second of CPU each at the start, and the latter need not be installed.

    Only what is below `transport/ssh/` knows asyncssh.
    """
    owners = {who for who, _ in of("asyncssh", imports(GATEWAY))}
    loaded = "import sys, gateway.server; print({'asyncssh', 'opentelemetry'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", loaded], check=True, capture_output=True, text=True, cwd=ROOT)

    assert {str(Path(owner).parent) for owner in owners} == {"gateway/engine/transport/ssh"}
    assert found.stdout == "set()\n"


def is_to_be_filled(value: ast.expr) -> bool:
    """Whether this makes an empty collection, a metric, or an object of asyncio's."""
    if isinstance(value, ast.Dict):
        return not value.keys
    if isinstance(value, ast.List):
        return not value.elts
    if not isinstance(value, ast.Call):
        return False
    name = value.func.attr if isinstance(value.func, ast.Attribute) else getattr(value.func, "id", "")
    if name in ("set", "dict", "list", "deque", "defaultdict"):
        return not value.args
    metrics = ("CollectorRegistry", "Counter", "Gauge", "Histogram", "Info", "Metrics")
    return name in (*metrics, "Event", "Lock", "Queue", "Semaphore")


@pytest.mark.parametrize(
    ("package", "owners"),
    [
        ("httptools", {"gateway/engine/transport/response_parser.py", "gateway/web/messages.py"}),  # bytes <-> HTTP
        ("greenlet", {"gateway/engine/sdk.py"}),  # blocking <-> asyncio
        ("requests", {"gateway/engine/sdk.py"}),
        ("google.rpc", {"gateway/rpc/status.py"}),  # exception <-> status
        (
            "prometheus_client",
            {
                *(
                    f"gateway/telemetry/{name}.py"
                    for name in ("certificates", "events", "hosts", "metrics", "rpcs", "sources")
                ),
                *(f"gateway/web/{name}.py" for name in ("pages", "fleet_pages")),
            },
        ),  # counts <-> what is scraped
    ],
)
def test_each_conversion_is_in_one_file(package: str, owners: set[str]) -> None:
    """A package that converts between two forms is imported in one place."""
    assert {who for who, _ in of(package, imports(GATEWAY))} == owners


def test_the_committed_code_is_what_the_contract_generates(tmp_path: Path) -> None:
    """The clients' Python code is fresh, without a file too many or too few."""
    plugins = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}  # protoc-gen-mypy
    subprocess.run([sys.executable, ROOT / "protos/generate.py", tmp_path], check=True, env=os.environ | plugins)

    fresh, committed = contents(tmp_path), contents(ROOT)
    described = "gateway/rpc/contract.binpb.gz"
    assert [name for name in sorted(fresh | committed) if fresh.get(name) != committed.get(name)] == []
    assert gzip.decompress((tmp_path / described).read_bytes()) == gzip.decompress((ROOT / described).read_bytes())


def test_the_committed_layers_of_the_clients_are_what_the_contract_generates(tmp_path: Path) -> None:
    """The typed layer of each language is fresh."""
    subprocess.run([sys.executable, ROOT / "protos/generate_clients.py", tmp_path], check=True)

    written = [file.relative_to(tmp_path) for file in tmp_path.rglob("*") if file.is_file()]
    assert written
    assert [str(name) for name in written if (tmp_path / name).read_bytes() != (ROOT / name).read_bytes()] == []


def contents(folder: Path) -> dict[str, str]:
    """The texts of the generated files below a folder, by path."""
    files = (file for pattern in GENERATED for file in folder.glob(pattern))
    return {str(file.relative_to(folder)): file.read_text() for file in files if "__pycache__" not in file.parts}
