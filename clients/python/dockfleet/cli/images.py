"""`dockfleet images`, `history` and `search`."""

from __future__ import annotations

from typing import Any

import click

from dockfleet.cli import docker_text
from dockfleet.cli.completion import complete_images
from dockfleet.cli.gateway import Gateway, call
from dockfleet.cli.host_choice import one_host
from dockfleet.cli.output import fields
from dockfleet.cli.questions import FILTER, Answers, filters_of
from dockfleet.cli.scope import Scope, scoped
from dockfleet.cli.view import View, listed
from dockfleet.image_names import split_tag

NONE = "<none>"
COLUMNS = {
    "HOST": "Host",
    "REPOSITORY": "Repository",
    "TAG": "Tag",
    "IMAGE ID": "ID",
    "CREATED": "CreatedSince",
    "SIZE": "Size",
}


@click.command()
@click.option(
    "-a", "--all", "everything", is_flag=True, default=None, help="Include those between the steps of builds."
)
@click.option("--digests", is_flag=True, help="Show digests.")
@FILTER
@listed()
@scoped(labels=False)
@click.argument("reference", metavar="[REPOSITORY[:TAG]]", required=False, shell_complete=complete_images)
@click.pass_context
def images(
    context: click.Context,
    /,
    reference: str | None,
    scope: Scope,
    view: View,
    everything: bool | None,
    digests: bool,
    filters: tuple[str, ...],
) -> None:
    """List the images of many hosts.

    It is one call, which the gateway answers from what it knows.

    \b
    Examples:
      dockfleet images -H 'edge*' shop
      dockfleet images --format '{{.Host}} {{.Repository}}:{{.Tag}}'
    """
    from dockfleet.fleet.v1 import fleet_pb2 as pb
    from dockfleet.v1.images_pb2 import ListImagesRequest

    gateway: Gateway = context.obj
    wanted = filters_of([*filters, *([f"reference={reference}"] if reference else [])])
    request = ListImagesRequest(all=everything, filters=wanted, digests=digests or None)
    answers = Answers(gateway.fleet.ListImages, pb.ListImagesRequest(hosts=scope.host_selector(), request=request))
    found = answers.each("images")
    columns = dict(COLUMNS)
    if digests:
        columns = dict(list(columns.items())[:3]) | {"DIGEST": "Digest"} | dict(list(columns.items())[3:])
    shown = [row for host, each in found for row in rows(host, each, view.no_trunc)]
    view.show(shown, columns, "ID", ({"host": host, **fields(each)} for host, each in found))
    answers.finish(context)


def rows(host: str, image: Any, no_trunc: bool) -> list[dict[str, Any]]:
    """Return a row for each name of an image; one, when it has none."""
    tags = [tag for tag in image.repo_tags if tag != f"{NONE}:{NONE}"]
    known = {split_tag(each)[0]: split_tag(each)[1] for each in image.repo_digests if not each.startswith(NONE)}
    names = [(*split_tag(tag), known.get(split_tag(tag)[0], NONE)) for tag in tags]
    names = names or [(repository, NONE, digest) for repository, digest in known.items()] or [(NONE, NONE, NONE)]
    shares = image.shared_size_bytes >= 0  # it is -1 where nobody has calculated it
    common = {
        "Host": host,
        "ID": image.id if no_trunc else docker_text.short_id(image.id),
        "CreatedSince": docker_text.ago(image.created_at),
        "CreatedAt": docker_text.local_time(image.created_at),
        "Size": docker_text.size(image.size_bytes),
        "VirtualSize": docker_text.size(image.size_bytes),
        "SharedSize": docker_text.size(image.shared_size_bytes, 4) if shares else "N/A",
        "UniqueSize": docker_text.size(image.size_bytes - image.shared_size_bytes, 4) if shares else "N/A",
        "Containers": "N/A" if image.containers < 0 else str(image.containers),
    }
    return [{**common, "Repository": name, "Tag": tag or NONE, "Digest": digest} for name, tag, digest in names]


HISTORY = {"IMAGE": "ID", "CREATED": "CreatedSince", "CREATED BY": "CreatedBy", "SIZE": "Size", "COMMENT": "Comment"}
CREATED_BY_LENGTH = 45


@click.command()
@click.option("--human/--no-human", default=True, help="Print sizes and times for people.")
@listed()
@scoped(labels=False)
@click.argument("image", shell_complete=complete_images)
@click.pass_obj
def history(gateway: Gateway, /, image: str, scope: Scope, view: View, human: bool) -> None:
    """Show the steps that created an image, the latest first.  -H says on which host."""
    from dockfleet.v1.images_pb2 import GetImageHistoryRequest

    found = call(gateway.images.GetImageHistory, GetImageHistoryRequest(host=one_host(gateway, scope), name=image))
    rows = []
    for layer in found.layers:
        text = layer.created_by.replace("\t", " ")
        short = text if view.no_trunc or len(text) <= CREATED_BY_LENGTH else f"{text[: CREATED_BY_LENGTH - 1]}…"
        rows.append(
            {
                "ID": layer.id if view.no_trunc else docker_text.short_id(layer.id),
                "CreatedSince": docker_text.ago(layer.created_at) if human else layer.created_at.ToJsonString(),
                "CreatedAt": layer.created_at.ToJsonString(),
                "CreatedBy": short,
                "Size": docker_text.size(layer.size_bytes) if human else str(layer.size_bytes),
                "Comment": layer.comment,
            }
        )
    view.show(rows, HISTORY, "ID", (fields(layer) for layer in found.layers))


SEARCH = {"NAME": "Name", "DESCRIPTION": "Description", "STARS": "StarCount", "OFFICIAL": "IsOfficial"}
DESCRIPTION_LENGTH = 45


@click.command()
@click.option("--limit", type=click.IntRange(1, 100), help="The most results.")
@FILTER
@listed(quiet=False)
@scoped(labels=False)
@click.argument("term")
@click.pass_obj
def search(
    gateway: Gateway, /, term: str, scope: Scope, view: View, limit: int | None, filters: tuple[str, ...]
) -> None:
    """Search Docker Hub for images, from a host.  -H says from which."""
    from dockfleet.v1.images_pb2 import SearchImagesRequest

    request = SearchImagesRequest(host=one_host(gateway, scope), term=term, limit=limit, filters=filters_of(filters))
    found = call(gateway.images.SearchImages, request).results
    rows = []
    for each in found:
        text = " ".join(each.description.split())
        short = text if view.no_trunc or len(text) <= DESCRIPTION_LENGTH else f"{text[: DESCRIPTION_LENGTH - 1]}…"
        official = "[OK]" if each.is_official else ""
        rows.append(
            {"Name": each.name, "Description": short, "StarCount": str(each.star_count), "IsOfficial": official}
        )
    view.show(rows, SEARCH, "Name", (fields(each) for each in found))
