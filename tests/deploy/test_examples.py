"""The files of deploy/ that others start from: the gateway, systemd and compose take them as they are."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import trustme
import yaml

from gateway.config.loading import ConfigError, load
from gateway.config.settings import Keys
from tests.support.contract import ROOT

DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "systemd/dockfleet-gateway.service"
ALLOWED = {"DOCKFLEET_INSECURE_ALLOW_PLAINTEXT_BEYOND_LOOPBACK": "true"}


def check(file: Path, **environ: str) -> None:
    """Do `dockfleet-gateway --check` for a configuration, in the variables of the image.

    Raises `ConfigError` when it is refused.
    """
    variables = {"DOCKFLEET_METRICS_LISTEN": "0.0.0.0:9464", "DOCKFLEET_STATE_DIRECTORY": "/var/lib/dockfleet"}
    with pytest.raises(SystemExit) as ended:
        load(["--check", "--config", str(file)], variables | environ)
    assert ended.value.code == 0


def test_the_image_serves_no_plaintext_without_a_word() -> None:
    """Beyond a container's loopback is everybody: its own configuration is refused, and says what to do."""
    with pytest.raises(ConfigError, match="insecure_allow_plaintext_beyond_loopback"):
        check(DEPLOY / "image/gateway.yaml")

    check(DEPLOY / "image/gateway.yaml", **ALLOWED)


def test_the_configuration_of_the_image_is_accepted_with_all_that_is_commented_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With certificates beside it."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    for name in ("server", "gateway"):
        issued = authority.issue_cert("localhost")
        issued.cert_chain_pems[0].write_to_path(str(tmp_path / f"{name}.pem"))
        issued.private_key_pem.write_to_path(str(tmp_path / f"{name}-key.pem"))
    text = (DEPLOY / "image/gateway.yaml").read_text()
    whole = tmp_path / "gateway.yaml"
    whole.write_text(re.sub(r"^#(?=[a-z]| {2,}[a-z-])", "", text, flags=re.MULTILINE))

    check(whole)

    assert "TLS with client certificates" in capsys.readouterr().out


def test_the_times_of_a_stop_fit_those_who_wait_for_it() -> None:
    """The default times end before Docker's 10 seconds, and before the unit's time."""
    longest = sum(Keys.model_fields[f"{name}_timeout_seconds"].default for name in ("drain", "shutdown")) + 2
    found = re.search(r"^TimeoutStopSec=(\d+)$", UNIT.read_text(), re.MULTILINE)

    assert longest < 10
    assert found is not None
    assert longest < int(found[1])


def test_systemd_accepts_the_unit_and_finds_little_exposed(tmp_path: Path) -> None:
    """Also with the drop-in for TLS; a bare unit has 9.6 points."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("needs systemd-analyze")
    shutil.copytree(UNIT.with_name(f"{UNIT.name}.d"), tmp_path / f"{UNIT.name}.d")
    here = tmp_path / UNIT.name
    here.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", UNIT.read_text(), flags=re.MULTILINE))

    verified = subprocess.run(["systemd-analyze", "verify", here], capture_output=True, text=True)
    scored = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=17", here],
        capture_output=True,
        text=True,
    )

    assert verified.returncode == 0, verified.stderr
    assert verified.stderr == ""
    assert scored.returncode == 0, scored.stdout[-200:]


def test_the_compose_file_mounts_what_there_is() -> None:
    """Each folder of deploy/ that it mounts exists, and the gateway has no rights."""
    services = yaml.safe_load((DEPLOY / "compose/compose.yaml").read_text())["services"]
    mounted = [volume.split(":")[0] for service in services.values() for volume in service.get("volumes", ())]

    assert [path for path in mounted if path.startswith("..") and not (DEPLOY / "compose" / path).exists()] == []
    assert services["gateway"]["read_only"] is True
    assert services["gateway"]["cap_drop"] == ["ALL"]
    assert all(port.startswith("127.0.0.1:") for service in services.values() for port in service["ports"])
