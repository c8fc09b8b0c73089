"""`dockfleet ps` and `dockfleet find`: the containers of the fleet, with their hosts."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import click

from dockfleet.cli import docker_text
from dockfleet.cli.gateway import Gateway, responses
from dockfleet.cli.output import fields, say_failure
from dockfleet.cli.questions import FILTER, Answers, filters_of
from dockfleet.cli.scope import Scope, requirements, scoped
from dockfleet.cli.template import Values
from dockfleet.cli.view import View, listed

COMMAND_LENGTH, MOUNT_LENGTH = 20, 15
LATEST = re.compile(r"-([aqs]*)l([aqs]*)")
SHOWS_SIZE = re.compile(r"\.Size\b|json \.|^json$")
COLUMNS = {
    "HOST": "Host",
    "CONTAINER ID": "ID",
    "IMAGE": "Image",
    "COMMAND": "Command",
    "CREATED": "RunningFor",
    "STATUS": "Status",
    "PORTS": "Ports",
    "NAMES": "Names",
}


class Ps(click.Command):
    """Docker's `-l` is `--latest`: here it is so where no label follows, as in `-lq` and at the end."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options; a `-l` without a label is `--latest`."""
        words: list[str] = []
        for word, following in zip(args, [*args, "-"][1:], strict=True):
            flags = LATEST.fullmatch(word)
            if flags and (flags[2] or following.startswith("-")):
                words += ["--latest", *(f"-{flag}" for flag in flags[1] + flags[2])]
            else:
                words.append(word)
        return super().parse_args(ctx, words)


@click.command(cls=Ps)
@click.option("-a", "--all", "everything", is_flag=True, help="Include containers that are not running.")
@FILTER
@click.option("-n", "--last", "limit", type=int, default=-1, metavar="N", help="The N that were created last.")
@click.option("--latest", is_flag=True, help="The one that was created last; also -l without a label, as in -lq.")
@click.option("-s", "--size", is_flag=True, help="Include how much disk space each uses.")
@listed()
@scoped()
@click.pass_context
def ps(
    context: click.Context,
    /,
    scope: Scope,
    view: View,
    everything: bool,
    filters: tuple[str, ...],
    limit: int,
    latest: bool,
    size: bool,
) -> None:
    """List the containers of many hosts.

    It is one call, which the gateway answers from what it knows.  A host that does not respond is named on standard
    error; its containers are shown as they were known last, and the exit code is 1.

    \b
    Examples:
      dockfleet ps -a
      dockfleet ps -H 'edge*' -l app=shop
      dockfleet ps -lq                      the id of the container that was created last
      dockfleet ps --filter status=exited --format '{{.Host}} {{.Names}} {{.Status}}'
    """
    from dockfleet.fleet.v1 import fleet_pb2 as pb
    from dockfleet.v1 import containers_pb2

    gateway: Gateway = context.obj
    wanted = requirements("--label", scope.labels)
    labels = [text for requirement in wanted if (text := as_filter(requirement)) is not None]
    limit = 1 if latest else max(limit, 0)
    request = containers_pb2.ListContainersRequest(
        all=everything or limit > 0,
        limit=limit if len(labels) == len(wanted) and limit else None,  # else the engine would count others too
        size=size or bool(SHOWS_SIZE.search(view.template or "")) or None,
        filters=filters_of([*filters, *(f"label={label}" for label in labels)]),
    )
    answers = Answers(
        gateway.fleet.ListContainers, pb.ListContainersRequest(hosts=scope.host_selector(), request=request)
    )
    found = [
        (host, each) for host, each in answers.each("containers") if all(_meets(each.labels, one) for one in wanted)
    ]
    if limit:
        found = sorted(found, key=lambda pair: -pair[1].created_at.ToNanoseconds())[:limit]
    show(view, found, size)
    answers.finish(context)


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--image", "images", multiple=True, metavar="IMAGE", help="Created from this image; may be repeated.")
@click.option("--state", "states", multiple=True, metavar="STATE", help="In this state, such as running.")
@click.option("-p", "--port", "ports", multiple=True, type=click.IntRange(1, 65535), help="Published on this port.")
@listed()
@scoped()
@click.pass_context
def find(
    context: click.Context,
    /,
    names: tuple[str, ...],
    scope: Scope,
    view: View,
    images: tuple[str, ...],
    states: tuple[str, ...],
    ports: tuple[int, ...],
) -> None:
    """Find containers in the fleet, running or not: by name, id, label, image, state or published port.

    NAME is a name, the beginning of an id, or a pattern with `*`.  The exit code is 1 when nothing was found, and when
    a host does not respond.

    \b
    Examples:
      dockfleet find web
      dockfleet find 'web-*' --state running
      dockfleet find --port 8080
    """
    from dockfleet.fleet.v1 import fleet_pb2 as pb

    gateway: Gateway = context.obj
    selector = scope.container_selector(names, images=images, states=states, published_ports=ports)
    request = pb.FindContainersRequest(hosts=scope.host_selector(), containers=selector)
    found: list[tuple[str, Any]] = []
    failures: list[Any] = []
    unmatched: list[str] = []
    for response in responses(gateway.fleet.FindContainers, request):
        found.extend((answer.host, each) for answer in response.answers for each in answer.containers)
        failures.extend(response.summary.failures)
        unmatched.extend(response.summary.unmatched_names)
    show(view, sorted(found, key=lambda pair: pair[0]), False)
    for name in unmatched:
        click.echo(f"dockfleet: there is no container {name}", err=True)
    for failure in failures:
        say_failure(failure.host, failure.failure)
    context.exit(1 if failures or unmatched or not found else 0)


