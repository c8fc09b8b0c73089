"""Generates the typed layers of the clients from the contract: see `layers/`.

    python protos/generate_clients.py [--only LANGUAGE] [OUTPUT]      OUTPUT is the root of the checkout when not given

A backend is a module of `layers` with a function `files`, which returns the texts of its files by their paths in the
checkout.  Run `generate.py` first: this reads the descriptors that it writes.  The generated files are committed; a
test runs this into a fresh folder and compares.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "clients/python")]  # the options of the contract, from this checkout

from protos.layers import go, java, model, python, rust, typescript  # noqa: E402

BACKENDS: Mapping[str, Callable[[model.Contract], Mapping[str, str]]] = {
    "go": go.files,
    "java": java.files,
    "python": python.files,
    "rust": rust.files,
    "typescript": typescript.files,
}
"""What writes the layer of a language, by its name."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Generate the typed layers of the clients.")
    parser.add_argument("--only", choices=BACKENDS, help="the language; all when not given")
    parser.add_argument("output", nargs="?", type=Path, default=ROOT, help="the folder to write into")
    options = parser.parse_args()
    contract = model.read()
    for language, files in BACKENDS.items():
        if options.only in (None, language):
            for path, text in files(contract).items():
                file = options.output / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
