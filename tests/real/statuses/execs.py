"""ExecService."""

from __future__ import annotations

from typing import Any

from dockfleet.v1 import common_pb2, containers_pb2
from dockfleet.v1 import exec_pb2 as pb

from tests.real.statuses.at import At, Rows
from tests.real.support import transcript

rows = Rows("ExecService")
CONFLICT = "FAILED_PRECONDITION (CONFLICT)"
EXEC_START_FAILED = "FAILED_PRECONDITION (EXEC_START_FAILED)"
NO_EXEC = "e" * 64


@rows("Exec", "NOT_FOUND")
async def exec_in_nothing(at: At) -> Any:
    return pb.ExecStart(id=at.name, cmd=["true"])


@rows("Exec", CONFLICT)
async def exec_in_a_stopped_one(at: At) -> Any:
    return pb.ExecStart(id=await at.containers.create("true"), cmd=["true"])


@rows("Exec", CONFLICT)
async def exec_in_a_paused_one(at: At) -> Any:
    return pb.ExecStart(id=await at.paused(), cmd=["true"])


@rows("Exec", EXEC_START_FAILED)
async def exec_no_program(at: At) -> Any:
    return pb.ExecStart(id=await at.running(), cmd=["nope"])


@rows("Exec", "INVALID_ARGUMENT (INVALID_REQUEST)")
async def exec_no_command(at: At) -> Any:
    return pb.ExecStart(id=await at.running())


@rows("CreateExec", "NOT_FOUND")
async def create_in_nothing(at: At) -> Any:
    return pb.CreateExecRequest(id=at.name, cmd=["true"])


@rows("CreateExec", CONFLICT)
async def create_in_a_stopped_one(at: At) -> Any:
    return pb.CreateExecRequest(id=await at.containers.create("true"), cmd=["true"])


@rows("CreateExec", CONFLICT)
async def create_in_a_paused_one(at: At) -> Any:
    return pb.CreateExecRequest(id=await at.paused(), cmd=["true"])


@rows("CreateExec", "INVALID_ARGUMENT (INVALID_REQUEST)")
async def create_without_command(at: At) -> Any:
    return pb.CreateExecRequest(id=await at.running())


@rows("CreateExec", "INVALID_ARGUMENT (INVALID_REQUEST)")
async def create_with_bad_keys(at: At) -> Any:
    return pb.CreateExecRequest(id=await at.running(), cmd=["true"], detach_keys="ctrl-")


async def created(at: At, *cmd: str, container: str = "", **fields: Any) -> str:
    """Create an exec, and return its id."""
    container = container or await at.running()
    create = pb.CreateExecRequest(host=at.host, id=container, cmd=cmd, attach_stdout=True, **fields)
    return (await at.client.exec.CreateExec(create)).id


async def started(at: At, exec_id: str, *, detach: bool = False) -> str:
    """Start an exec; without *detach*, to its end."""
    start = pb.StartExecStart(host=at.host, id=exec_id, detach=detach)
    await transcript(at.client.exec.StartExec(iter([pb.StartExecRequest(start=start)])))
    return exec_id


@rows("StartExec", "NOT_FOUND")
async def start_nothing(at: At) -> Any:
    return pb.StartExecStart(id=NO_EXEC)


@rows("StartExec", "NOT_FOUND")
async def start_nothing_and_detach(at: At) -> Any:
    return pb.StartExecStart(id=NO_EXEC, detach=True)


@rows("StartExec", CONFLICT)
async def start_what_has_ended(at: At) -> Any:
    return pb.StartExecStart(id=await started(at, await created(at, "true")))


@rows("StartExec", CONFLICT)
async def start_what_runs(at: At) -> Any:
    return pb.StartExecStart(id=await started(at, await created(at, "sleep", "600"), detach=True))


@rows("StartExec", CONFLICT)
async def start_again_and_detach(at: At) -> Any:
    exec_id = await started(at, await created(at, "sleep", "600"), detach=True)
    return pb.StartExecStart(id=exec_id, detach=True)


@rows("StartExec", CONFLICT)
async def start_in_a_paused_one(at: At) -> Any:
    container = await at.running()
    exec_id = await created(at, "true", container=container)
    await at.client.containers.PauseContainer(containers_pb2.PauseContainerRequest(host=at.host, id=container))
    return pb.StartExecStart(id=exec_id)


@rows("StartExec", EXEC_START_FAILED)
async def start_no_program(at: At) -> Any:
    return pb.StartExecStart(id=await created(at, "nope"))


@rows("StartExec", EXEC_START_FAILED)
async def start_no_program_and_detach(at: At) -> Any:
    return pb.StartExecStart(id=await created(at, "nope"), detach=True)


@rows("StartExec", EXEC_START_FAILED)
async def start_as_no_user_and_detach(at: At) -> Any:
    return pb.StartExecStart(id=await created(at, "true", user="nobody-here"), detach=True)


@rows("ResizeExec", "NOT_FOUND")
async def resize_nothing(at: At) -> Any:
    return pb.ResizeExecRequest(id=NO_EXEC, size=common_pb2.TerminalSize(height=1, width=1))


@rows("ResizeExec", "NOT_FOUND")
async def resize_what_has_ended(at: At) -> Any:
    exec_id = await started(at, await created(at, "true"))
    return pb.ResizeExecRequest(id=exec_id, size=common_pb2.TerminalSize(height=1, width=1))


@rows("ResizeExec", CONFLICT)
async def resize_what_was_not_started(at: At) -> Any:
    return pb.ResizeExecRequest(id=await created(at, "true", tty=True), size=common_pb2.TerminalSize(height=1, width=1))


@rows("InspectExec", "NOT_FOUND")
async def inspect_nothing(at: At) -> Any:
    return pb.InspectExecRequest(id=NO_EXEC)
