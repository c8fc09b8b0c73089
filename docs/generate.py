"""Writes the generated part of docs/configuration.md: the table of all keys, from the settings themselves.

    python docs/generate.py [OUTPUT]      OUTPUT is the page itself when not given

`make docs` runs it; a test writes the page elsewhere and compares.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from gateway.config.keys import reference

PAGE = Path(__file__).resolve().parent / "configuration.md"
_KEYS = re.compile(r"(<!-- keys: .*? -->\n)(.*?)(<!-- end of keys -->)", re.DOTALL)


def main() -> None:
    """Write the page with a new table."""
    text, count = _KEYS.subn(lambda found: f"{found[1]}\n{reference()}\n{found[3]}", PAGE.read_text())
    if count != 1:
        sys.exit(f"{PAGE} must have the two comments around the table of keys, once")
    output = Path(sys.argv[1]) if len(sys.argv) > 1 else PAGE
    output.write_text(text)


if __name__ == "__main__":
    main()
