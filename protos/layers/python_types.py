"""How types and comments of the contract are written in Python."""

from __future__ import annotations

import keyword
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence

from protos.layers.model import Contract, EnumType, Field, Message, Method
from protos.layers.python_prose import Prose

WIDTH = 120
TYPES = "if TYPE_CHECKING:  # many types, which only annotations name\n    from dockfleet import dicts, forms\n"
"""What modules with methods import for annotations."""

SCALARS = {
    "string": "str",
    "bytes": "bytes",
    "bool": "bool",
    "double": "float",
    "float": "float",
    **dict.fromkeys(("int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64"), "int"),
}

GOOGLE = {"google.protobuf.Timestamp": "forms.Time", "google.protobuf.Duration": "forms.Duration"}

FORMS: Mapping[str, str] = {
    "binds": "forms.Binds",
    "cmd": "forms.Command",
    "devices": "Sequence[str | {item}]",
    "entrypoint": "forms.Command",
    "env": "forms.Environment",
    "exposed_ports": "forms.PortNames",
    "extra_hosts": "forms.Addresses",
    "filters": "forms.Filters",
    "group_add": "Sequence[str | int]",
    "links": "forms.Links",
    "port_bindings": "forms.Ports",
    "sysctls": "Mapping[str, str | int]",
    "tmpfs": "Mapping[str, str | None] | Sequence[str]",
    "volumes_from": "str | Sequence[str]",
    "ContainerConfig.labels": "forms.Labels",
    "ContainerConfig.user": "str | int",
    "ContainerConfig.volumes": "forms.Paths",
    "ContainerSpec.labels": "forms.Labels",
    "ContainerSpec.user": "str | int",
    "ContainerSpec.volumes": "forms.Paths",
    "HealthConfig.interval": "forms.HealthTime",
    "HealthConfig.start_interval": "forms.HealthTime",
    "HealthConfig.start_period": "forms.HealthTime",
    "HealthConfig.test": "str | Sequence[str]",
    "HealthConfig.timeout": "forms.HealthTime",
    "KillContainerRequest.signal": "str | int",
    "PortBinding.host_port": "str | int",
    "StreamLogsRequest.tail": 'int | Literal["all"]',
}
"""The fields that take more than their type, as `dockfleet.docker_forms` reads them."""

COMMENTS = {
    "PullImageRequest.image": "The image: `repository`, `repository:tag` or `repository@digest`.  Required.",
    "PullImageRequest.tag": "The tag, or a digest.  It replaces a tag in `image`; a digest in `image` has precedence "
    "over it.  Default: what `image` says, and `latest` where it says nothing.",
}
"""The comments of fields that the methods use in another way than the contract."""

SECONDS = "timeout_seconds"
"""The field that docker-py calls `timeout`: how long a container may take to stop."""


