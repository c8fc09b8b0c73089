"""The errors of the Python client: a class for each reason of the contract."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from protos.layers.model import Contract


def files(contract: Contract) -> Mapping[str, str]:
    """Return the generated files."""
    return {"clients/python/dockfleet/reasons.py": _reasons(contract)}


def _reasons(contract: Contract) -> str:
    """Return a class for each reason."""
    classes = []
    for reason in contract.reasons:
        doc = textwrap.indent("\n".join(textwrap.wrap(reason.comment, 112)), "    ").strip()
        classes.append(f'class {_class(reason.name)}(DockfleetError):\n    """{doc}"""\n')
    table = "".join(f'    "{reason.name}": {_class(reason.name)},\n' for reason in contract.reasons)
    return (
        '"""The failures by reason.  Generated from the contract by protos/generate_clients.py."""\n\n'
        "from __future__ import annotations\n\nfrom collections.abc import Mapping\n\n"
        "from dockfleet.errors import DockfleetError\n\n\n"
        + "\n\n".join(classes)
        + "\n\nCLASSES: Mapping[str, type[DockfleetError]] = {\n"
        + table
        + '}\n"""The classes, by reason."""\n'
    )


def _class(reason: str) -> str:
    return "".join(word if word in ("API",) else word.capitalize() for word in reason.split("_"))
