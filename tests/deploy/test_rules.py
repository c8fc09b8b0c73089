"""Rules and dashboards: Prometheus accepts them, alerts fire for what they are about, and every metric exists."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.private_engines.provision import EngineError, install
from tests.support.contract import ROOT

RULES = ROOT / "deploy/prometheus/rules"
DASHBOARDS = ROOT / "deploy/grafana/dashboards"
CASES = Path(__file__).with_name("rules")
_NAME = re.compile(r"\b(?:dockfleet|container|machine|grpc|process)_[a-z0-9_]+(?=[{\[ )])")
_STRING = re.compile(r'"[^"]*"')
_VARIABLES = {"$__rate_interval": "5m", "$host": ".*", "$name": ".*"}


def expressions() -> Iterator[tuple[str, str]]:
    """Every expression, with where it is."""
    for file in RULES.glob("*.yml"):
        for group in yaml.safe_load(file.read_text())["groups"]:
            yield from ((rule.get("alert") or rule["record"], rule["expr"]) for rule in group["rules"])
    for file in DASHBOARDS.glob("*.json"):
        dashboard = json.loads(file.read_text())
        for panel in dashboard["panels"]:
            yield from ((f"{file.name}: {panel['title']}", target["expr"]) for target in panel.get("targets", ()))
        for variable in dashboard["templating"]["list"]:
            if found := re.fullmatch(r"label_values\((.*), \w+\)", str(variable.get("query"))):
                yield f"{file.name}: ${variable['name']}", found[1]


def rules(kind: str) -> set[str]:
    """The names of all rules that are alerts, or that record."""
    documents = [yaml.safe_load(file.read_text()) for file in RULES.glob("*.yml")]
    every: list[dict[str, Any]] = [rule for each in documents for group in each["groups"] for rule in group["rules"]]
    return {rule[kind] for rule in every if kind in rule}


@pytest.fixture(scope="module")
def promtool() -> str:
    """Prometheus' own tool; it is installed where that is possible."""
    if not shutil.which("promtool"):
        try:
            install("prometheus")
        except EngineError as error:
            pytest.skip(str(error))
    return "promtool"


@pytest.mark.engines  # it may install a package
def test_prometheus_accepts_every_expression(promtool: str, tmp_path: Path) -> None:
    """Also those of dashboards, with some values in the place of their variables."""
    made = []
    for number, (_, text) in enumerate(expressions()):
        for variable, value in _VARIABLES.items():
            text = text.replace(variable, value)
        made.append({"record": f"checked:{number}", "expr": text})
    file = tmp_path / "all.yml"
    file.write_text(json.dumps({"groups": [{"name": "all", "rules": made}]}))

    checked = subprocess.run([promtool, "check", "rules", file, *RULES.glob("*.yml")], capture_output=True, text=True)

    assert checked.returncode == 0, checked.stderr
    assert len(made) > 90


@pytest.mark.engines
def test_alerts_fire_for_what_they_are_about(promtool: str) -> None:
    """And not for what is well; `promtool test rules` does it."""
    tested = subprocess.run([promtool, "test", "rules", *sorted(CASES.glob("*.yml"))], capture_output=True, text=True)

    assert tested.returncode == 0, tested.stderr + tested.stdout


def test_every_rule_has_a_case() -> None:
    """The cases name every alert, and every recorded series but those that only feed others."""
    cases = "".join(file.read_text() for file in CASES.glob("*.yml"))
    feeding = {"host_name:container_cpu_usage_seconds:rate5m", "host_name:container_memory_working_set_bytes:sum"}

    assert {name for name in rules("alert") if f'alertname="{name}"' not in cases} == set()
    assert {name for name in rules("record") if f"expr: {name}\n" not in cases} == feeding


def test_dashboards_ask_for_recorded_series_that_are_recorded() -> None:
    """A rule that is renamed takes its panels with it."""
    asked = {name for _, text in expressions() for name in re.findall(r"\b[a-z_]+:[a-z0-9_]+:\w+", text)}

    assert asked == rules("record")


def test_every_metric_is_documented() -> None:
    """A typing error in a rule would never fire, and show nothing."""
    pages = (ROOT / "docs/operations.md", ROOT / "docs/metrics.md")
    documented = {name for page in pages for name in re.findall(r"`([a-z_]+)`", page.read_text())}
    documented |= {f"{name}_bucket" for name in documented}
    asked = {name: where for where, text in expressions() for name in _NAME.findall(_STRING.sub('""', f"{text} "))}

    assert {name: where for name, where in asked.items() if name not in documented} == {}


def test_the_dashboards_are_those_of_the_tables(tmp_path: Path) -> None:
    """`make docs` would change nothing."""
    pytest.importorskip("grafana_foundation_sdk")
    from deploy.grafana.__main__ import write

    write(tmp_path)

    fresh = {file.name: file.read_text() for file in tmp_path.iterdir()}
    assert fresh == {file.name: file.read_text() for file in DASHBOARDS.iterdir()}
