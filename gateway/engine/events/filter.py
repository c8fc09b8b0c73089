"""The filters of the Engine's `/events`, applied by the gateway.

One subscription serves all watchers of a host, so the engine cannot filter for each.  The rules are those of the
Engine (moby, daemon/events/filter.go): names and ids match by prefix, the events of a container fit the filter
of its image, and all labels must fit, but only one value of every other filter.  One rule is different: the gateway
refuses an unknown filter.  The Engine ignores it, and sends too many events.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from dockfleet.v1.system_pb2 import EngineEvent

from gateway.engine.errors import InvalidField
from gateway.engine.filter_size import check_size

# Objects: a filter gives the beginning of their id or name.
_OBJECTS = ("config", "container", "daemon", "network", "node", "plugin", "secret", "service", "volume")
_NAMES = frozenset((*_OBJECTS, "event", "image", "label", "scope", "type"))
# Actions that continue after a colon.  With one of them in a filter, all its actions fit by their beginning.
_LONG_ACTIONS = frozenset(("exec_create", "exec_start", "health_status"))
_ID = re.compile(r"[0-9a-f]{64}")
_TAG = re.compile(r":[^:/]*$")
_DOCKER_HUB = re.compile(r"^(?:(?:index\.)?docker\.io/)?(?:library/)?")


class Filter:
    """The filters of one watcher.  All of them must fit an event."""

    def __init__(self, wanted: Mapping[str, Iterable[str]] | None = None) -> None:
        """Take *wanted*, values by filter.  Raises `InvalidField`."""
        self._wanted = {name: frozenset(values) for name, values in (wanted or {}).items()}
        check_size(self._wanted)
        for name in self._wanted:
            if name not in _NAMES:
                raise InvalidField(f"filters[{name!r}]", f"must be one of {', '.join(sorted(_NAMES))}")
        self._wanted = {name: values for name, values in self._wanted.items() if values}
        self._objects = [(name, tuple(self._wanted[name])) for name in _OBJECTS if name in self._wanted]
        self._labels = [label.partition("=") for label in self._wanted.get("label", ())]
        actions = self._wanted.get("event", frozenset())
        self._beginnings = tuple(actions) if actions & _LONG_ACTIONS else ()

    def __bool__(self) -> bool:
        """Return whether there is a filter."""
        return bool(self._wanted)

    def fits(self, event: EngineEvent) -> bool:
        """Return whether *event* fits."""
        if not self._wanted:
            return True
        id, attributes = event.actor.id, event.actor.attributes
        return (
            self._fits_action(event.action)
            and self._is_one("type", event.type)
            and self._is_one("scope", event.scope)
            and self._fits_objects(id, attributes.get("name", ""))
            and self._fits_image(event.type, id, attributes)
            and self._fits_labels(attributes)
        )

    def _is_one(self, name: str, *texts: str) -> bool:
        values = self._wanted.get(name)
        return values is None or any(text in values for text in texts)

    def _fits_action(self, action: str) -> bool:
        return action.startswith(self._beginnings) if self._beginnings else self._is_one("event", action)

    def _fits_objects(self, id: str, name: str) -> bool:
        return all(id.startswith(values) or name.startswith(values) for _, values in self._objects)

    def _fits_image(self, kind: str, id: str, attributes: Mapping[str, str]) -> bool:
        name = attributes.get("name" if kind == "image" else "image", "")
        return self._is_one("image", id, name, _repository(id), _repository(name))

    def _fits_labels(self, attributes: Mapping[str, str]) -> bool:
        return all(
            name in attributes and (not equals or attributes[name] == value) for name, equals, value in self._labels
        )


def _repository(image: str) -> str:
    """Return *image* without tag and digest, and without the parts of the name that Docker Hub adds."""
    if _ID.fullmatch(image):
        return image
    return _DOCKER_HUB.sub("", _TAG.sub("", image.partition("@")[0]))
