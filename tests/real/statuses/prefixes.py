"""Objects that every RPC of a service takes: what is not there, and prefixes that fit several."""

from __future__ import annotations

from typing import Any

from dockfleet.options.v1 import options_pb2 as pb
from dockfleet.v1 import images_pb2
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from tests.real.statuses.at import At
from tests.real.support import tar
from tests.support import contract
from tests.support.statuses import METHODS, Asked, Status

NEEDED: dict[str, dict[str, Any]] = {  # by RPC, beside the object itself
    "ResizeContainer": {"size": {"height": 1, "width": 1}},
    "RenameContainer": {"name": "df-renamed"},
    "AttachContainer": {"stream": True, "attach_stdout": True},
    "StatContainerArchive": {"path": "/"},
    "GetContainerArchive": {"path": "/"},
    "PutContainerArchive": {"path": "/"},
    "Exec": {"cmd": ["true"]},
    "CreateExec": {"cmd": ["true"]},
}
AMBIGUOUS = Status.of("FAILED_PRECONDITION (AMBIGUOUS_ID)")


def taking(format: int, service: str) -> list[str]:
    """The RPCs of a service that take an object by an `id` of a `NameFormat`."""
    found = []
    for name, method in METHODS.items():
        id = contract.asked(method).fields_by_name.get("id")
        if service == method.containing_service.name and id is not None and contract.rules(id).format == format:
            found.append(name)
    return found


OF_CONTAINERS = taking(pb.NAME_FORMAT_CONTAINER, "ContainerService")
OF_EXECS = taking(pb.NAME_FORMAT_CONTAINER, "ExecService")
OF_NETWORKS = taking(pb.NAME_FORMAT_NETWORK, "NetworkService")


def asking(rpc: str, id: str, **fields: Any) -> Asked:
    """A call of an RPC for the object of that id."""
    method: MethodDescriptor = METHODS[rpc]
    request = GetMessageClass(contract.asked(method))(id=id, **NEEDED.get(method.name, {}), **fields)
    return Asked(request, (tar({"a": b"a"}),) if method.name == "PutContainerArchive" else ())


def commit(container: str) -> Asked:
    """A call of CommitContainer, which names its container otherwise."""
    return Asked(images_pb2.CommitContainerRequest(container=container))


def shared_prefix(ids: list[str]) -> str:
    """A prefix of two of more than sixteen ids."""
    first = [id[0] for id in ids]
    return next(digit for digit in first if first.count(digit) > 1)


async def ambiguous_container(at: At) -> str:
    """Make containers until a prefix fits two of them."""
    return shared_prefix([await at.containers.create("true") for _ in range(17)])


async def ambiguous_network(at: At) -> str:
    """Make networks until a prefix fits two of them."""
    return shared_prefix([await at.network(f"{at.name}-{number}", internal=True) for number in range(17)])
