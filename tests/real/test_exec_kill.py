"""What becomes of an exec whose client is gone, on real engines."""

from __future__ import annotations

import io
import secrets
import tarfile
from typing import Any

import grpc
import pytest
from dockfleet.v1 import containers_pb2, exec_pb2

from deploy.private_engines.provision import busybox_image
from tests.real.support import Containers, Fleet, execute, import_image, transcript, until
from tests.support.gateway import Client, failed, gateway_of, receive

# Each ends up as processes that sleep for so many seconds, a number that nothing else sleeps for.
TREES = {
    "alone": "exec sleep {0}",
    "children": "sleep {0} & (sleep {0} & sleep {0}) & sleep {0}",
    "session of its own": "setsid sleep {0} & setsid sh -c 'sleep {0}; true' & sleep {0}",
    "without its environment": "env -i sleep {0} & env -i setsid sleep {0} & sleep {0}",
    "signals ignored": "trap '' HUP INT TERM; sleep {0} & sleep {0}; sleep {0}",
    "forks on": "while :; do sleep {0} & usleep 5000; done",
}


def unique() -> str:
    """A number of seconds that can be found again."""
    return str(10_000_000 + secrets.randbelow(80_000_000))


async def sleeping(client: Client, host: str, container: str, word: str) -> int:
    """How many processes of a container sleep for *word* seconds."""
    request = containers_pb2.TopContainerRequest(host=host, id=container, ps_args="-eo pid,args")
    processes = (await client.containers.TopContainer(request)).processes
    return sum(process.items[-1] == f"sleep {word}" for process in processes)


async def begun(client: Client, host: str, container: str, *cmd: str, **start: Any) -> Any:
    """Start an exec and return its call."""
    call = client.exec.Exec()
    begin = exec_pb2.ExecStart(host=host, id=container, cmd=cmd, **start)
    await call.write(exec_pb2.ExecRequest(start=begin))
    assert (await receive(call)).HasField("started")
    return call


@pytest.mark.parametrize(
    ("tree", "user"),
    [
        *(pytest.param(tree, "", id=f"{name}-root") for name, tree in TREES.items()),
        *(
            pytest.param(TREES[name], "1000:1000", id=f"{name}-user")
            for name in ("children", "without its environment")
        ),
    ],
)
async def test_the_process_and_all_that_it_started_are_killed(
    client: Client, host: str, containers: Containers, tree: str, user: str
) -> None:
    """When the call is cancelled, no process of it is left five seconds later; other execs are left alone."""
    container = await containers.start("sleep", "1000")
    other, word = unique(), unique()
    await begun(client, host, container, "sleep", other, user=user)
    call = await begun(client, host, container, "sh", "-c", tree.format(word), user=user)
    await until(lambda: sleeps(client, host, container, word))

    call.cancel()

    await until(lambda: gone(client, host, container, word), 5)
    assert await sleeping(client, host, container, other) == 1


def without_shell(image: bytes, *, instead: str = "") -> bytes:
    """The root file system *image* without its shells; or with one, *instead*."""
    kept = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(image)) as old, tarfile.open(fileobj=kept, mode="w") as new:
        for entry in old:
            if entry.name not in ("bin/sh", "bin/ash"):
                new.addfile(entry, old.extractfile(entry) if entry.isfile() else None)
        if instead:
            link = tarfile.TarInfo(instead)
            link.type, link.linkname = tarfile.SYMTYPE, "/bin/busybox"
            new.addfile(link)
    return kept.getvalue()


async def sleeps(client: Client, host: str, container: str, word: str) -> bool:
    """Whether there is such a process."""
    return await sleeping(client, host, container, word) > 0


async def gone(client: Client, host: str, container: str, word: str) -> bool:
    """Whether there is none."""
    return await sleeping(client, host, container, word) == 0


@pytest.mark.parametrize("host", ["one", "two", "new"], indirect=True)
async def test_a_terminal_makes_no_difference(client: Client, host: str, containers: Containers) -> None:
    """Its processes are killed as well, over every transport."""
    container, word = await containers.start("sleep", "1000"), unique()
    call = await begun(client, host, container, "sh", "-c", f"sleep {word} & sleep {word}", tty=True)
    await until(lambda: sleeps(client, host, container, word))

    call.cancel()

    await until(lambda: gone(client, host, container, word), 5)


