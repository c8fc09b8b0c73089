"""RunContainer: from an image's name to an exit code in one call."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from dockfleet.v1 import common_pb2, container_config_pb2, containers_pb2, images_pb2, system_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from deploy.private_engines.registry import Registry
from tests.real.conftest import USERS
from tests.real.support import IMAGE, Containers, Fleet, news, transcript, until
from tests.support.gateway import Client, failed


def run_request(host: str, containers: Containers, *cmd: str, **keys: Any) -> containers_pb2.RunContainerRequest:
    """Return a request that runs *cmd*; its container can be found by the label of *containers*."""
    key, _, value = containers.label.partition("=")
    config = container_config_pb2.ContainerSpec(
        image=keys.pop("image", IMAGE),
        cmd=cmd,
        labels={key: value},
        tty=keys.pop("tty", False),
        host_config=container_config_pb2.HostConfig(network_mode="none", auto_remove=keys.pop("auto_remove", False)),
    )
    return containers_pb2.RunContainerRequest(host=host, config=config, **keys)


async def test_output_and_exit_code_arrive(client: Client, host: str, containers: Containers) -> None:
    """A run reports the creation, the start, both outputs, and at last the exit code; the container stays."""
    request = run_request(host, containers, "sh", "-c", "echo out; echo err >&2; exit 7", name=f"df-run-{host}")

    run = await transcript(client.containers.RunContainer(request))

    assert run.order == ["created", "started", "output", "end"]
    assert (run.stdout, run.stderr, run.exit_code) == (b"out\n", b"err\n", 7)
    assert await containers.all_ids() == [run.frames["created"].id]
    assert (await containers.inspect(f"df-run-{host}")).id == run.frames["created"].id


async def test_no_output_of_a_short_process_is_lost(client: Client, host: str, containers: Containers) -> None:
    """What a process writes that ends at once arrives in full."""
    request = run_request(host, containers, "sh", "-c", "seq 1 20000", auto_remove=True)

    run = await transcript(client.containers.RunContainer(request))

    assert run.stdout == b"".join(b"%d\n" % number for number in range(1, 20001))
    assert run.exit_code == 0


async def test_a_terminal_has_one_output(client: Client, host: str, containers: Containers) -> None:
    """With a terminal, all output is standard output, as the terminal makes it."""
    request = run_request(host, containers, "sh", "-c", "echo out; echo err >&2", tty=True)

    run = await transcript(client.containers.RunContainer(request))

    assert (run.stdout, run.stderr, run.exit_code) == (b"out\r\nerr\r\n", b"", 0)


@pytest.mark.parametrize("code", [0, 3])
async def test_auto_remove_is_honoured(client: Client, host: str, containers: Containers, code: int) -> None:
    """With `auto_remove` the container is gone when the exit code has come."""
    request = run_request(host, containers, "sh", "-c", f"exit {code}", auto_remove=True)

    run = await transcript(client.containers.RunContainer(request))

    assert run.exit_code == code
    assert await containers.all_ids() == []


async def test_a_detached_run_ends_with_the_start(client: Client, host: str, containers: Containers) -> None:
    """With `detach` the call ends after `started`, and the container runs on."""
    run = await transcript(client.containers.RunContainer(run_request(host, containers, "sleep", "1000", detach=True)))

    assert run.order == ["created", "started"]
    assert (await containers.inspect(run.frames["created"].id)).state.running


@pytest.mark.parametrize("auto_remove", [False, True])
async def test_what_can_not_be_started_stays_unless_it_removes_itself(
    client: Client, host: str, containers: Containers, auto_remove: bool
) -> None:
    """A program that does not exist fails the run; its container stays as created, unless `auto_remove` is set."""
    request = run_request(host, containers, "/no/such/program", auto_remove=auto_remove)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await transcript(client.containers.RunContainer(request))

    assert failed(caught.value).code is grpc.StatusCode.FAILED_PRECONDITION
    assert failed(caught.value).reason == "START_FAILED"
    assert len(await containers.all_ids()) == (0 if auto_remove else 1)


async def test_a_client_that_leaves_before_the_start_leaves_nothing_behind(
    client: Client, host: str, containers: Containers
) -> None:
    """When the call is cancelled at `created`, the container is removed."""
    # Only the first message of the stream is read: the gateway continues at its own pace, so that some of these
    # containers have been started already, and end by themselves.
    for _ in range(5):
        call = client.containers.RunContainer(run_request(host, containers, "true", auto_remove=True))
        await call.read()
        call.cancel()

    async def none_left() -> bool:
        return not await containers.all_ids()

    await until(none_left)


async def test_a_client_that_leaves_during_the_creation_leaves_nothing_behind(
    client: Client, host: str, containers: Containers, fleet: Fleet
) -> None:
    """When the call is cancelled while the engine creates the container, it is removed once it is there."""
    fleet.need("private")
    filters = containers.filters | {"event": common_pb2.StringList(items=["create", "destroy"])}
    events = client.system.StreamEvents(system_pb2.StreamEventsRequest(host=host, since=_now(), filters=filters))

    fleet.engines[host].pause()
    try:
        call = client.containers.RunContainer(run_request(host, containers, "true"))
        with pytest.raises(grpc.aio.AioRpcError):  # when this later call has ended, the engine has got the earlier
            await client.system.Ping(system_pb2.PingRequest(host=host), timeout=0.5)
        call.cancel()
    finally:
        fleet.engines[host].resume()

    assert [(await news(events)).event.action for _ in range(2)] == ["create", "destroy"]
    events.cancel()


async def test_a_client_that_leaves_after_the_start_leaves_the_container_running(
    client: Client, host: str, containers: Containers
) -> None:
    """When the call is cancelled after `started`, the container runs on."""
    call = client.containers.RunContainer(run_request(host, containers, "sleep", "1000"))
    run = await transcript(call, lambda so_far: "started" in so_far.frames)

    call.cancel()
    await call.code()

    assert (await containers.inspect(run.frames["created"].id)).state.running


async def test_a_missing_image_is_pulled(
    client: Client, host: str, containers: Containers, guarded_registry: Registry
) -> None:
    """An image that the host does not have is pulled with the credentials given, and then run."""
    image = await _pushed(client, host, guarded_registry)
    request = run_request(host, containers, "echo", "pulled", image=image, auto_remove=True)
    request.registry_auth.CopyFrom(_credentials())

    run = await transcript(client.containers.RunContainer(request))
    again = await transcript(client.containers.RunContainer(request))
    request.pull = containers_pb2.PULL_POLICY_ALWAYS
    always = await transcript(client.containers.RunContainer(request))

    assert run.order == ["pull", "created", "started", "output", "end"]
    assert run.stdout == b"pulled\n"
    assert again.order == ["created", "started", "output", "end"]
    assert always.order == run.order
    assert "up to date" in always.frames["pull"].status
    await client.images.RemoveImage(images_pb2.RemoveImageRequest(host=host, name=image))


async def test_no_image_is_pulled_for_a_missing_plugin(client: Client, host: str, containers: Containers) -> None:
    """The plugin is called `images`, as the engine's words then say; the image is there and stays as it is."""
    request = run_request(host, containers, "true")
    request.config.host_config.mounts.add(
        type="volume", target="/x", source="v", volume_options={"driver_config": {"name": "images"}}
    )
    inspect = images_pb2.InspectImageRequest(host=host, name=request.config.image)
    before = (await client.images.InspectImage(inspect)).image
    call = client.containers.RunContainer(request)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()

    assert failed(caught.value).code is grpc.StatusCode.NOT_FOUND
    assert "images" in failed(caught.value).message
    assert (await client.images.InspectImage(inspect)).image == before


