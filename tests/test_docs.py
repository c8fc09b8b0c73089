"""The documentation: its links and commands exist, and its generated parts are fresh."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
import trustme
from dockfleet.v1 import system_pb2, system_pb2_grpc

from gateway.config import loading
from gateway.config.tls import ListenerTls
from gateway.engine.codec import options
from tests.attacks.catalogue import ATTACKS
from tests.support import contract
from tests.support.contract import ROOT
from tests.support.fake_engine import FakeEngine
from tests.support.gateway import gateway_of
from tests.web.client import get

CONFIGURATION = ROOT / "docs/configuration.md"
_NOT_OURS = {"node_modules", "target", "third_party", "dist", "build"}
_CODE = re.compile(r"^```.*?^```$|`[^`\n]+`", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


def pages() -> Iterator[Path]:
    """Every Markdown file of the repository."""
    for folder, below, files in os.walk(ROOT):
        below[:] = [name for name in below if name not in _NOT_OURS and not name.startswith(".")]
        yield from (Path(folder, name) for name in files if name.endswith(".md"))


PAGES = {str(page.relative_to(ROOT)): page.read_text() for page in pages()}


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ +(.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_every_relative_link_leads_to_a_file_and_a_heading() -> None:
    """A file that moves takes its links with it."""
    dead = []
    for name, text in PAGES.items():
        page = ROOT / name
        for link in _LINK.findall(_CODE.sub("", text)):
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            if re.match(r"[a-z]+:", link):
                continue
            if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
                dead.append((name, link))

    assert dead == []


def test_what_shows_that_an_attack_fails_exists() -> None:
    """Each test that docs/security.md names is there, and it names each attack."""
    page = ROOT / "docs/security.md"
    lines = page.read_text().partition("## What shows it")[2].splitlines()
    rows = [line.split(" | ")[-1] for line in lines if line.startswith("|")]
    named = re.findall(r"\[([^]]+)\]\(([^)]+\.py)\)", "".join(rows))
    missing = [
        name for name, path in named if f"def test_{name.replace(' ', '_')}(" not in (page.parent / path).read_text()
    ]

    assert missing == []
    assert len(named) > 50
    assert set(re.findall(r"`([a-z0-9-]+)`", "".join(rows))) == set(ATTACKS) - {"nothing"}


def test_every_make_target_that_is_named_exists() -> None:
    """`make X` in code is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        (name, target)
        for name, text in PAGES.items()
        for target in re.findall(
            r"(?:^|`|[;&] *|\$ |[A-Z_]+=\S+ )make ([a-z]+)", "\n".join(_CODE.findall(text)), re.MULTILINE
        )
    }

    assert {(name, target) for name, target in named if target not in targets} == set()


def test_no_page_names_a_folder_of_somebodys_machine() -> None:
    """What was copied from a terminal shows no home directory."""
    named = [(name, folder) for name, text in PAGES.items() for folder in re.findall(r"/(?:root|home|work)/\S*", text)]

    assert named == []


def test_the_readme_names_the_two_commands() -> None:
    """A newcomer needs `make run` and `make test`."""
    readme = (ROOT / "README.md").read_text()

    assert "make run" in readme
    assert "make test" in readme


def test_the_readme_counts_the_mirroring_rpcs() -> None:
    """The number of RPCs that mirror an endpoint is that of the contract."""
    methods = [
        method for file in contract.files() for service in file.services_by_name.values() for method in service.methods
    ]
    bound = sum(bool(options.of_rpc(method).engine.WhichOneof("request")) for method in methods)

    assert f"{bound} RPCs mirror" in (ROOT / "README.md").read_text()


def test_the_table_of_keys_is_fresh(tmp_path: Path) -> None:
    """`make docs` would change nothing."""
    fresh = tmp_path / "configuration.md"

    subprocess.run([sys.executable, ROOT / "docs/generate.py", fresh], check=True, cwd=ROOT)

    assert fresh.read_text() == CONFIGURATION.read_text()


def test_the_example_configuration_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway starts with the example, once its files exist."""
    example = re.findall(r"^```yaml\n(.*?)^```", CONFIGURATION.read_text(), re.DOTALL | re.MULTILINE)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    for name in ("server", "gateway"):
        issued = authority.issue_cert("localhost")
        issued.cert_chain_pems[0].write_to_path(str(tmp_path / f"{name}.pem"))
        issued.private_key_pem.write_to_path(str(tmp_path / f"{name}-key.pem"))
    for name in ("resume.key", "lab-key", "lab-hosts"):
        (tmp_path / name).write_bytes(bytes(32))
    monkeypatch.chdir(tmp_path)

    for text in example:
        Path("fleet.yaml").write_text(text)
        settings = loading.load(["--config", "fleet.yaml"], {})

        assert [host.name for host in settings.hosts] == ["north", "south", "lab"]


@pytest.fixture
def made_by_openssl(tmp_path: Path) -> Path:
    """The folder with the files that the commands of docs/operations.md make."""
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    commands = re.findall(r"^```sh\n(.*?)^```", (ROOT / "docs/operations.md").read_text(), re.DOTALL | re.MULTILINE)
    subprocess.run(["bash", "-euc", commands[0]], check=True, cwd=tmp_path, capture_output=True)
    return tmp_path


async def test_with_the_files_of_openssl_a_client_needs_a_certificate(made_by_openssl: Path) -> None:
    """A client with a certificate is served, and one without is not."""
    files = {name: made_by_openssl / f"{name}.pem" for name in ("ca", "server", "server-key", "client", "client-key")}
    tls = ListenerTls(certificate=files["server"], key=files["server-key"], client_ca=files["ca"])
    ca, key, certificate = (files[name].read_bytes() for name in ("ca", "client-key", "client"))
    ping = system_pb2.PingRequest(host="h1")

    async with FakeEngine() as engine, gateway_of(engine.address, tls=tls) as client:
        for identity in ((key, certificate), (None, None)):
            credentials = grpc.ssl_channel_credentials(ca, *identity)
            async with grpc.aio.secure_channel(f"localhost:{client.port}", credentials) as channel:
                call = system_pb2_grpc.SystemServiceStub(channel).Ping(ping)
                assert (await call.code() is grpc.StatusCode.OK) == (identity != (None, None))


async def test_every_metric_is_documented() -> None:
    """docs/operations.md has a row for each metric of a gateway."""
    async with FakeEngine() as engine, gateway_of(engine.address, metrics_listen="127.0.0.1:0") as client:
        assert client.metrics_address is not None
        page = (await get(client.metrics_address, "/metrics")).body.decode()
    names = set(re.findall(r"^# TYPE (\S+)", page, re.MULTILINE))
    documented = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/operations.md").read_text(), re.MULTILINE))

    assert documented == names


def test_every_decision_is_in_the_list() -> None:
    """docs/decisions/README.md links every record, by its own title."""
    folder = ROOT / "docs/decisions"
    listed = (folder / "README.md").read_text()

    for record in sorted(folder.glob("0*.md")):
        title = record.read_text().partition("\n")[0].removeprefix("# ")
        assert f"[{title}]({record.name})" in listed


def test_the_client_has_the_same_license() -> None:
    """A package is built from its own folder, so the client has a copy of the text."""
    assert (ROOT / "LICENSE").read_bytes() == (ROOT / "clients/python/LICENSE").read_bytes()
