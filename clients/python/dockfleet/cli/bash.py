"""Completion in bash, also of names with a colon: bash takes those for several words."""

from __future__ import annotations

import os
from typing import Any

from click.shell_completion import BashComplete, CompletionItem, add_completion_class, split_arg_string

SOURCE = BashComplete.source_template.replace(
    'env COMP_WORDS="${COMP_WORDS[*]}"',
    'env COMP_LINE="${COMP_LINE:0:$COMP_POINT}" COMP_WORDBREAKS="$COMP_WORDBREAKS" COMP_WORDS="${COMP_WORDS[*]}"',
)


class WholeWords(BashComplete):
    """Reads the line itself, and returns of a name what is after its last colon: bash has the rest already."""

    source_template = SOURCE

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the cursor, and the incomplete one."""
        line = os.environ.get("COMP_LINE")
        if line is None:  # the script of an older version
            return super().get_completion_args()
        words = split_arg_string(line)
        incomplete = "" if not line or line[-1].isspace() else words.pop()
        return words[1:], incomplete

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[Any]]:
        """Return what can follow."""
        before, colon, _ = incomplete.rpartition(":")
        items = super().get_completions(args, incomplete)
        if colon and ":" in os.environ.get("COMP_WORDBREAKS", ""):
            for item in items:
                item.value = item.value.removeprefix(f"{before}:")
        return items


def install() -> None:
    """Replace click's own completion in bash."""
    add_completion_class(WholeWords)
