"""Fuzzes the parsers of hostile bytes, guided by coverage: `python -m tests.fuzz [TARGET…] [--seconds 600] [--keep]`.

It needs atheris, which `make fuzz` installs; it is no part of the environment for its size.  A finding is written to
.state/fuzz, and its traceback is shown.  `--keep` puts those inputs into the corpus of the tree that reach code which
it does not reach yet.  The last lines say what was done for each target.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz import corpus
from tests.fuzz.targets import TARGETS, words

ROOT = Path(__file__).parents[2]
FINDINGS = ROOT / ".state/fuzz"
_LONGEST_INPUT = 4096  # bytes
_INPUT_SECONDS = 5  # that one input may take; most take less than a millisecond
_MEMORY_MIB = 1024
_PROGRESS = re.compile(r"#(\d+)\s+\S+\s+cov: (\d+) ft: (\d+) corp: (\d+)/")
_TOTAL = re.compile(r"stat::number_of_executed_units:\s*(\d+)")


@dataclass
class Fuzzed:
    """What was done for a target.  `features` are the edges of the code that were reached, and how often, roughly."""

    target: str
    code: int = 0  # libFuzzer's exit code: 0 when nothing was found
    runs: int = 0
    edges: int = 0
    features: int = 0
    corpus: int = 0  # inputs

    def __str__(self) -> str:
        found = f"a finding in {FINDINGS}" if self.code else "nothing found"
        reached = f"{self.edges} edges, {self.features} features"
        return f"{self.target}: {self.runs} runs, {self.corpus} inputs in the corpus, {reached}: {found}"

    def hear(self, line: str) -> None:
        """Take note of a line that libFuzzer writes."""
        if said := _PROGRESS.match(line):
            self.runs, self.edges, self.features, self.corpus = map(int, said.groups())
        elif total := _TOTAL.match(line):
            self.runs = int(total[1])


def main() -> int:
    """Return how many of the targets failed."""
    options = _options()
    if importlib.util.find_spec("atheris") is None:
        print("there is no atheris here: `make fuzz` installs it, on Linux on x86-64", file=sys.stderr)
        return 1
    done = [fuzz(target, options.seconds, keep=options.keep) for target in options.targets or TARGETS]
    print(*done, sep="\n")
    return sum(each.code != 0 for each in done)


def fuzz(target: str, seconds: int, *, keep: bool = False) -> Fuzzed:
    """Fuzz *target* for so long."""
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
        done = _run(
            target,
            *(*limits, *guided, f"-max_total_time={seconds}", f"-artifact_prefix={FINDINGS}/{target}-"),
            *("-print_final_stats=1", str(found), str(known)),
        )
        if keep:
            corpus.add(target, (path.read_bytes() for path in found.iterdir()))
    return done


def _run(target: str, *arguments: str) -> Fuzzed:
    """Run libFuzzer, and show what it says."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-m", "tests.fuzz.fuzzer", target, *arguments]
    done = Fuzzed(target)
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            print(line, end="", file=sys.stderr, flush=True)
            done.hear(line)
    done.code = process.returncode
    return done


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []], metavar="TARGET", help=f"of {', '.join(TARGETS)}")
    parser.add_argument("--seconds", type=int, default=600, help="for each target")
    parser.add_argument("--keep", action="store_true", help="add to the corpus of the tree")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
