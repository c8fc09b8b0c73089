"""Errors for the arguments and attributes that do not exist: they say what to use.  Most are those of docker-py."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from dockfleet.arguments import path_of
from dockfleet.docker_forms import DOCKER_PY_NAMES
from dockfleet.v1.container_config_pb2 import ContainerSpec

F = TypeVar("F", bound=Callable[..., Any])

DECODED = "leave it out: what comes is decoded"
NO_PARTS = "leave it out: pieces have the size that suits the gateway"
ENDPOINT = "use endpoint_config={{'{}': …}}".format
ADDRESS = "use endpoint_config={{'ipam_config': {{'{}': …}}}}".format
SESSION = "use exec.open, which gives a session: output as it comes, and input"

ARGUMENTS: Mapping[str, str] = {
    "aliases": ENDPOINT("aliases"),
    "base_url": "use target, the address of the gateway; the gateway knows the hosts",
    "chunk_size": NO_PARTS,
    "decode": DECODED,
    "demux": "leave it out: stdout and stderr are apart",
    "driver_opt": ENDPOINT("driver_opts"),
    "encode_stream": NO_PARTS,
    "ipv4_address": ADDRESS("ipv4_address"),
    "ipv6_address": ADDRESS("ipv6_address"),
    "link_local_ips": ADDRESS("link_local_ips"),
    "socket": SESSION,
    "stream": "use progress, which is called with each report",
    "timeout": "use deadline, the seconds that the call may take",
    "use_config_proxy": "leave it out, and set the variables in environment or buildargs",
    "user_agent": "use channel_options=[('grpc.primary_user_agent', …)]",
    "api_version": "leave it out: it has all versions of the API",
    "version": "leave it out: the gateway negotiates the version with each engine",
    "build.container_limits": "use images.build_archive, which has memory_bytes, cpu_shares and others",
    "build.custom_context": "use images.build_archive, which takes a tar",
    "build.encoding": "leave it out: the engine knows compressed tars",
    "build.gzip": "leave it out: the context is sent as it is made",
    "build.isolation": "leave it out: it is of Windows",
    "build.quiet": "leave it out: without progress nothing is shown",
    "build_archive.fileobj": "use source",
    "commit.conf": "use config",
    "commit.message": "use comment",
    "connect.links": ENDPOINT("links"),
    "connect.mac_address": ENDPOINT("mac_address"),
    "connect.net_id": "use id",
    "create.auto_remove": "use remove",
    "create.detach": "leave it out: start starts it",
    "create.network_mode": "use network",
    "disconnect.net_id": "use id",
    "execute.detach": "use exec.create, and exec.start with detach=True",
    "execute.stderr": "leave it out: the result has stdout and stderr",
    "execute.stdout": "leave it out: the result has stdout and stderr",
    "execute.stream": SESSION,
    "open.detach": "use exec.create, and exec.start with detach=True",
    "list.before": "use filters={'before': …}",
    "list.ids": "use filters={'id': […]}",
    "list.ignore_removed": "leave it out: one answer of the engine has them all",
    "list.name": "use filters={'reference': …}",
    "list.names": "use filters={'name': […]}",
    "list.since": "use filters={'since': …}",
    "list.sparse": "leave it out: a list has what the engine lists; get has the rest",
    "load.data": "use source",
    "logs.stream": "leave it out: lines come one by one; follow waits for more",
    "get.container_id": "use id",
    "get.net_id": "use id",
    "put_archive.data": "use source, the first argument",
    "resize.height": "use size=(height, width)",
    "resize.width": "use size=(height, width)",
    "run.auto_remove": "use remove",
    "run.network_mode": "use network",
    "run.stderr": "leave it out: the result has stdout and stderr",
    "run.stdout": "leave it out: the result has stdout and stderr",
    "run.stream": "use detach=True, and logs with follow=True",
    "start.exec_id": "use id",
    "start.socket": "leave it out: what it returns is a session",
    "start.stream": "leave it out: the session gives output as it comes",
    "tag.force": "leave it out: a tag that exists is moved",
    "tag.repository": "use repo",
    "save.named": "leave it out: the archive has the name that you give",
}
"""What to use in place of an argument, by its name or by the method and its name."""

SWARM = "dockfleet does not serve Swarm"
ATTRIBUTES: Mapping[str, str] = {
    "api": "containers, images, networks, volumes and system have the methods",
    "attach_socket": "use attach, which gives a session",
    "close": "close the fleet",
    "configs": SWARM,
    "df": "use system.data_usage",
    "exec_run": "use execute of the host",
    "from_context": "use dockfleet.connect",
    "from_env": "use dockfleet.from_env",
    "info": "use system.info",
    "login": "give registry_auth to pull, push and run; system.check_auth checks credentials",
    "nodes": SWARM,
    "ping": "use system.ping",
    "plugins": "dockfleet does not serve plugins",
    "secrets": SWARM,
    "services": SWARM,
    "swarm": SWARM,
    "version": "use system.version",
    "Containers.commit": "use images.commit",
    "FleetContainers.get": "use find, or host(…).containers.get",
    "Images.get_registry_data": "use distribution.get",
    "Images.load_image": "use load",
    "Images.prune_builds": "use prune_build_cache",
    "System.df": "use data_usage",
    "System.login": "use check_auth",
}
"""What to use in place of an attribute, by its name or by the class and its name."""

NAMES = ("id", "name", "image", "repo")
"""The arguments that name what docker-py calls a container, an image or a repository."""


def explained(function: F) -> F:
    """Return *function* with an error that says what to use in place of an argument that does not exist."""
    code = function.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    known = frozenset(names)

    def check(given: Mapping[str, Any]) -> None:
        if not known.issuperset(given):
            name = next(name for name in given if name not in known)
            hint = _argument_hint(function.__name__, [each for each in names if each != "self"], name)
            raise TypeError(f"{function.__qualname__}() got an unexpected keyword argument {name!r}; {hint}")

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        check(kwargs)
        return function(*args, **kwargs)

    @functools.wraps(function)
    async def async_call(*args: Any, **kwargs: Any) -> Any:
        check(kwargs)
        return await function(*args, **kwargs)

    return cast("F", async_call if inspect.iscoroutinefunction(function) else call)


class Explained:
    """A class whose errors say what to use in place of arguments and attributes that do not exist."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name, function in list(vars(cls).items()):
            if inspect.isfunction(function) and not name.startswith("_"):
                setattr(cls, name, explained(function))

    if not TYPE_CHECKING:  # a type checker must not take every name for an attribute

        def __getattr__(self, name: str) -> Any:
            kind = type(self).__name__
            hint = ATTRIBUTES.get(f"{kind}.{name}") or ATTRIBUTES.get(name)
            more = f"; {hint}" if hint else ""
            raise AttributeError(f"{kind!r} object has no attribute {name!r}{more}", name=name, obj=self)


def _nested(path: str) -> str:
    """Return a dict with a value at *path*: `{'host_config': {'dns': …}}`."""
    shown = "…"
    for name in reversed(path.split(".")):
        shown = f"{{{name!r}: {shown}}}"
    return shown


def _argument_hint(method: str, names: list[str], name: str) -> str:
    if hint := ARGUMENTS.get(f"{method}.{name}"):
        return hint
    wanted = DOCKER_PY_NAMES.get(name)
    if wanted in names:
        return f"use {wanted}"
    if method in ("create", "run") and (path := path_of(ContainerSpec.DESCRIPTOR, name)):
        return f"use config={_nested(path)}"
    if name in ("container", "image", "repository") and (found := next(filter(names.__contains__, NAMES), None)):
        return f"use {found}"
    if hint := ARGUMENTS.get(name):
        return hint
    close = difflib.get_close_matches(name, names, 1)
    return f"did you mean {close[0]}?" if close else f"it has {', '.join(names)}"
