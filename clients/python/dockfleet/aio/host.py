"""One host of the fleet, for asyncio."""

from __future__ import annotations

import os
from typing import Any

from dockfleet import archives, forms
from dockfleet.aio.library import work
from dockfleet.aio.services import Containers, Distribution, Exec, Images, Networks, System, Volumes
from dockfleet.aio.stream import AsyncSource, Stream, Upload
from dockfleet.calls import METHODS, Stubs, check_deadline
from dockfleet.hints import Explained
from dockfleet.reasons import NotFound
from dockfleet.session_state import ExecResult, SessionState
from dockfleet.v1 import common_pb2, exec_pb2


class HostView(Explained):
    """One host: a service for each kind of object, and what concerns several of them.

    Arguments take what docker-py takes, with the same meaning.  Everything else is a `TypeError` or a `ValueError`, and
    nothing is sent.  *deadline* is how long a call may take, in seconds; without it, the gateway's own limits hold.
    """

    def __init__(self, stubs: Stubs, name: str) -> None:
        """Use *stubs* for the host called *name*."""
        self.name = name
        self.containers = Containers(stubs, "containers", name)
        self.distribution = Distribution(stubs, "distribution", name)
        self.exec = Exec(stubs, "exec", name)
        self.images = Images(stubs, "images", name)
        self.networks = Networks(stubs, "networks", name)
        self.system = System(stubs, "system", name)
        self.volumes = Volumes(stubs, "volumes", name)
        self.run = self.containers.run
        self.logs = self.containers.logs
        self.log_messages = self.containers.log_messages
        self.stats = self.containers.stats
        self.events = self.system.events
        self.build = self.images.build
        self._stubs: Any = stubs

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    async def execute(
        self,
        id: str,
        cmd: forms.Command,
        *,
        stdin: AsyncSource | None = None,
        env: forms.Environment | None = None,
        working_dir: str | None = None,
        user: str | None = None,
        privileged: bool | None = None,
        tty: bool | None = None,
        on_disconnect: exec_pb2.OnDisconnect.ValueType | None = None,
        slow_reader: common_pb2.SlowReader.ValueType | None = None,
        deadline: float | None = None,
    ) -> ExecResult:
        """Run *cmd* in container *id* and return its result.

        A str is split into arguments as a shell does, but no shell runs.  *stdin* is the input of the command.  All
        output is kept in memory; `exec.open` streams it.  A command that fails raises nothing: see `exit_code`.  One
        that cannot be started, such as a program that does not exist, raises `ExecStartFailed`.
        """
        fields: dict[str, Any] = {"env": env, "working_dir": working_dir, "user": user}
        fields |= {"on_disconnect": on_disconnect, "slow_reader": slow_reader}
        fields |= {"privileged": privileged, "tty": tty, "attach_stdin": stdin is not None}
        start = METHODS["exec"]["Exec"].arguments(self.name, {"id": id, "cmd": cmd, **fields})
        upload = Upload(exec_pb2.ExecRequest, start, stdin, "stdin")
        call = self._stubs.exec.Exec(upload, timeout=check_deadline(deadline))
        state, stdout, stderr = SessionState(), bytearray(), bytearray()
        async with Stream[exec_pb2.ExecResponse](call, upload) as responses:
            async for response in responses:
                if (output := state.received(response)) is not None:
                    (stderr if output.stream == common_pb2.STANDARD_STREAM_STDERR else stdout).extend(output.data)
        return ExecResult.of(state, stdout, stderr)

    async def copy_to(
        self, id: str, source: str | os.PathLike[str], path: str, *, deadline: float | None = None
    ) -> None:
        """Copy *source*, a file or a directory of this machine, to *path* in container *id*, as `docker cp` does.

        It goes into *path* when that is a directory, and else gets its name.  A directory with `/.` at the end goes
        there without its own name.  Raises `OSError` for what this machine cannot read.
        """
        try:
            mode = (await self.containers.stat_archive(id, path, deadline=deadline)).mode
        except NotFound as error:
            if error.resource is not None and error.resource.kind == "container":
                raise
            mode = None
        into, tar = archives.placed(source, path, mode)
        await self.containers.put_archive(tar, id, into, no_overwrite_dir_non_dir=True, deadline=deadline)

    async def copy_from(
        self, id: str, path: str, target: str | os.PathLike[str], *, deadline: float | None = None
    ) -> None:
        """Copy *path* of container *id*, a file or a directory, to *target* on this machine, as `docker cp` does.

        It goes into *target* when that is a directory, and else gets its name.  Raises `OSError` for what cannot be
        written, and for files that would lie outside of *target*.
        """
        with archives.spool() as spool:
            async for piece in self.containers.get_archive(id, path, deadline=deadline):
                await work(spool.write, piece)
            spool.seek(0)
            await work(archives.unpack, archives.file_pieces(spool), path, target)
