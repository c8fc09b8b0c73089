"""The chart and the plain manifests: rendered, and their configuration is one that the gateway accepts."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml
from dockfleet import __version__

from gateway.config.loading import load
from tests.support.contract import ROOT

FOLDER = ROOT / "deploy/kubernetes"
MANIFESTS = FOLDER / "manifests.yaml"


def helm(*argv: str) -> subprocess.CompletedProcess[str]:
    """Run helm on the chart; skip the test where it is absent: it is in no Debian, and takes minutes to build."""
    places = os.pathsep.join([os.environ["PATH"], str(Path.home() / "go/bin")])
    program = shutil.which("helm", path=places)
    if program is None:
        pytest.skip("helm is absent: go install helm.sh/helm/v3/cmd/helm@v3.22.0")
    return subprocess.run(
        [program, *argv], capture_output=True, text=True, cwd=FOLDER, env=os.environ | {"PATH": places}
    )


def rendered(*argv: str) -> subprocess.CompletedProcess[str]:
    """The chart with some values."""
    return helm("template", "dockfleet", "chart", "--kube-version", "1.31", *argv)


def parts() -> dict[str, dict[str, Any]]:
    """The plain manifests by kind; of the services, the one for metrics is `Service-metrics`."""
    documents = [document for document in yaml.safe_load_all(MANIFESTS.read_text()) if document]
    ends = {True: "-metrics", False: ""}
    return {
        document["kind"] + ends[document["metadata"]["name"].endswith("-metrics")]: document for document in documents
    }


def test_the_gateway_accepts_the_configuration_of_the_manifests(tmp_path: Path) -> None:
    """With the secrets where the pod has them."""
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    for folder, names in {
        "tls": ("ca.crt", "tls.crt", "tls.key"),
        "hosts/north": ("ca.pem", "cert.pem", "key.pem"),
        "hosts/south": ("ca.pem", "cert.pem", "key.pem"),
    }.items():
        (tmp_path / folder).mkdir(parents=True)
        for name, blob in zip(
            names, (authority.cert_pem, issued.cert_chain_pems[0], issued.private_key_pem), strict=True
        ):
            blob.write_to_path(str(tmp_path / folder / name))
    (tmp_path / "resume").mkdir()
    (tmp_path / "resume/resume.key").write_bytes(bytes(32))
    file = tmp_path / "gateway.yaml"
    file.write_text(parts()["ConfigMap"]["data"]["gateway.yaml"].replace("/secrets/", f"{tmp_path}/"))

    settings = load(["--config", str(file)], {})

    assert [host.name for host in settings.hosts] == ["north", "south"]
    assert settings.warnings == []
    grace = parts()["Deployment"]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert settings.drain_timeout_seconds + settings.shutdown_timeout_seconds + 2 < grace


def test_every_file_of_the_configuration_is_mounted() -> None:
    """Each mount has its volume, and each path of the configuration its mount."""
    pod = parts()["Deployment"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    text = parts()["ConfigMap"]["data"]["gateway.yaml"]
    folders = {line.rpartition("/")[0].rpartition(" ")[2] for line in text.splitlines() if "/secrets/" in line}

    assert set(mounts) == {volume["name"] for volume in pod["volumes"]}
    assert folders <= set(mounts.values())


def test_the_pod_has_no_rights() -> None:
    """Another user than root, no capabilities, nothing to write but its state."""
    pod = parts()["Deployment"]["spec"]["template"]["spec"]
    [container] = pod["containers"]

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    writable = [mount["name"] for mount in container["volumeMounts"] if not mount.get("readOnly")]
    assert writable == ["state"]


def test_services_and_policies_select_the_pods() -> None:
    """What a selector asks for is on the pods, and each named port is one of theirs."""
    found = parts()
    template = found["Deployment"]["spec"]["template"]
    ports = {port["name"] for port in template["spec"]["containers"][0]["ports"]}
    labels = template["metadata"]["labels"].items()

    for kind in ("Service", "Service-metrics"):
        assert found[kind]["spec"]["selector"].items() <= labels
        assert {port["targetPort"] for port in found[kind]["spec"]["ports"]} <= ports
    assert found["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"].items() <= labels
    assert found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"].items() <= labels


def test_helm_lints_the_chart_and_renders_the_manifests_as_they_are() -> None:
    """The plain manifests are fresh."""
    linted = helm("lint", "chart", "--strict", "--values", "values.example.yaml")
    assert linted.returncode == 0, linted.stdout

    places = os.pathsep.join([os.environ["PATH"], str(Path.home() / "go/bin")])
    fresh = subprocess.run(
        [FOLDER / "render.sh"], capture_output=True, text=True, env=os.environ | {"PATH": places}, check=True
    )

    assert fresh.stdout == MANIFESTS.read_text()


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([], "set tlsSecret, or allow plaintext"),
        (["tlsSecret=a", "replicas=2"], "need the same resume key"),
        (["tlsSecret=a", "resumeKeySecret=b", "stateClaim=c", "replicas=2"], "a stateClaim is for one replica"),
        (["tlsSecret=a", "replcas=2"], "'replcas' not allowed"),
    ],
)
def test_helm_refuses_values_that_make_no_gateway(values: list[str], why: str) -> None:
    """The message says what to do."""
    refused = rendered(*(part for value in values for part in ("--set", value)))

    assert refused.returncode != 0
    assert why in refused.stderr


def test_helm_renders_every_part_that_is_optional() -> None:
    """A claim, a monitor, plaintext, and labels of one's own."""
    made = rendered(
        *("--set", "stateClaim=claim", "--set", "metrics.serviceMonitor=true", "--set", "podLabels.team=lab"),
        *("--set", "config.insecure_allow_plaintext_beyond_loopback=true", "--set", "image.pullSecrets={registry}"),
        *("--set", "nodeSelector.disk=ssd", "--set", "service.annotations.a=b", "--set", "podAnnotations.c=d"),
    )

    assert made.returncode == 0, made.stderr
    found = {document["kind"]: document for document in yaml.safe_load_all(made.stdout) if document}
    assert found["ServiceMonitor"]["spec"]["endpoints"] == [{"port": "metrics", "interval": "15s"}]
    pod = found["Deployment"]["spec"]["template"]
    assert pod["metadata"]["labels"]["team"] == "lab"
    assert {"name": "state", "persistentVolumeClaim": {"claimName": "claim"}} in pod["spec"]["volumes"]


def test_the_chart_is_of_the_version_of_the_gateway() -> None:
    """Its image has the tag of this version."""
    chart = yaml.safe_load((FOLDER / "chart/Chart.yaml").read_text())

    assert chart["appVersion"] == chart["version"] == __version__
