"""Whether the clients' READMEs say what the contract and the examples say."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
CLIENTS = ROOT / "clients"


def words(text: str) -> list[str]:
    """Return the words of *text*, whatever its lines and its signs for lists and comments."""
    return [word for word in text.split() if word not in ("//", "-", "*")]


def between(text: str, begin: str, end: str) -> str:
    """Return what stands between *begin* and *end*."""
    return text.partition(begin)[2].partition(end)[0]


def test_the_rule_of_resuming_is_the_contracts_word_for_word() -> None:
    """Who reads one of them has read both."""
    contract = (ROOT / "protos/dockfleet/v1/common.proto").read_text()
    rule = words(between(contract, "// How to resume a stream.", "// Newer gateways."))

    shown = words(between((CLIENTS / "README.md").read_text(), "### How to resume a stream\n", "\n### "))

    assert len(rule) > 100
    assert shown[: len(rule)] == rule
