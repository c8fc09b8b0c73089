"""Fuzzes the parsers of hostile bytes, guided by coverage: `python -m tests.fuzz [TARGET…] [--seconds 600] [--keep]`.

It needs atheris (`pip install atheris`), which is no part of the environment for its size.  A finding is written to
.state/fuzz, and its traceback is shown.  `--keep` puts those inputs into the corpus of the tree that reach code which
it does not reach yet.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz import corpus
from tests.fuzz.targets import TARGETS, words

ROOT = Path(__file__).parents[2]
FINDINGS = ROOT / ".state/fuzz"
_LONGEST_INPUT = 4096  # bytes
_INPUT_SECONDS = 5  # that one input may take; most take less than a millisecond
_MEMORY_MIB = 1024


def main() -> int:
    """Return how many of the targets failed."""
    options = _options()
    failed = 0
    for target in options.targets or TARGETS:
        failed += fuzz(target, options.seconds, keep=options.keep) != 0
    return failed


def fuzz(target: str, seconds: int, *, keep: bool = False) -> int:
    """Fuzz *target* for so long, and return libFuzzer's exit code: 0 when nothing was found."""
    FINDINGS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        found, known, dictionary = (Path(folder, name) for name in ("found", "known", "words"))
        found.mkdir()
        known.mkdir()
        for number, data in enumerate(corpus.load(target)):
            (known / str(number)).write_bytes(data)
        dictionary.write_text("".join(f'"{word}"\n' for word in sorted(words())))
        limits = [f"-max_len={_LONGEST_INPUT}", f"-timeout={_INPUT_SECONDS}", f"-rss_limit_mb={_MEMORY_MIB}"]
        guided = [f"-dict={dictionary}"] if target == "json" else []
        code = _run(
            target,
            *(*limits, *guided, f"-max_total_time={seconds}", f"-artifact_prefix={FINDINGS}/{target}-"),
            *("-print_final_stats=1", str(found), str(known)),
        )
        if keep:
            corpus.add(target, (path.read_bytes() for path in found.iterdir()))
    return code


def _run(target: str, *arguments: str) -> int:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-m", "tests.fuzz.fuzzer", target, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment).returncode


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []], metavar="TARGET", help=f"of {', '.join(TARGETS)}")
    parser.add_argument("--seconds", type=int, default=600, help="for each target")
    parser.add_argument("--keep", action="store_true", help="add to the corpus of the tree")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
