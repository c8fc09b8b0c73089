"""The labels of series, in the names that cAdvisor gives them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_MOST_CHARACTERS = 256  # of a value: a container may have a label of megabytes
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_]")
_SPECIAL = re.compile(r'[\\"\n]')
_ESCAPED = {"\\": "\\\\", '"': '\\"', "\n": "\\n"}


def written(**labels: str) -> str:
    """Return labels as they are written between braces; those that are empty are the same as none."""
    return ",".join(f'{name}="{_value(value)}"' for name, value in labels.items() if value)


class ContainerLabels:
    """Which labels the series of containers have."""

    def __init__(self, labels: Iterable[str], *, show_ids: bool) -> None:
        """Take the names of *labels* of containers; of two with one name for Prometheus, the first counts."""
        self._labels: dict[str, str] = {}
        for label in labels:
            self._labels.setdefault(label_name(label), label)
        self._show_ids = show_ids

    def of(self, host: str, id: str, name: str, image: str, labels: Mapping[str, str]) -> str:
        """Return the labels of a container, the host's first."""
        chosen = {name: labels.get(label, "") for name, label in self._labels.items()}
        return written(host=host, id=f"/docker/{id}" if self._show_ids else "", name=name, image=image, **chosen)


def label_name(label: str) -> str:
    """Return how cAdvisor names a container's label."""
    return f"container_label_{_NOT_IN_NAMES.sub('_', label)}"


def _value(value: str) -> str:
    return _SPECIAL.sub(lambda found: _ESCAPED[found[0]], value[:_MOST_CHARACTERS])
