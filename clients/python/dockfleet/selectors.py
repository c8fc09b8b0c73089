"""Makes the selectors of hosts and containers from arguments."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dockfleet.fleet.v1 import selectors_pb2 as pb

KEY = r"[^\s=!,()]+"
REQUIREMENT = re.compile(
    rf"(?P<absent>!\s*)?(?P<key>{KEY})\s*"
    rf"(?:(?P<operator>!=|==?)\s*(?P<value>.*)|(?P<set>in|notin)\s*\((?P<values>[^()]*)\))?"
)
_SECOND = re.compile(rf",\s*(?:!\s*{KEY}\s*(?:,|$)|{KEY}\s*(?:!=|=|(?:in|notin)\s*\())")


def requirement(text: str) -> pb.LabelRequirement:
    """Return what a label must be; *text* is `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`.

    After `==`, the rest is the value, whatever it is.  Raises `ValueError` that says where *text* is wrong.
    """
    from dockfleet.fleet.v1 import selectors_pb2 as pb

    text = text.strip()
    match = REQUIREMENT.fullmatch(text)
    if match is None or (match["absent"] and (match["operator"] or match["set"])):
        at = _wrong_at(text)
        raise ValueError(
            f"{text!r} is wrong at character {at + 1}: try key, !key, key=value, key!=value, 'key in (a,b)' "
            f"or 'key notin (a,b)'"
        )
    if match["set"]:
        operator = pb.LABEL_OPERATOR_IN if match["set"] == "in" else pb.LABEL_OPERATOR_NOT_IN
        values = [value.strip() for value in match["values"].split(",")]
        return pb.LabelRequirement(key=match["key"], operator=operator, values=values)
    if match["operator"]:
        if match["operator"] != "==" and (second := _SECOND.search(text, match.start("value"))):
            raise ValueError(
                f"{text!r} is wrong at character {second.start() + 1}: give each label on its own, "
                f"or write key==value when the comma is part of the value"
            )
        operator = pb.LABEL_OPERATOR_NOT_EQUAL if match["operator"] == "!=" else pb.LABEL_OPERATOR_EQUAL
        return pb.LabelRequirement(key=match["key"], operator=operator, values=[match["value"]])
    operator = pb.LABEL_OPERATOR_NOT_EXISTS if match["absent"] else pb.LABEL_OPERATOR_EXISTS
    return pb.LabelRequirement(key=match["key"], operator=operator)


def _wrong_at(text: str) -> int:
    """Return the position of the first character that no requirement has there."""
    match = re.match(rf"!?\s*(?:{KEY})?\s*(?:(?:in|notin)\s*\([^()]*\)?)?", text)
    return min(match.end(), max(len(text) - 1, 0)) if match else 0


def texts(value: str | Sequence[str] | None) -> list[str]:
    """Return one text or several as a list."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


def requirements(labels: str | Sequence[str] | None) -> list[pb.LabelRequirement]:
    """Return what the labels must be."""
    return [requirement(label) for label in texts(labels)]


def labelled(filters: Any, labels: str | Sequence[str] | None) -> Any:
    """Return *filters* of a list with *labels* added."""
    if not labels:
        return filters
    own = (filters or {}).get("label", [])
    return {**(filters or {}), "label": [*texts(own), *texts(labels)]}


def host_selector(names: str | Sequence[str] | None, labels: str | Sequence[str] | None) -> pb.HostSelector:
    """Return the selector of the hosts with one of *names* and all *labels*; without both, of all hosts."""
    from dockfleet.fleet.v1 import selectors_pb2 as pb

    selector = pb.HostSelector(names=texts(names), labels=requirements(labels))
    selector.all = not selector.names and not selector.labels
    return selector


def container_selector(
    names: str | Sequence[str] | None,
    labels: str | Sequence[str] | None,
    images: str | Sequence[str] | None,
    states: str | Sequence[str] | None,
    published_ports: Sequence[int] | None,
    every: bool,
) -> pb.ContainerSelector:
    """Return the selector of the containers that meet everything; *every* is of all of them, when nothing is set."""
    from dockfleet.fleet.v1 import selectors_pb2 as pb

    selector = pb.ContainerSelector(
        names=texts(names),
        labels=requirements(labels),
        images=texts(images),
        states=texts(states),
        published_ports=published_ports or (),
    )
    selector.all = every and not selector.ListFields()
    return selector
