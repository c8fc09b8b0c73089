"""One coverage-guided fuzzer, as libFuzzer runs it: `python -m tests.fuzz.fuzzer TARGET [OPTION…] [CORPUS…]`."""

from __future__ import annotations

import sys

import atheris  # type: ignore[import-untyped, import-not-found, unused-ignore]

with atheris.instrument_imports(include=["gateway.engine.codec", "gateway.engine.transport", "gateway.web"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Run the fuzzer, which ends the process."""
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
