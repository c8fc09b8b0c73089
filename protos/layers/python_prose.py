"""The comments of the contract as the documentation of Python methods.

The contract speaks of messages and status codes; a method has arguments, a result and exceptions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

ERROR = re.compile(r"^( *- )([A-Z_]+)(?: \(([A-Z_]+)\))?:", re.MULTILINE)
RPC = re.compile(r"\b(?:[A-Z][a-z]+){2,}\b")

INSTEAD: Mapping[str, str] = {
    "Every RPC that takes": "Every method that takes",
    "A command that fails does not fail the call: its exit code is in `end`.": (
        "A command that fails raises nothing: see `exit_code` of the session."
    ),
    "A reference that has neither a tag nor a digest pulls all tags of the repository.": "",
    "The first request is `start`. After it come `stdin`, `resize` and at most one `close_stdin`, in any order. The "
    "end of the requests counts as `close_stdin`. The responses are one `started`, any number of `output`, and one "
    "`end` as the last.": "The result is a session: iterate over the output, and write the input.",
    "The first request is `start`. After it come requests with `data`, which together are a tar of the build context: "
    "plain, or compressed with gzip, bzip2 or xz. The id of the image comes in `progress.result.id`.": (
        "The source is a tar of the build context: plain, or compressed with gzip, bzip2 or xz."
    ),
    "The first request is `start`. After it come requests with `data`, which together are the tar, plain or "
    "compressed with gzip, bzip2 or xz.": "The tar may be compressed with gzip, bzip2 or xz.",
    "The first request is `start`. After it come requests with `data`, which together are the tar, plain or "
    "compressed. The `status` of the last response's `progress` is the id of the image.": (
        "The tar may be compressed. The last of the `statuses` of the result is the id of the image."
    ),
    "The first request is `start`; the archive follows as `data`. A compressed one": "A compressed archive",
    "The requests and responses are those of `Exec`. With `detach` the only response is `started`. The call then ends "
    "and the process continues to run;": (
        "The result is a session, as that of `exec.open`. With `detach` it ends at once, and the process continues to "
        "run;"
    ),
    "The responses are any number of `pull`, one `created`, one `started`, any number of `output`, and one `end` as "
    "the last.": "",
    "the others are those of RunContainer of ContainerService.": "the others are those of `containers.run` of a host.",
    "With `request.until`, the stream does not wait": "With `until`, the stream does not wait",
    "With `detach` the call ends after `started`. A process that fails does not fail the call: its exit code is in "
    "`end`.": (
        "With `detach` it returns when the container has started. A container that ends with another exit code than "
        "0 raises `ContainerFailed`, unless `check` is false."
    ),
}
"""Sentences of the contract that are about its messages, and what is so in Python."""


class Prose:
    """The words of the contract, and those of Python."""

    def __init__(self, classes: Mapping[str, str], methods: Mapping[str, str]) -> None:
        """Know the *classes* of errors by their reasons, and the *methods* by their RPCs."""
        self._classes = classes
        self._methods = methods
        self._unused = set(INSTEAD)

    def of(self, comment: str) -> str:
        """Return *comment* for the docstring of a method."""
        comment = "\n\n".join(filter(None, map(self._instead, comment.split("\n\n"))))
        comment = re.sub(r"^Errors:", "Raises, of `dockfleet.reasons`:", comment, flags=re.MULTILINE)
        comment = ERROR.sub(self._error, comment)
        return self.names(comment)

    def names(self, comment: str) -> str:
        """Return *comment* with the methods in the place of RPCs and services."""
        return RPC.sub(lambda match: f"`{found}`" if (found := self._methods.get(match[0])) else match[0], comment)

    def check(self) -> None:
        """Raise `ValueError` when the contract no longer has one of the sentences."""
        if self._unused:
            raise ValueError(f"INSTEAD has sentences that the contract no longer has: {sorted(self._unused)}")

    def _instead(self, paragraph: str) -> str:
        for sentence, other in INSTEAD.items():
            flat = " ".join(paragraph.split())
            if sentence in flat:
                self._unused.discard(sentence)
                paragraph = flat.replace(sentence, other).strip()
        return paragraph

    def _error(self, match: re.Match[str]) -> str:
        name = self._classes.get(match[3] or match[2])
        return f"{match[1]}`{name}`:" if name else match[0]
