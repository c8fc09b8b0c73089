"""ExecService."""

from __future__ import annotations

from dockfleet.v1 import exec_pb2 as pb

from tests.rpc.rows.row import ID, Row

ROWS = [
    Row(
        "ExecService.CreateExec",
        pb.CreateExecRequest(
            id="web",
            cmd=["sh", "-c", "exit 3"],
            env=["A=b"],
            working_dir="/",
            user="root",
            privileged=False,
            tty=True,
            attach_stdin=True,
            attach_stdout=True,
            attach_stderr=False,
            detach_keys="ctrl-p",
            console_size={"height": 24, "width": 80},
        ),
        "POST /containers/web/exec",
        {"status": 201, "json": {"Id": ID}},
        pb.CreateExecResponse(id=ID),
        body={
            "Cmd": ["sh", "-c", "exit 3"],
            "Env": ["A=b"],
            "WorkingDir": "/",
            "User": "root",
            "Privileged": False,
            "Tty": True,
            "AttachStdin": True,
            "AttachStdout": True,
            "AttachStderr": False,
            "DetachKeys": "ctrl-p",
            "ConsoleSize": [24, 80],
        },
        headers={"content-type": "application/json"},
    ),
    Row(
        "ExecService.ResizeExec",
        pb.ResizeExecRequest(id=ID, size={"height": 24, "width": 80}),
        f"POST /exec/{ID}/resize",
        {"status": 200},
        pb.ResizeExecResponse(),
        query=[("h", "24"), ("w", "80")],
    ),
    Row(
        "ExecService.InspectExec",
        pb.InspectExecRequest(id=ID),
        f"GET /exec/{ID}/json",
        {"json": {"ID": ID, "Running": True, "ExitCode": None, "ProcessConfig": {"entrypoint": "sh"}, "Pid": 42}},
        pb.InspectExecResponse(exec={"id": ID, "running": True, "process": {"entrypoint": "sh"}, "pid": 42}),
    ),
]
