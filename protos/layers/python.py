"""The typed layer of the Python client.

Written are the services for one host and for the fleet, the types of dicts that requests take, and the errors.  The
code for asyncio is the source; the blocking code is the same text without `async` and `await`: see `blocking`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from protos.layers import python_fleet, python_services
from protos.layers.model import Contract, Message
from protos.layers.python_types import Types, class_of_reason, docstring

CLIENT = "clients/python/dockfleet"
PARENTS = {"NAME_IN_USE": "CONFLICT"}
"""The reasons that are caught as another one too: for docker-py, both are a conflict."""

NOTE = "Generated from the contract by protos/generate_clients.py."
BLOCKING_NOTE = "Generated from `dockfleet.aio` by protos/generate_clients.py."

SHARED = ("calling", "client", "host", "operations", "proceeding", "resuming", "session", "stream")
"""The modules that are written once, for asyncio.  What differs between gRPC's two libraries is in `library`."""

WORDS = {
    "AsyncIterable": "Iterable",
    "AsyncIterator": "Iterator",
    "AsyncSource": "Source",
    "AsyncStubs": "Stubs",
    "StopAsyncIteration": "StopIteration",
    "Any task": "Any thread",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
    "aiter(": "iter(",
    "anext(": "next(",
    "async ": "",
    "await ": "",
    "dockfleet.aio.connect": "dockfleet.connect",
    "dockfleet.aio": "dockfleet",
}


def files(contract: Contract) -> Mapping[str, str]:
    """Return the generated files."""
    types = Types(contract, python_services.prose(contract))
    services = python_services.module(contract, types)
    fleet = python_fleet.module(contract, types)
    types.prose.check()
    aio = Path(__file__).resolve().parents[2] / CLIENT / "aio"
    texts = {
        "reasons.py": _reasons(contract),
        "dicts.py": _dicts(contract, types),
        "aio/services.py": f'"""The services of one host, for asyncio.  {NOTE}"""\n\n{services}',
        "aio/fleet_services.py": f'"""The services of many hosts, for asyncio.  {NOTE}"""\n\n{fleet}',
        "services.py": blocking(f'"""The services of one host.  {NOTE}"""\n\n{services}'),
        "fleet_services.py": blocking(f'"""The services of many hosts.  {NOTE}"""\n\n{fleet}'),
    }
    for name in SHARED:
        text = blocking((aio / f"{name}.py").read_text())
        first, _, rest = text.partition('"""\n')
        texts[f"{name}.py"] = f'{first.replace(", for asyncio", "")}\n\n{BLOCKING_NOTE}\n"""\n{rest}'
    return dict(zip((f"{CLIENT}/{name}" for name in texts), _formatted(texts), strict=True))


def blocking(text: str) -> str:
    """Return code for asyncio as code that blocks."""
    words = "|".join(map(re.escape, WORDS))
    text = re.sub(words, lambda match: WORDS[match[0]], text)
    return re.sub(r"for (\w+) in ([\w.]+):\n +yield \1\n", r"yield from \2\n", text)


def _formatted(texts: Mapping[str, str]) -> Iterator[str]:
    """Yield *texts* as the project's own formatter writes them, with sorted imports and without unused ones."""
    ruff = [sys.executable, "-m", "ruff"]
    root = Path(__file__).resolve().parents[2]
    for name, text in texts.items():
        path = f"--stdin-filename={CLIENT}/{name}"
        select = ["--select=F401,I", "--fix", "--quiet", "--exit-zero"]
        checked = _output([*ruff, "check", *select, path, "-"], text, root)
        yield _output([*ruff, "format", path, "-"], checked, root)


def _output(command: list[str], text: str, folder: Path) -> str:
    return subprocess.run(command, input=text, cwd=folder, capture_output=True, text=True, check=True).stdout


def _reasons(contract: Contract) -> str:
    """Return a class for each reason."""
    classes = "\n\n".join(
        f"class {class_of_reason(reason.name)}({_parent(reason.name)}):\n{docstring(reason.comment)}"
        for reason in sorted(contract.reasons, key=lambda each: each.name in PARENTS)
    )
    table = "".join(f'    "{reason.name}": {class_of_reason(reason.name)},\n' for reason in contract.reasons)
    return f'''"""The failures by reason.  {NOTE}"""

from __future__ import annotations

from collections.abc import Mapping

from dockfleet.errors import DockfleetError


{classes}

CLASSES: Mapping[str, type[DockfleetError]] = {{
{table}}}
"""The classes, by reason."""
'''


def _parent(reason: str) -> str:
    return class_of_reason(PARENTS[reason]) if reason in PARENTS else "DockfleetError"


def _dicts(contract: Contract, types: Types) -> str:
    """Return a `TypedDict` for each message that requests hold."""
    names = sorted({name for service in contract.services for each in service.methods for name in types.held(each)})
    classes = "\n\n".join(_dict(contract.messages[name], types) for name in names)
    return f'''"""Messages of requests as dicts, for type checkers.  {NOTE}

A key is the name of a field in the contract, or the Engine's name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict

from dockfleet import forms
{types.imports()}


{classes}
'''


def _dict(message: Message, types: Types) -> str:
    keys = []
    for field in message.fields:
        kind = types.argument(field, message)
        names = dict.fromkeys([field.name, field.json_name])
        keys += [f"    {name}: {kind} | None" for name in names if name.isidentifier()]
    summary = message.comment.split("\n\n")[0]
    head = f"class {types.dict_name(message.full_name)}(TypedDict, total=False):"
    return "\n".join([head, docstring(summary), *keys])
