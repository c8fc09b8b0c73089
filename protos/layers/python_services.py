"""The services of one host: a class for each, with a method for each RPC."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from protos.layers.model import Contract, Field, Method, Reach, Service, Shape
from protos.layers.python_creating import CREATING, creating
from protos.layers.python_prose import Prose
from protos.layers.python_types import (
    DEADLINE,
    PROGRESS,
    TYPES,
    Types,
    arguments,
    class_of_reason,
    docstring,
    is_required,
    parameter,
    values,
)

ATTRIBUTES = {
    "ContainerService": "containers",
    "DistributionService": "distribution",
    "ExecService": "exec",
    "ImageService": "images",
    "NetworkService": "networks",
    "SystemService": "system",
    "VolumeService": "volumes",
}

NAMES = {
    "CommitContainer": "commit",
    "Exec": "open",
    "GetContainerArchive": "get_archive",
    "GetContainerChanges": "diff",
    "GetImageHistory": "history",
    "ImportImage": "import_archive",
    "ListImageAttestations": "attestations",
    "BuildImage": "build_archive",
    "PruneBuildCache": "prune_build_cache",
    "PutContainerArchive": "put_archive",
    "RunContainer": "run",
    "SaveImages": "save_all",
    "StatContainerArchive": "stat_archive",
    "StreamEvents": "events",
    "StreamLogs": "log_messages",
    "StreamStats": "stats",
}
"""The methods that are not called by the verb of their RPC."""

VERBS = {"Inspect": "get"}

POSITIONAL = {
    "CommitContainerRequest": ("repo", "tag"),
    "CreateVolumeRequest": ("name",),
    "KillContainerRequest": ("signal",),
    "PullImageRequest": ("tag",),
    "PushImageRequest": ("tag",),
    "TagImageRequest": ("tag",),
}
"""The fields that may be left out and that docker-py takes by their place."""

ALL_TAGS = "*all_tags*: pull all tags of the repository"
PULLED_TAG = "pulled_tag(image, tag, all_tags)"
"""A pull without a tag takes `latest`, as with docker-py and docker.  The Engine would pull all tags."""

RETRY = "*retry_seconds*: for how long a broken stream is called again; 0 is never"
SOURCE = "*source*: the bytes: as bytes, a file open in binary mode, or pieces of bytes"
CASES = {
    "resuming": "The stream continues after a failure of the gateway or a connection: see `ResumingStream`.",
    "progress": "The call ends when the work is done.",
}

HEAD = """from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from dockfleet.aio.calling import Service
from dockfleet.aio.operations import ImageOperations
from dockfleet.aio.proceeding import proceed, ran
from dockfleet.aio.resuming import Lines, ResumingStream
from dockfleet.aio.session import Session
from dockfleet.aio.stream import AsyncSource, Stream, download
from dockfleet.resume_state import RETRY_SECONDS
from dockfleet.results import ImageResult, Listing, RunResult
from dockfleet.specs import container_spec, pulled_tag, repository
"""

BASES = {"ImageService": "ImageOperations"}
UPLOADS = (Shape.UPLOAD, Shape.UPLOAD_STREAM)

LOGS = '''
    def logs(
        self, {parameters}
    ) -> Lines:
        """Return the log of a container by lines.  They have no line feed; a `partial` entry continues in the next.

        The stream resumes as `log_messages` does.  When the engine has lost lines, it raises `Gap`; with `strict=False`
        it skips them silently.  `log_messages` has the arguments, reports gaps, restarts and the end, and can continue
        in another process.
        """
        return Lines(self.log_messages({values}))
'''


class _Form(NamedTuple):
    """What a method is made of, besides the fields of its request."""

    returns: str
    body: str
    more: dict[str, str]
    """The arguments that are not fields, with their comments."""
    note: str = ""
    """For the docstring."""


def prose(contract: Contract) -> Prose:
    """Return what makes docstrings of the comments of *contract*."""
    services = [each for each in contract.services if each.reach is Reach.HOST]
    methods = {
        method.name: f"{ATTRIBUTES[service.name]}.{method_name(service, method)}"
        for service in services
        for method in service.methods
    }
    names = {service.name: ATTRIBUTES[service.name] for service in services} | {"HostService": "fleet.hosts"}
    return Prose({reason.name: class_of_reason(reason.name) for reason in contract.reasons}, {**methods, **names})


def module(contract: Contract, types: Types) -> str:
    """Return the module."""
    services = [each for each in contract.services if each.reach is Reach.HOST]
    classes = "\n\n".join(_class(service, types, contract) for service in services)
    return f"{HEAD}{types.imports()}\n{TYPES}\n\n{classes}"


def method_name(service: Service, method: Method) -> str:
    """Return the name of the method for an RPC."""
    if method.name in NAMES:
        return NAMES[method.name]
    nouns = service.name.removesuffix("Service")
    verb = re.sub(f"(Get)?(.+?)({nouns}s?)?$", lambda match: match[2], method.name)
    return re.sub("(?<!^)([A-Z])", r"_\1", VERBS.get(verb, verb)).lower()


def _class(service: Service, types: Types, contract: Contract) -> str:
    base = BASES.get(service.name, "Service")
    name = service.name.removesuffix("Service")
    plural = name if ATTRIBUTES[service.name] == name.lower() else f"{name}s"
    methods = "\n".join(
        creating(method, types, contract) if method.name in CREATING else _method(service, method, types, contract)
        for method in service.methods
    )
    return f"class {plural}({base}):\n{docstring(types.prose.of(service.comment))}\n\n{methods}"


def _method(service: Service, method: Method, types: Types, contract: Contract) -> str:
    form = _form(method, types, contract)
    fields = sorted(method.fields, key=lambda field: not is_required(field))
    parameters = signature(fields, method, types, contract, form.more)
    coroutine = "async " if "await " in form.body else ""
    head = f"    {coroutine}def {method_name(service, method)}(self, {parameters}) -> {form.returns}:\n"
    code = f"{head}{docstring(_text(fields, method, form, types, contract), 8)}\n{form.body}\n"
    return code + _logs(fields, method, form, types, contract) if method.name == "StreamLogs" else code


def _text(fields: Sequence[Field], method: Method, form: _Form, types: Types, contract: Contract) -> str:
    """Return the text of the docstring."""
    message = contract.messages[method.start]
    comments = [(parameter(field.name), types.comment(field, message)) for field in fields]
    text = "\n\n".join(filter(None, [types.prose.of(method.comment), form.note, arguments(comments)]))
    more = "".join(f"\n- {line}" for line in form.more.values())
    return f"{text}{more}" if comments else f"{text}\n\nArguments:\n{more}"


def _logs(fields: Sequence[Field], method: Method, form: _Form, types: Types, contract: Contract) -> str:
    """Return the method that reads a log by lines."""
    fields = [field for field in fields if field.name != "resume_token"]
    parameters = signature(fields, method, types, contract, form.more)
    parameters = parameters.replace("strict: bool | None = None", "strict: bool | None = True")
    return LOGS.format(parameters=parameters, values=f"{values(fields)}retry_seconds=retry_seconds, deadline=deadline")


def signature(fields: Sequence[Field], method: Method, types: Types, contract: Contract, more: dict[str, str]) -> str:
    """Return the parameters after `self`."""
    message = contract.messages[method.start]
    first = ["source: AsyncSource"] if "source" in more else []
    last: list[str] = []
    named: list[str] = []
    for field in fields:
        kind = types.argument(field, message, "dicts.")
        if is_required(field):
            first.append(f"{parameter(field.name)}: {kind}")
        else:
            by_place = field.name in POSITIONAL.get(message.name, ())
            (last if by_place else named).append(f"{parameter(field.name)}: {kind} | None = None")
    if "all_tags" in more:
        named.append("all_tags: bool = False")
    if "progress" in more:
        named.append("progress: Callable[[common_pb2.Progress], object] | None = None")
    if "retry_seconds" in more:
        named.append("retry_seconds: float = RETRY_SECONDS")
    named.append("deadline: float | None = None")
    return ", ".join([*first, *last, "*", *named])


def _form(method: Method, types: Types, contract: Contract) -> _Form:
    more, call = _more(method, contract), _call(method)
    whole = types.message(method.response)
    if "progress" in more:
        return _Form("ImageResult", f"        return await proceed({call}, progress)", more, CASES["progress"])
    match method.shape:
        case Shape.RESUMING:
            return _Form(f"ResumingStream[{whole}]", f"        return {call}", more, CASES["resuming"])
        case Shape.DOWNLOAD:
            return _Form("AsyncIterator[bytes]", f"        return download({call})", more)
        case Shape.SESSION:
            return _Form("Session", f"        session: Session = {call}\n        return session", more)
        case Shape.STREAM:
            return _Form(f"Stream[{whole}]", f"        return {call}", more)
        case _:
            return _Form(*_unary(call, method, types, contract), more)


def _more(method: Method, contract: Contract) -> dict[str, str]:
    """Return the arguments that are not fields of the request, with their comments."""
    source = {"source": SOURCE} if method.shape in UPLOADS else {}
    all_tags = {"all_tags": ALL_TAGS} if method.name == "PullImage" else {}
    progress = {"progress": PROGRESS} if contract.messages[method.response].field("progress") else {}
    retry = {"retry_seconds": RETRY} if method.shape is Shape.RESUMING else {}
    return {**source, "deadline": DEADLINE, **all_tags, **progress, **retry}


def _call(method: Method) -> str:
    """Return the call of the RPC."""
    given = values(method.fields)
    if method.shape is Shape.RESUMING:
        return f'self._resuming("{method.name}", retry_seconds, deadline, {given})'
    given = given.replace("repo=repo, tag=tag, ", "**repository(repo, tag), ")
    if method.name == "PullImage":
        given = given.replace("tag=tag", f"tag={PULLED_TAG}")
    source = "source, " if method.shape in UPLOADS else ""
    return f'self.rpc("{method.name}")({source}{given}deadline=deadline)'


def _unary(call: str, method: Method, types: Types, contract: Contract) -> tuple[str, str]:
    """Return the type of the answer and the code of a method with one response."""
    response = contract.messages[method.response]
    fields = response.fields
    if not fields:
        return "None", f"        await {call}"
    listed = method.name.startswith("List")
    if (len(fields) == 1 or listed) and (fields[0].is_message or listed):
        kind, answer = types.answer(fields[0]), f"response.{fields[0].name}"
        whole = types.message(method.response)
        received = f"        response: {whole} = await {call}\n"
        if fields[0].repeated:
            return f"Listing[{kind}, {whole}]", f"{received}        return Listing({answer}, response)"
        return kind, f"{received}        return {answer}"
    whole = types.message(method.response)
    return whole, f"        response: {whole} = await {call}\n        return response"