async def test_a_missing_image_is_not_pulled_where_that_is_not_allowed(
    client: Client, host: str, containers: Containers
) -> None:
    """With the policy `never` a run with an image that the host does not have fails, and nothing is left."""
    request = run_request(
        host, containers, "true", image="127.0.0.1:1/no/such:image", pull=containers_pb2.PULL_POLICY_NEVER
    )

    with pytest.raises(grpc.aio.AioRpcError) as never:
        await transcript(client.containers.RunContainer(request))
    request.pull = containers_pb2.PULL_POLICY_MISSING
    with pytest.raises(grpc.aio.AioRpcError) as missing:
        await transcript(client.containers.RunContainer(request))

    assert failed(never.value).code is grpc.StatusCode.NOT_FOUND
    assert failed(missing.value).code is grpc.StatusCode.UNAVAILABLE
    assert failed(missing.value).reason == "REGISTRY_UNREACHABLE"
    assert await containers.all_ids() == []


def _now() -> Timestamp:
    now = Timestamp()
    now.GetCurrentTime()
    return now


def _credentials() -> common_pb2.AuthConfig:
    (username, password), *_ = USERS.items()
    return common_pb2.AuthConfig(username=username, password=password)


async def _pushed(client: Client, host: str, registry: Registry) -> str:
    """Push our image as one that is not on the host; return its name."""
    repository = f"{registry.address}/run/{host}"
    await client.images.TagImage(images_pb2.TagImageRequest(host=host, name=IMAGE, repo=repository, tag="1"))
    push = images_pb2.PushImageRequest(host=host, name=repository, tag="1", registry_auth=_credentials())
    async for _ in client.images.PushImage(push):
        pass
    await client.images.RemoveImage(images_pb2.RemoveImageRequest(host=host, name=f"{repository}:1"))
    return f"{repository}:1"
