"""The keys of the configuration, as they are written in the file, in variables and in flags."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import Field
from pydantic.fields import FieldInfo

from gateway.config.section import Section
from gateway.config.settings import Keys

PROGRAM = "dockfleet-gateway"
PREFIX = "DOCKFLEET_"


@dataclass(frozen=True)
class Key:
    """A key of the configuration; *name* is its dotted name in the file."""

    name: str
    field: FieldInfo

    @property
    def variable(self) -> str:
        """The environment variable."""
        return PREFIX + self.name.replace(".", "__").upper()

    @property
    def flag(self) -> str:
        """The flag."""
        return "--host" if self.name == "hosts" else "--" + re.sub(r"[._]", "-", self.name)

    @property
    def default(self) -> str:
        """The default as text; empty without a default, and for a list."""
        value = self.field.get_default()
        return str(value).lower() if isinstance(value, str | int | float) else ""

    @property
    def meaning(self) -> str:
        """The purpose of the key, in one line."""
        return " ".join((self.field.description or "").split())


def _keys(section: type[Section], prefix: str = "") -> Iterator[Key]:
    for name, field in section.model_fields.items():
        types = (field.annotation, *get_args(field.annotation))
        inner = next((t for t in types if isinstance(t, type) and issubclass(t, Section)), None)
        is_list = ... in types
        if is_list or not inner:
            yield Key(prefix + name, field)
        if inner:
            yield from _keys(inner, f"{prefix}{name}[]." if is_list else f"{prefix}{name}.")


def _is_path(annotation: Any) -> bool:
    return annotation is Path or any(_is_path(part) for part in get_args(annotation))


CONFIG = Key("config", Field(description="The YAML file to read.  The file cannot have this key."))
KEYS = {key.name: key for key in _keys(Keys)}
OUTSIDE = {key.name: key for key in (CONFIG, *KEYS.values()) if "[]" not in key.name}  # as variables and flags
PATHS = {key.name for key in KEYS.values() if _is_path(key.field.annotation)}  # names of files and directories


def reference() -> str:
    """Return the whole configuration as a Markdown table, for docs/configuration.md."""
    rows = ["| key | environment variable | flag | default | meaning |", "| --- | --- | --- | --- | --- |"]
    for key in (CONFIG, *KEYS.values()):
        places = (key.variable, key.flag) if key.name in OUTSIDE else ("", "")
        cells = [f"`{cell}`" if cell else "–" for cell in (key.name, *places, key.default)]
        rows.append(f"| {' | '.join(cells)} | {key.meaning} |")
    return "\n".join(rows) + "\n"