def show(view: View, found: Sequence[tuple[str, Any]], size: bool) -> None:
    """Print containers."""
    columns = dict(COLUMNS) | ({"SIZE": "Size"} if size else {})
    rows = [row(host, each, view.no_trunc) for host, each in found]
    view.show(rows, columns, "ID", ({"host": host, **fields(each)} for host, each in found))


def row(host: str, each: Any, no_trunc: bool) -> dict[str, Any]:
    """Return the values of a container, by the names of docker's templates."""
    names = [name.removeprefix("/") for name in each.names]
    own = names if no_trunc else [name for name in names if "/" not in name] or names
    values = {
        "Host": host,
        "ID": docker_text.short_id(each.id, no_trunc),
        "Image": _image(each, no_trunc),
        "Command": json.dumps(_cut(each.command, COMMAND_LENGTH, no_trunc), ensure_ascii=False),
        "CreatedAt": docker_text.local_time(each.created_at),
        "RunningFor": docker_text.ago(each.created_at),
        "Ports": docker_text.ports(each.ports),
        "State": each.state,
        "Status": each.status,
        "Size": _size(each),
        "Names": ",".join(own),
        "Labels": docker_text.labels(each.labels),
        "Mounts": ",".join(_cut(mount.name or mount.source, MOUNT_LENGTH, no_trunc) for mount in each.mounts),
        "Networks": ",".join(sorted(each.network_settings.networks)),
        "LocalVolumes": str(sum(mount.driver == "local" for mount in each.mounts)),
    }
    return Values(values, labels=each.labels)


def _image(each: Any, no_trunc: bool) -> str:
    name: str = each.image or "<no image>"
    return docker_text.short_id(name, no_trunc) if name.startswith("sha256:") else name


def _cut(text: str, length: int, no_trunc: bool) -> str:
    return text if no_trunc or len(text) <= length else f"{text[: length - 1]}…"


def _size(each: Any) -> str:
    own = docker_text.size(each.size_rw_bytes)
    return f"{own} (virtual {docker_text.size(each.size_root_fs_bytes)})" if each.size_root_fs_bytes else own


def as_filter(requirement: Any) -> str | None:
    """Return *requirement* as the filter `label` of docker; None when it has no such form."""
    from dockfleet.fleet.v1 import selectors_pb2 as pb

    if requirement.operator == pb.LABEL_OPERATOR_EQUAL:
        return f"{requirement.key}={requirement.values[0]}"
    return requirement.key if requirement.operator == pb.LABEL_OPERATOR_EXISTS else None


def _meets(labels: Any, requirement: Any) -> bool:
    from dockfleet.fleet.v1 import selectors_pb2 as pb

    has = requirement.key in labels
    fits = has and labels[requirement.key] in requirement.values
    outcomes: dict[int, bool] = {
        pb.LABEL_OPERATOR_EQUAL: fits,
        pb.LABEL_OPERATOR_IN: fits,
        pb.LABEL_OPERATOR_NOT_EQUAL: not fits,
        pb.LABEL_OPERATOR_NOT_IN: not fits,
        pb.LABEL_OPERATOR_EXISTS: has,
        pb.LABEL_OPERATOR_NOT_EXISTS: not has,
    }
    return outcomes[requirement.operator]