async def test_a_deadline_kills_the_process_too(client: Client, host: str, containers: Containers) -> None:
    """A command that takes longer than its caller waits is not left running."""
    container, word = await containers.start("sleep", "1000"), unique()
    call = client.exec.Exec(timeout=1)
    await call.write(exec_pb2.ExecRequest(start=exec_pb2.ExecStart(host=host, id=container, cmd=["sleep", word])))

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await transcript(call)

    assert failed(caught.value).code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert failed(caught.value).reason == "CLIENT_DEADLINE"
    await until(lambda: gone(client, host, container, word), 5)


async def test_a_client_that_leaves_during_the_start_leaves_nothing(
    client: Client, host: str, containers: Containers
) -> None:
    """Whenever a call is cancelled between its first message and its answer, no process remains."""
    container, word = await containers.start("sleep", "1000"), unique()
    for delay in range(12):
        call = client.exec.Exec()
        await call.write(exec_pb2.ExecRequest(start=exec_pb2.ExecStart(host=host, id=container, cmd=["sleep", word])))
        for _ in range(delay):  # so many answers to other calls later
            await client.containers.InspectContainer(containers_pb2.InspectContainerRequest(host=host, id=container))
        call.cancel()

    await execute(client, host, container, "sleep", "1")
    await until(lambda: gone(client, host, container, word), 5)


async def test_a_process_is_kept_when_its_caller_asked_for_it(
    client: Client, host: str, containers: Containers
) -> None:
    """With ON_DISCONNECT_KEEP it continues to run, and its environment has no variable of the gateway."""
    container, word = await containers.start("sleep", "1000"), unique()
    keep = exec_pb2.ON_DISCONNECT_KEEP
    call = await begun(client, host, container, "sh", "-c", f"env; echo end; sleep {word}", on_disconnect=keep)
    said = await transcript(call, lambda so_far: so_far.stdout.endswith(b"end\n"))
    await until(lambda: sleeps(client, host, container, word))

    call.cancel()
    await execute(client, host, container, "sleep", "1")

    assert await sleeping(client, host, container, word) == 1
    assert b"DOCKFLEET" not in said.stdout


async def test_an_exec_that_ended_leaves_what_it_started_alone(
    client: Client, host: str, containers: Containers
) -> None:
    """A command that puts something into the background and ends has done what it should."""
    container, word = await containers.start("sleep", "1000"), unique()

    ended = await execute(client, host, container, "sh", "-c", f"sleep {word} >/dev/null 2>&1 & exit 3")
    await execute(client, host, container, "sleep", "1")

    assert ended.exit_code == 3
    assert await sleeping(client, host, container, word) == 1


async def test_a_container_without_a_shell_keeps_the_process_and_the_log_has_a_warning(
    client: Client, host: str, containers: Containers, caplog: pytest.LogCaptureFixture
) -> None:
    """There is nothing to kill it with; the log has a warning."""
    await import_image(client, host, without_shell(busybox_image()), "dockfleet-test:shellless")
    container, word = await containers.start("sleep", "1000", image="dockfleet-test:shellless"), unique()
    call = await begun(client, host, container, "sleep", word)
    await until(lambda: sleeps(client, host, container, word))

    call.cancel()

    async def logged() -> bool:
        return any(record.name == "gateway.exec" for record in caplog.records)

    await until(logged, 8)
    [record] = [record for record in caplog.records if record.name == "gateway.exec"]
    assert record.getMessage() == "exec not killed: its process still runs"
    assert record.fields["container"] == container  # type: ignore[attr-defined]
    assert "no shell" in record.fields["why"]  # type: ignore[attr-defined]
    assert await sleeping(client, host, container, word) == 1


async def test_a_shell_of_busyboxes_own_is_found(client: Client, host: str, containers: Containers) -> None:
    """Images for debugging have no shell but a busybox, in a directory of its own."""
    image = "dockfleet-test:distroless"
    await import_image(client, host, without_shell(busybox_image(), instead="busybox/sh"), image)
    container, word = await containers.start("sleep", "1000", image=image), unique()
    call = await begun(client, host, container, "sleep", word)
    await until(lambda: sleeps(client, host, container, word))

    call.cancel()

    await until(lambda: gone(client, host, container, word), 5)


async def test_a_gateway_that_stops_kills_what_its_clients_ran(
    client: Client, fleet: Fleet, host: str, containers: Containers
) -> None:
    """The calls end with the gateway, and so do their processes."""
    container, word = await containers.start("sleep", "1000"), unique()
    async with gateway_of(fleet.hosts[host]) as stopping:
        await begun(stopping, host, container, "sleep", word)
        await until(lambda: sleeps(client, host, container, word))

    assert await sleeping(client, host, container, word) == 0
