"""Arguments of methods that become other fields of the contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dockfleet.arguments import build
from dockfleet.image_names import split_tag
from dockfleet.v1.container_config_pb2 import ContainerSpec


def container_spec(config: Any, settings: Mapping[str, Any]) -> ContainerSpec:
    """Return the container of *config* and *settings*, which are values by their paths; None is not set.

    Raises `TypeError` and `ValueError` as `arguments.build`, and `ValueError` for what both set.
    """
    nested: dict[str, Any] = {}
    for path, value in settings.items():
        if value is not None:
            *parents, name = path.split(".")
            place = nested
            for parent in parents:
                place = place.setdefault(parent, {})
            place[name] = value
    ports = settings.get("host_config.port_bindings")
    if isinstance(ports, Mapping):
        nested["exposed_ports"] = list(ports)
    spec = _message(config)
    more: Any = build(ContainerSpec.DESCRIPTOR, nested, "config")
    for path, value in settings.items():
        if value is not None and _has(spec, path):
            raise ValueError(f"config.{path} is given twice: in config and as an argument")
    spec.MergeFrom(more)
    return spec


def repository(repo: Any, tag: str | None) -> Mapping[str, Any]:
    """Return the fields for a new name; docker-py takes `team/app:1.2` as a repository."""
    if tag is None and isinstance(repo, str) and "@" not in repo and split_tag(repo)[1]:
        repo, tag = split_tag(repo)
    return {"repo": repo, "tag": tag}


def pulled_tag(image: Any, tag: str | None, all_tags: bool) -> str | None:
    """Return the tag to pull: `latest` where neither *image* nor *tag* says one, and None for *all_tags*.

    Raises `ValueError` for a tag together with *all_tags*.
    """
    named = tag or (isinstance(image, str) and split_tag(image)[1])
    if named and all_tags:
        raise ValueError("all_tags must not be used together with a tag or a digest")
    return tag if named or all_tags else "latest"


def _message(config: Any) -> ContainerSpec:
    spec = ContainerSpec()
    if isinstance(config, ContainerSpec):
        spec.CopyFrom(config)
    elif config is not None:
        if not isinstance(config, Mapping):
            raise TypeError(f"config must be a ContainerSpec or a dict, not {type(config).__name__}")
        built: Any = build(ContainerSpec.DESCRIPTOR, config, "config")
        spec.CopyFrom(built)
    return spec


def _has(message: Any, path: str) -> bool:
    first, _, rest = path.partition(".")
    if first not in {field.name for field, _ in message.ListFields()}:
        return False
    return not rest or _has(getattr(message, first), rest)
