"""The services of many hosts: a class for each kind of object, with a method for each RPC of the fleet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from protos.layers.model import Contract, Field, Message, Method, Reach, Shape
from protos.layers.python_creating import CONFIG, RUN_IMAGE, SPEC, SPEC_MESSAGE, spec_place
from protos.layers.python_services import ALL_TAGS, PULLED_TAG, RETRY, method_name
from protos.layers.python_types import (
    DEADLINE,
    PROGRESS,
    TYPES,
    Types,
    arguments,
    docstring,
    is_required,
    parameter,
)

CLASSES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "FleetContainers": (
        "The containers of many hosts.",
        {
            "ListContainers": "list",
            "FindContainers": "find",
            "WatchContainers": "watch",
            "StreamLogs": "logs",
            "StreamStats": "stats",
            "RunContainer": "run",
            "RunContainers": "run_on_each",
            "StartContainers": "start",
            "StopContainers": "stop",
            "RestartContainers": "restart",
            "KillContainers": "kill",
            "PauseContainers": "pause",
            "UnpauseContainers": "unpause",
            "UpdateContainers": "update",
            "RemoveContainers": "remove",
            "PruneContainers": "prune",
        },
    ),
    "FleetImages": (
        "The images of many hosts.",
        {
            "ListImages": "list",
            "PullImages": "pull",
            "CopyImage": "copy",
            "TagImages": "tag",
            "RemoveImages": "remove",
            "PruneImages": "prune",
            "PruneBuildCaches": "prune_build_caches",
        },
    ),
    "FleetNetworks": (
        "The networks of many hosts.",
        {"ListNetworks": "list", "CreateNetworks": "create", "RemoveNetworks": "remove", "PruneNetworks": "prune"},
    ),
    "FleetVolumes": (
        "The volumes of many hosts.",
        {"ListVolumes": "list", "CreateVolumes": "create", "RemoveVolumes": "remove", "PruneVolumes": "prune"},
    ),
    "FleetSystem": (
        "Many hosts and their engines.",
        {
            "GetInfo": "info",
            "GetVersion": "version",
            "GetDataUsage": "data_usage",
            "Ping": "ping",
            "StreamEvents": "events",
        },
    ),
    "FleetDiscovery": (
        "Where services can be reached.",
        {"DiscoverServices": "discover", "WatchServices": "watch"},
    ),
}
"""The classes, what they are about, and their methods by RPC."""

HEAD = """from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from dockfleet.aio.calling import Service
from dockfleet.aio.proceeding import changed, found, ran
from dockfleet.aio.resuming import ResumingStream
from dockfleet.resume_state import RETRY_SECONDS
from dockfleet.results import Batch, Found, Listing, RunResult
from dockfleet.selectors import container_selector, host_selector, labelled, requirements
from dockfleet.specs import container_spec, pulled_tag
"""

SELECTION = "forms.Selection | None = None"
LABEL_FORMS = "`k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k` or `!k`"
CHECK = "*check*: raise `FleetFailed` when something fails, after all is done; its `results` has all results"
RUN_CHECK = "*check*: raise `ContainerFailed` when the container does not end with the exit code 0"
RESULTS = "*progress*: is called with each result, as it comes"
FIRST = ("names:", "command:")
"""The parameters that have a place although they have a default."""
LEFT_OUT = ("host", "id", "resume_token")
"""The fields of the request of one host that must be empty."""


class Argument(NamedTuple):
    """A parameter of a method."""

    name: str
    kind: str
    """Its type, with the default if it has one."""
    comment: str

    @property
    def required(self) -> bool:
        """Whether it has no default."""
        return "= " not in self.kind


class Plan(NamedTuple):
    """The parameters of a method, and the arguments of its call."""

    parameters: list[Argument]
    values: list[str]


def module(contract: Contract, types: Types) -> str:
    """Return the module."""
    services = {service.reach: service for service in contract.services}
    methods = {method.name: method for method in services[Reach.FLEET].methods}
    named = {rpc for _, rpcs in CLASSES.values() for rpc in rpcs}
    if missing := sorted(set(methods) - named):
        raise ValueError(f"CLASSES has no method for {', '.join(missing)} of FleetService")
    hosts = services[Reach.HOSTS]
    classes = [
        _class(name, about, [(rpcs[rpc], methods[rpc]) for rpc in rpcs], types, contract)
        for name, (about, rpcs) in CLASSES.items()
    ]
    own = [("get" if each.name == "GetHost" else method_name(hosts, each), each) for each in hosts.methods]
    classes.append(_class("Hosts", hosts.comment, own, types, contract))
    return f"{HEAD}{types.imports()}\n{TYPES}\n\n" + "\n\n".join(classes)


def _class(name: str, about: str, methods: Sequence[tuple[str, Method]], types: Types, contract: Contract) -> str:
    texts = "\n".join(_method(short, method, types, contract) for short, method in methods)
    return f"class {name}(Service):\n{docstring(about)}\n\n{texts}"


def _method(name: str, method: Method, types: Types, contract: Contract) -> str:
    plan = Plan([], [])
    for field in method.fields:
        _plan(plan, field, method, types, contract)
    returns, body, more = _body(method, types, contract)
    parameters = [*plan.parameters, *more]
    parameters.sort(key=lambda each: not each.required)
    at = sum(each.required for each in parameters)
    listed = [f"{each.name}: {each.kind}" for each in parameters]
    if first := next((each for each in listed if each.startswith(FIRST)), None):
        listed.remove(first)
        listed.insert(at, first)
        at += 1
    if at < len(listed):
        listed.insert(at, "*")
    call = f'self.rpc("{method.name}")({", ".join([*plan.values, "deadline=deadline"])})'
    if method.shape is Shape.RESUMING:
        call = f'self._resuming("{method.name}", retry_seconds, deadline, {", ".join(plan.values)})'
    text = "\n\n".join([types.prose.of(method.comment), arguments([(each.name, each.comment) for each in parameters])])
    body = body.format(call=call)
    coroutine = "async " if "await " in body else ""
    return f"    {coroutine}def {name}({', '.join(['self', *listed])}) -> {returns}:\n{docstring(text, 8)}\n{body}\n"


def _plan(plan: Plan, field: Field, method: Method, types: Types, contract: Contract) -> None:
    """Add the parameters for *field*."""
    if field.type.endswith(".HostSelector"):
        names, label = {"to": ("to", "to_label"), "selector": ("names", "label")}.get(
            field.name, ("hosts", "host_label")
        )
        plan.parameters.append(
            Argument(names, SELECTION, "names of hosts; a `*` stands for any characters. Default: all hosts.")
        )
        plan.parameters.append(Argument(label, SELECTION, f"labels of hosts: {LABEL_FORMS}."))
        plan.values.append(f"{field.name}=host_selector({names}, {label})")
    elif field.type.endswith(".ContainerSelector"):
        plan.parameters.extend(_containers(method))
        every = "True" if method.reads else "every"
        plan.values.append(f"{field.name}=container_selector(names, label, images, states, published_ports, {every})")
    elif field.type.endswith(".LabelRequirement"):
        plan.parameters.append(Argument("label", SELECTION, f"labels: {LABEL_FORMS}."))
        plan.values.append(f"{field.name}=requirements(label)")
    elif field.name in ("request", "spec"):
        _plan_request(plan, field.name, contract.messages[field.type], types, contract)
    else:
        plan.parameters.append(_argument(field, contract.messages[method.start], types))
        plan.values.append(f"{field.name}={parameter(field.name)}")


def _containers(method: Method) -> Iterator[Argument]:
    yield Argument("names", SELECTION, "names or ids of containers; a `*` stands for any characters.")
    yield Argument("label", SELECTION, f"labels of containers: {LABEL_FORMS}.")
    yield Argument("images", SELECTION, "images that containers were created from.")
    yield Argument("states", SELECTION, "states, such as `running` or `exited`.")
    yield Argument("published_ports", "Sequence[int] | None = None", "ports of the host.")
    if not method.reads:
        yield Argument("every", "bool = False", "all containers, when nothing else selects them.")


def _plan_request(plan: Plan, name: str, request: Message, types: Types, contract: Contract) -> None:
    values = []
    for field in request.fields:
        if field.name in LEFT_OUT:
            continue
        if field.name == "config" and field.type == SPEC_MESSAGE:
            values.append(f'"config": {_plan_spec(plan, types, contract)}')
            continue
        plan.parameters.append(_argument(field, request, types))
        value = parameter(field.name)
        if f"{request.name}.{field.name}" == "PullImageRequest.tag":
            plan.parameters.append(_told(ALL_TAGS, "bool = False"))
            value = PULLED_TAG
        if field.name == "filters" and request.name.startswith("List"):
            plan.parameters.append(Argument("label", SELECTION, "labels of the objects: `k` or `k=v`."))
            value = "labelled(filters, label)"
        values.append(f'"{field.name}": {value}')
    plan.values.append(f"{name}={{{', '.join(values)}}}")


def _plan_spec(plan: Plan, types: Types, contract: Contract) -> str:
    settings = {"image": "image", **SPEC}
    for name, path in settings.items():
        field, message = spec_place(contract, path)
        kind = types.argument(field, message, "dicts.")
        default = "" if name == "image" else " | None = None"
        comment = RUN_IMAGE if name == "image" else types.comment(field, message)
        plan.parameters.append(Argument(name, f"{kind}{default}", comment))
    kind = "container_config_pb2.ContainerSpec | dicts.ContainerSpecDict | None = None"
    plan.parameters.append(Argument("config", kind, f"{CONFIG}."))
    return f"container_spec(config, {{{', '.join(f'{path!r}: {name}' for name, path in settings.items())}}})"


def _argument(field: Field, message: Message, types: Types) -> Argument:
    kind = types.argument(field, message, "dicts.")
    default = "" if is_required(field) else " | None = None"
    return Argument(parameter(field.name), f"{kind}{default}", types.comment(field, message))


def _body(method: Method, types: Types, contract: Contract) -> tuple[str, str, list[Argument]]:
    """Return the type of the result, the code, and the parameters that are not sent."""
    response = contract.messages[method.response]
    deadline = _told(DEADLINE, "float | None = None")
    check = "bool = True"
    if method.shape is Shape.RESUMING:
        retry = _told(RETRY, "float = RETRY_SECONDS")
        return f"ResumingStream[{types.message(response.full_name)}]", "        return {call}", [retry, deadline]
    if (answers := response.field("answers")) is not None:
        return (*_question(contract.messages[answers.type], method, types, contract), [deadline])
    if (results := response.field("results")) is not None:
        kind = types.message(results.type)
        told = _told(RESULTS, f"Callable[[{kind}], object] | None = None")
        return (
            f"Batch[{kind}]",
            "        return await changed({call}, check, progress)",
            [_told(CHECK, check), told, deadline],
        )
    if response.field("placed") is not None:
        told = _told(PROGRESS, "Callable[[common_pb2.Progress], object] | None = None")
        code = '        return await ran({call}, "", check, bool(detach), progress)'
        return "RunResult", code, [_told(RUN_CHECK, check), told, deadline]
    return (*_unary(response, types), [deadline])


def _unary(response: Message, types: Types) -> tuple[str, str]:
    whole = types.message(response.full_name)
    if not response.fields:
        return "None", "        await {call}"
    first = response.fields[0]
    received = f"        response: {whole} = await {{call}}\n"
    if response.name.startswith("List"):
        kind = types.answer(first)
        return f"Listing[{kind}, {whole}]", f"{received}        return Listing(response.{first.name}, response)"
    if len(response.fields) == 1 and first.is_message:
        return types.answer(first), f"{received}        return response.{first.name}"
    return whole, f"{received}        return response"


def _question(answer: Message, method: Method, types: Types, contract: Contract) -> tuple[str, str]:
    """Return the type of what the hosts answer, and the code."""
    response = answer.field("response")
    if response is None:
        values = answer.fields[1]
        kind, code = types.answer(values), f"answer.{values.name}"
    else:
        inner = contract.messages[response.type]
        first = inner.fields[0]
        if method.name.startswith("List"):
            kind, code = types.answer(first), f"answer.response.{first.name}"
        elif len(inner.fields) == 1:
            kind, code = types.answer(first), f'[answer.response.{first.name}] if answer.HasField("response") else []'
        else:
            kind, code = types.message(inner.full_name), '[answer.response] if answer.HasField("response") else []'
    whole = types.message(answer.full_name)
    return f"Found[{kind}, {whole}]", f"        return await found({{call}}, lambda answer: {code})"


def _told(comment: str, kind: str) -> Argument:
    name, _, text = comment.partition(": ")
    return Argument(name.strip("*"), kind, text)
