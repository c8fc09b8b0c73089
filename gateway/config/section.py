"""The base of groups of keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from gateway.config.files import check_regular

MOST_BYTES = 1 << 20
"""Of a file with keys, certificates or a password."""


class Section(BaseModel):
    """A group of keys.  It is frozen, refuses unknown keys, and shows no values in the messages of errors."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    def files(self) -> Iterator[Path]:
        """Yield the files in the keys, also in groups below."""
        for value in vars(self).values():  # iterating a model takes three times as long
            if isinstance(value, Section):
                yield from value.files()
            elif isinstance(value, Path):
                yield value


def _readable(path: Path) -> Path:
    return check_regular(path, MOST_BYTES)


def _listed(value: Any) -> Any:
    """Return the items of a list in a flag or a variable, where commas are between them."""
    return [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value


T = TypeVar("T")

File = Annotated[Path, AfterValidator(_readable)]
Listed = Annotated[tuple[T, ...], BeforeValidator(_listed)]