class Types:
    """The types of arguments and answers."""

    def __init__(self, contract: Contract, prose: Prose) -> None:
        """Know the messages and enums of *contract*; *prose* makes docstrings of its comments."""
        self._contract = contract
        self.prose = prose

    def imports(self) -> str:
        """Return the imports of all messages."""
        files = {kind.file for kind in self._contract.messages.values()}
        files |= {kind.file for kind in self._contract.enums.values()}
        lines = []
        for file in sorted(files):
            package, _, module = file.removesuffix(".proto").rpartition("/")
            lines.append(f"from {package.replace('/', '.')} import {module}_pb2")
        return "\n".join(lines)

    def message(self, name: str) -> str:
        """Return the class of a message, in its module."""
        kind: Message | EnumType = self._contract.messages.get(name) or self._contract.enums[name]
        package = kind.file.removesuffix(".proto").replace("/", ".").rpartition(".")
        return f"{package[2]}_pb2.{kind.name}"

    def dict_name(self, name: str) -> str:
        """Return the name of the `TypedDict` of a message."""
        return f"{'Fleet' if name.startswith('dockfleet.fleet') else ''}{name.rpartition('.')[2]}Dict"

    def held(self, method: Method) -> Iterator[str]:
        """Yield the messages that the arguments of *method* hold, at any depth."""
        found: set[str] = set()
        waiting = list(method.fields)
        while waiting:
            field = waiting.pop()
            name = field.map[1].type if field.map else field.type
            if name in self._contract.messages and name not in found:
                found.add(name)
                waiting += self._contract.messages[name].fields
        yield from found

    def argument(self, field: Field, message: Message, prefix: str = "") -> str:
        """Return the type of what *field* of *message* takes; *prefix* is the module of the dicts."""
        form = FORMS.get(f"{message.name}.{field.name}", FORMS.get(field.name))
        if form is None:
            return self._own(field, prefix)
        return form.replace("{item}", self._single(field, prefix)) if "{item}" in form else form

    def comment(self, field: Field, message: Message) -> str:
        """Return the comment of *field* of *message* for the parameter of a method."""
        return self.prose.names(COMMENTS.get(f"{message.name}.{field.name}", field.comment))

    def answer(self, field: Field) -> str:
        """Return the type of a field of a response."""
        return self.message(field.type) if field.is_message or field.is_enum else SCALARS[field.type]

    def _own(self, field: Field, prefix: str) -> str:
        if field.map:
            key, value = field.map
            return f"Mapping[{self._single(key, prefix)}, {self._single(value, prefix)}]"
        single = self._single(field, prefix)
        return f"Sequence[{single}]" if field.repeated else single

    def _single(self, field: Field, prefix: str) -> str:
        if field.type in GOOGLE:
            return GOOGLE[field.type]
        if field.is_enum:
            names = ", ".join(f'"{value.name}"' for value in self._contract.enums[field.type].values)
            return f"{self.message(field.type)}.ValueType | Literal[{names}]"
        if not field.is_message:
            is_size = field.name.endswith("_bytes") and SCALARS[field.type] == "int"
            return "int | str" if is_size else SCALARS[field.type]
        kind = self._contract.messages[field.type]
        either = f"{self.message(field.type)} | {prefix}{self.dict_name(field.type)}"
        if kind.is_array:
            either += f" | {self._own(kind.fields[0], prefix)}"
        return either


DEADLINE = "*deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold"
PROGRESS = "*progress*: is called with each report of progress"


def values(fields: Sequence[Field]) -> str:
    """Return the arguments of a call."""
    return "".join(f"{field.name}={parameter(field.name)}, " for field in fields)


def parameter(name: str) -> str:
    """Return the name of the parameter for a field."""
    name = "timeout" if name == SECONDS else name
    return f"{name}_" if keyword.iskeyword(name) else name


def is_required(field: Field) -> bool:
    """Return whether a call needs the field, which then has a place among the arguments."""
    target = field.type == "string" and not field.repeated and not field.has_presence
    return field.required or target


def class_of_reason(reason: str) -> str:
    """Return the name of the class of a reason."""
    return "".join(word if word == "API" else word.capitalize() for word in reason.split("_"))


def docstring(text: str, indent: int = 4) -> str:
    """Return *text* as a docstring: paragraphs and lists are wrapped anew."""
    space = " " * indent
    lines = [line for block in text.split("\n\n") for line in ("", *_wrapped(block, WIDTH - indent - 3))][1:]
    body = "\n".join(f"{space}{line}".rstrip() for line in lines).strip().replace("\\", "\\\\")
    end = f'\n{space}"""' if len(lines) > 1 else '"""'
    return f'{space}"""{body}{end}'


def arguments(items: Sequence[tuple[str, str]]) -> str:
    """Return the part of a docstring about arguments, given as names and comments."""
    lines = [f"- *{name}*: {_lower(' '.join(comment.split()))}" for name, comment in items]
    return "Arguments:\n\n" + "\n".join(lines) if lines else ""


def _lower(text: str) -> str:
    first, _, rest = text.partition(" ")
    return f"{first.lower() if first.isalpha() and first.istitle() else first} {rest}".strip()


def _wrapped(block: str, width: int) -> Iterator[str]:
    items = re.split(r"\n(?=\s*- )", block)
    for item in items:
        if item.lstrip().startswith("- "):
            yield from textwrap.wrap(" ".join(item.split()), width, subsequent_indent="  ", break_long_words=False)
        else:
            yield from textwrap.wrap(" ".join(item.split()), width, break_long_words=False, fix_sentence_endings=False)
