"""YAML documents that know the line and the column of each part.

JSON is YAML too, so a document can be either.
"""

from __future__ import annotations

import contextlib
import functools
import json
import re
from collections.abc import Hashable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from gateway.config.files import read_regular
from gateway.config.keys import PATHS
from gateway.config.problems import ConfigError
from gateway.config.tls import BEGIN

MAX_BYTES = 16 << 20  # of one document: a thousand hosts with certificates of their own
_MOST_NODES = 1 << 20  # of a document, with what its aliases repeat


class Document:
    """The `value` of a YAML text, and the places of its parts in the text."""

    def __init__(self, text: str, where: str) -> None:
        """Read *text*; messages call it *where*.  Raises `ConfigError`."""
        self.where = where
        self._text = text
        try:
            self.value: Any = self._read()
        except RecursionError:
            raise ConfigError(f"{where}: invalid YAML: nested too deep") from None

    @functools.cached_property
    def _nodes(self) -> yaml.Node | None:
        """The parts of the text; None when it is JSON, but not YAML."""
        try:
            return yaml.compose(self._text, _Loader)
        except (yaml.YAMLError, RecursionError):
            return None

    def _read(self) -> Any:
        if self._text.lstrip()[:1] in ("{", "["):
            with contextlib.suppress(ValueError):  # it can be YAML; if not, the error of YAML has the place
                return json.loads(self._text, object_pairs_hook=_once)  # takes a hundredth of the time
        try:
            return yaml.load(self._text, _Loader)
        except RecursionError:
            raise
        except yaml.MarkedYAMLError as error:  # its message quotes the file, which can have secrets
            where = f"{self.where}{_words(error.problem_mark)}"
            problem = re.sub(r"\b(alias|tag|handle) .*", r"\1", error.problem or "")
            raise ConfigError(f"{where}: invalid YAML: {problem}") from None
        except Exception:  # for a value that does not fit its tag, PyYAML raises whatever its own code raises
            raise ConfigError(f"{self.where}: invalid YAML: not text, or an impossible date or number") from None

    def place(self, path: Sequence[str | int]) -> str:
        """Return the place of *path* for a message; for a missing part, the place of the part that should have it."""
        node, mark = self._nodes, None
        for step in path:
            found = _below(node, step)
            if found is None:
                break
            mark, node = found
        return self.where + _words(mark or getattr(node, "start_mark", None))


def read(path: Path) -> Document:
    """Return the document in a regular file.  Raises `ConfigError`."""
    where = f"file {path}"
    try:
        return Document(read_regular(path, MAX_BYTES).decode(), where)
    except OSError as error:
        raise ConfigError(f"{where} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{where} is not UTF-8 text") from error


def read_any(path: Path) -> Document:
    """Return the document in a file, which can also be a pipe, as shells make it of `<(command)`.

    Raises `ConfigError`.
    """
    if not path.is_fifo():
        return read(path)
    try:
        return Document(path.read_text(), f"file {path}")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"file {path} cannot be read, or is not UTF-8 text") from error


def based(document: Any, folder: Path, name: str = "") -> Any:
    """Return *document*, the value of the key *name*, with its paths relative to *folder*."""
    if isinstance(document, dict):
        return {key: based(value, folder, f"{name}.{key}" if name else str(key)) for key, value in document.items()}
    if isinstance(document, list):
        return [based(value, folder, f"{name}[]") for value in document]
    is_path = isinstance(document, str) and name in PATHS and BEGIN not in document
    return str(folder / document) if is_path else document


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return a mapping.  Raises `ValueError` for a repeated key."""
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        raise ValueError("a key is given twice")
    return mapping


def _below(node: Any, step: str | int) -> tuple[Any, Any] | None:
    """Return the mark and the node of a part of *node*; None when there is no such part."""
    if isinstance(node, yaml.MappingNode):
        return next(((key.start_mark, value) for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark, node.value[step]
    return None


def _words(mark: Any) -> str:
    return f", line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""


class _Loader(yaml.SafeLoader):
    """YAML in which a repeated key is an error; PyYAML ignores the first one.

    Aliases may not repeat much: each of a few lines can have the one before it twice.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._sizes: dict[yaml.Node, int] = {}  # how many nodes are in a node

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        alias = self.check_event(yaml.AliasEvent)
        node = super().compose_node(parent, index)
        if node is None or node in self._sizes:
            return node
        parts = chain.from_iterable(node.value) if isinstance(node, yaml.MappingNode) else node.value
        below = () if isinstance(node, yaml.ScalarNode) else parts
        size = 1 + sum(self._sizes[part] for part in below)
        if alias or size > _MOST_NODES:  # an alias without a size is within what it names
            raise yaml.MarkedYAMLError(problem="aliases repeat too much", problem_mark=node.start_mark)
        self._sizes[node] = size
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        names = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in names:
                    raise yaml.MarkedYAMLError(problem=f"{key.value} is given twice", problem_mark=key.start_mark)
                names.add(key.value)
        return super().construct_mapping(node, deep)
