"""Which RPCs the tests on real engines have called, in all processes that run them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from tests.support.gateway import handled_by_all
from tests.support.upstream import until


class CallsOfAll:
    """What each process has noted of itself, in a file of its own in *directory*."""

    def __init__(self, directory: Path, process: str) -> None:
        """Note what was called by *process*, from now on."""
        directory.mkdir(exist_ok=True)
        self._directory = directory
        self._own = directory / f"{process}.json"
        self._before = handled_by_all()
        self._files: list[str] = []

    def note(self, file: str) -> None:
        """Note that the tests of *file* are done, and how often each RPC has ended, and how."""
        self._files.append(file)
        ends = [[*end, times] for end, times in (handled_by_all() - self._before).items()]
        draft = self._own.with_suffix(".new")
        draft.write_text(json.dumps({"files": self._files, "ends": ends}))
        draft.rename(self._own)  # nobody reads a half of it

    async def after(self, files: set[str]) -> Counter[tuple[str, str]]:
        """Wait until the tests of *files* are done in all processes; return how often each RPC has ended, and how."""
        await until(lambda: files <= self._done())
        ends: Counter[tuple[str, str]] = Counter()
        for noted in self._noted():
            ends.update({(method, status): times for method, status, times in noted["ends"]})
        return ends

    def _done(self) -> set[str]:
        return {file for noted in self._noted() for file in noted["files"]}

    def _noted(self) -> list[dict[str, Any]]:
        return [json.loads(file.read_text()) for file in self._directory.glob("*.json")]
