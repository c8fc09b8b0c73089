"""Resolves arguments to containers: `HOST/CONTAINER`, a name that is unique in the fleet, or a pattern."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

from dockfleet.cli.gateway import Gateway, responses
from dockfleet.cli.group import CommandError
from dockfleet.cli.output import say, say_failure
from dockfleet.cli.scope import Scope

if TYPE_CHECKING:
    from dockfleet.fleet.v1 import fleet_pb2 as pb


class Target(NamedTuple):
    """A container of a host."""

    host: str
    id: str
    """Its id or, where no list was asked, what the user wrote."""

    name: str

    def __str__(self) -> str:
        """Return it as the user writes it."""
        return f"{self.host}/{self.name}"


class Found(NamedTuple):
    """The containers of a selection, and the hosts whose containers are not known or not up to date."""

    targets: list[Target]
    failures: list[pb.HostFailure]
    missing: list[str]
    """Names that nothing has, where these are no error."""

    def say_failures(self) -> None:
        """Name the hosts that failed."""
        for failure in self.failures:
            say_failure(failure.host, failure.failure)


def is_pattern(text: str) -> bool:
    """Return whether *text* means any number of hosts or containers."""
    return "*" in text


def split(text: str) -> tuple[str, str]:
    """Return the host, which may be empty, and the container of `HOST/CONTAINER`."""
    host, _, container = text.rpartition("/")
    return host, container


def one(gateway: Gateway, scope: Scope, text: str) -> Target:
    """Return the container that *text* means.  `HOST/CONTAINER` is taken as it is; a name alone must be unique.

    Raises `CommandError` when there is none, or several.
    """
    host, name = split(text)
    if not name:
        raise CommandError(f"{text!r} names no container: write HOST/CONTAINER")
    host = host or scope.one_name or ""
    if host and not is_pattern(text):
        return Target(host, name, name)
    found = several(gateway, scope, [text])
    if len(found.targets) != 1:
        raise CommandError(f"{text} means several containers: {_choices(found.targets)}; write one of them")
    found.say_failures()
    return found.targets[0]


def several(gateway: Gateway, scope: Scope, texts: Sequence[str], tolerant: bool = False) -> Found:
    """Return the containers that *texts* mean, or all that *scope* selects when there are none.

    A name without a host must be on one host only, unless it is a pattern or the hosts were chosen.  Raises
    `CommandError` for a name that fits several that way, or no container; if *tolerant*, the latter is only said.
    """
    if not texts:
        return find(gateway, scope, [])
    found = Found([], [], [])
    for host in dict.fromkeys(split(text)[0] for text in texts):
        names = [split(text)[1] for text in texts if split(text)[0] == host]
        part = find(gateway, scope, names, host)
        _check(part, host, names, unique=not (host or scope.names_hosts), tolerant=tolerant)
        found.missing.extend(part.missing)
        found.targets.extend(target for target in part.targets if target not in found.targets)
        found.failures.extend(failure for failure in part.failures if failure not in found.failures)
    return found


def find(gateway: Gateway, scope: Scope, names: Sequence[str], host: str = "", **more: Any) -> Found:
    """Ask where containers are: those called *names*, or all that *scope* selects; on *host*, if it is given."""
    from dockfleet.fleet.v1 import fleet_pb2 as pb

    request = pb.FindContainersRequest(
        hosts=scope.host_selector(*([host] if host else [])), containers=scope.container_selector(names, **more)
    )
    found = Found([], [], [])
    for response in responses(gateway.fleet.FindContainers, request):
        for answer in response.answers:
            found.targets.extend(Target(answer.host, each.id, own_name(each.names)) for each in answer.containers)
        found.failures.extend(response.summary.failures)
    found.targets.sort(key=lambda target: (target.host, target.name))
    return found


def own_name(names: Iterable[str]) -> str:
    """Return the name of a container: the others are links to it, and have a slash more."""
    bare = [name.removeprefix("/") for name in names]
    return next((name for name in bare if "/" not in name), bare[0] if bare else "")


def _check(found: Found, host: str, names: Sequence[str], *, unique: bool, tolerant: bool) -> None:
    for name in names:
        fitting = [each for each in found.targets if _fits(each, name)]
        if not fitting and not is_pattern(name):
            if not tolerant:
                found.say_failures()
            where = f" on {host}" if host else ""
            silent = len(found.failures)
            unknown = f"; {silent} host{'s do' if silent > 1 else ' does'} not respond" if silent else ""
            missing = f"there is no container {name}{where}{unknown} (`dockfleet find` looks for containers)"
            if not tolerant:
                raise CommandError(missing)
            found.missing.append(name)
            say(missing)
        if unique and not is_pattern(name) and len(fitting) > 1:
            raise CommandError(
                f"{name} is not unique in the fleet: {_choices(fitting)}; write one of them, or -H '*' for all"
            )


def _fits(target: Target, name: str) -> bool:
    return fnmatchcase(target.name, name.replace("[", "[[]")) or target.id.startswith(name)


def _choices(targets: Sequence[Target]) -> str:
    shown = ", ".join(map(str, targets[:5]))
    return f"{shown} and {len(targets) - 5} more" if len(targets) > 5 else shown
