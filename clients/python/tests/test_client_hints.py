"""Errors for what does not exist: they say what to use in place of docker-py's arguments and attributes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import dockfleet
import dockfleet.aio
import pytest
from docker import APIClient, DockerClient
from docker.models.containers import (
    RUN_CREATE_KWARGS,
    RUN_HOST_CONFIG_KWARGS,
    Container,
    ContainerCollection,
)
from docker.models.images import ImageCollection
from docker.models.networks import NetworkCollection

from clients.python.tests.scripted_gateway import Gateway

GONE = {"cpu_count", "cpu_percent", "init_path", "isolation", "kernel_memory", "lxc_conf", "version"}
"""What only Windows and old engines know."""

METHODS: dict[str, list[Callable[..., Any]]] = {
    "build": [APIClient.build],
    "containers.attach": [APIClient.attach],
    "containers.export": [APIClient.export],
    "containers.get": [ContainerCollection.get],
    "containers.get_archive": [APIClient.get_archive],
    "containers.kill": [APIClient.kill],
    "containers.list": [ContainerCollection.list],
    "containers.prune": [ContainerCollection.prune],
    "containers.put_archive": [APIClient.put_archive],
    "containers.remove": [APIClient.remove_container],
    "containers.resize": [Container.resize],
    "containers.restart": [APIClient.restart],
    "containers.run": [ContainerCollection.run],
    "containers.stats": [APIClient.stats],
    "containers.stop": [APIClient.stop],
    "containers.top": [APIClient.top],
    "containers.update": [APIClient.update_container],
    "containers.wait": [APIClient.wait],
    "events": [APIClient.events],
    "exec.create": [APIClient.exec_create],
    "exec.start": [APIClient.exec_start],
    "execute": [Container.exec_run],
    "images.commit": [APIClient.commit],
    "images.get": [APIClient.inspect_image],
    "images.history": [APIClient.history],
    "images.list": [ImageCollection.list],
    "images.load": [APIClient.load_image],
    "images.pull": [ImageCollection.pull, APIClient.pull],
    "images.push": [APIClient.push],
    "images.remove": [APIClient.remove_image],
    "images.save": [APIClient.get_image],
    "images.search": [APIClient.search],
    "images.tag": [APIClient.tag],
    "logs": [APIClient.logs],
    "networks.connect": [APIClient.connect_container_to_network],
    "networks.create": [APIClient.create_network],
    "networks.disconnect": [APIClient.disconnect_container_from_network],
    "networks.get": [APIClient.inspect_network],
    "networks.list": [NetworkCollection.list],
    "system.info": [APIClient.info],
    "system.version": [APIClient.version],
    "volumes.create": [APIClient.create_volume],
    "volumes.get": [APIClient.inspect_volume],
    "volumes.list": [APIClient.volumes],
    "volumes.remove": [APIClient.remove_volume],
}
"""The methods of one host, and those of docker-py in their place."""


def arguments() -> Iterator[tuple[str, str]]:
    """Every argument of docker-py, with the method of ours."""
    for ours, theirs in METHODS.items():
        names = [name for function in theirs for name in inspect.signature(function).parameters]
        yield from ((ours, name) for name in dict.fromkeys(names) if name not in ("self", "kwargs", "args"))
    for name in sorted({*RUN_CREATE_KWARGS, *RUN_HOST_CONFIG_KWARGS} - GONE):
        yield from (("containers.run", name), ("containers.create", name))


def method_of(host: object, path: str) -> Any:
    for name in path.split("."):
        host = getattr(host, name)
    return host


def test_each_argument_of_docker_py_exists_or_has_an_error_that_says_what_to_use(
    gateway: Gateway, fleet: dockfleet.Fleet
) -> None:
    """For all methods that both have, and before anything is sent."""
    unexplained = []
    for path, name in arguments():
        method = method_of(fleet.host("a"), path)
        if name in inspect.signature(method).parameters:
            continue
        with pytest.raises(TypeError) as caught:
            method(**{name: 1})
        if not any(word in str(caught.value) for word in ("; use ", "; leave it out", "; give ")):
            unexplained.append(str(caught.value))

    assert unexplained == []
    assert gateway.requests == []


@pytest.mark.parametrize(
    ("path", "argument", "text"),
    [
        ("run", "network_mode", "Containers.run() got an unexpected keyword argument 'network_mode'; use network"),
        ("run", "stop_timeout", "use config={'stop_timeout_seconds': …}"),
        ("run", "annotations", "use config={'host_config': {'annotations': …}}"),
        ("execute", "workdir", "use working_dir"),
        ("logs", "folow", "did you mean follow?"),
        ("containers.wait", "timeout", "use deadline, the seconds that the call may take"),
        ("containers.pause", "zzz", "it has id, deadline"),
    ],
)
async def test_an_argument_that_does_not_exist_is_explained(
    fleet: dockfleet.Fleet, path: str, argument: str, text: str
) -> None:
    """In both clients alike."""
    with pytest.raises(TypeError) as caught:
        method_of(fleet.host("a"), path)(**{argument: 1})
    assert str(caught.value).endswith(text)

    async with dockfleet.aio.connect("127.0.0.1:1") as other:
        with pytest.raises(TypeError) as caught:
            made = method_of(other.host("a"), path)(**{argument: 1})
            await made
    assert str(caught.value).endswith(text)


def test_each_attribute_of_a_docker_client_exists_or_is_explained(fleet: dockfleet.Fleet) -> None:
    """What dockfleet does not serve, too."""
    host = fleet.host("a")
    public = [name for name in dir(DockerClient) if not name.startswith("_")]
    assert {"swarm", "secrets", "login", "df"} <= set(public)
    for name in public:
        if not hasattr(host, name):
            with pytest.raises(AttributeError, match=f"'HostView' object has no attribute '{name}'; [a-z]"):
                getattr(host, name)


def test_an_object_in_the_place_of_its_id_is_explained(fleet: dockfleet.Fleet, gateway: Gateway) -> None:
    """docker-py takes objects; here the error says which attribute names them."""
    from dockfleet.v1.containers_pb2 import ContainerSummary

    found: Any = ContainerSummary(id="c1")
    with pytest.raises(TypeError, match=r"id must be str, not ContainerSummary: use its id"):
        fleet.host("a").containers.stop(found)
    assert gateway.requests == []


def test_a_method_is_a_coroutine_function_where_it_is_awaited() -> None:
    """So mocks made of the client are awaited too."""
    assert inspect.iscoroutinefunction(dockfleet.aio.HostView.execute)
    assert not inspect.iscoroutinefunction(dockfleet.HostView.execute)
