"""Messages that say why a configuration is refused.  They show no secret."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pydantic import ValidationError

from gateway.config.keys import KEYS, PROGRAM

_WORDS = {
    "extra_forbidden": "is unknown",
    "missing": "is missing",
    "mapping_type": "should be a mapping of keys to values",
    "model_type": "should be a mapping of keys to values",
    "string_type": "should be text: put it in quotes",
    "tuple_type": "should be a list",
}


_MOST_REASONS = 20  # of one error


class ConfigError(Exception):
    """The configuration is refused.  The message has one line for each reason."""


Path = tuple[str | int, ...]


def reasons(
    error: ValidationError, origin: Callable[[Path], str] = lambda path: "", section: str = ""
) -> Iterator[str]:
    """Yield one line for each problem: where the key was written, the key, the value, and what is allowed.

    *origin* returns the place of a key.  The problems are below *section*, such as `hosts[].`.
    """
    for number, (path, text) in enumerate(each(error, section)):
        if number == _MOST_REASONS:
            yield f"{error.error_count() - number} more problems"
            return
        key, where = KEYS.get(section + _general(path)), origin(path)
        name = dotted(path)
        written = where if key and where in (key.flag, key.variable) else ": ".join(filter(None, (where, name)))
        yield " ".join(filter(None, (written, text)))


def each(error: ValidationError, section: str = "") -> Iterator[tuple[Path, str]]:
    """Yield the path of each problem below *section*, with the value and what is allowed."""
    sections = {name.rpartition(".")[0] for name in KEYS} - {""}
    for reason in error.errors(include_url=False):
        kind, path = reason["type"], reason["loc"]
        if path[-1:] == ("[key]",):
            path = path[:-2]  # the value is the key that is not right: it says which one
        general = section + _general(path)
        key = KEYS.get(general)
        if kind == "value_error":
            text = str(reason["ctx"]["error"])
        elif kind == "extra_forbidden":
            text = "is unknown" + meant(general, [*KEYS, *sections])
        else:
            text = _WORDS.get(kind, re.sub(r"^(Input|String|Tuple) ", "", reason["msg"]))
            text += f"; it is: {key.meaning}" if key else ""
        value = "" if kind in ("extra_forbidden", "missing") else shown(reason["input"])
        yield path, " ".join(filter(None, (value, text)))


def dotted(path: Path) -> str:
    """Return *path* as a configuration writes it: `hosts[0].tls.ca`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def _general(path: Path) -> str:
    return re.sub(r"\[\d+\]", "[]", dotted(path))


def shown(value: Any) -> str:
    """Return *value* as a message may show it: without a login before an @, key material, or a whole mapping."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str | int | float):
        return ""
    if "\n" in str(value) or "-----BEGIN" in str(value):
        return "(not shown)"
    return re.sub(r"'.*@", "'…@", repr(value))[:120]


def meant(word: str, words: Iterable[str]) -> str:
    """Return the end of a message about the unknown *word*: the closest of *words*, or a reference to all."""
    close = difflib.get_close_matches(word, list(words), 1)
    return f"; did you mean {close[0]}?" if close else f"; {PROGRAM} --help lists all"
