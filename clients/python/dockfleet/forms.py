"""The types of arguments, for type checkers: the forms of docker-py in addition to the types of the contract.

`docker_forms` reads them; the table in the README shows them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from os import PathLike
from typing import TypedDict

from google.protobuf.duration_pb2 import Duration as DurationMessage
from google.protobuf.timestamp_pb2 import Timestamp

from dockfleet.v1.container_config_pb2 import PortBinding

Text = str | int | float
Path = str | PathLike[str]

Time = datetime | int | float | Timestamp
"""A time; a number is seconds since 1970."""

Duration = timedelta | DurationMessage

HealthTime = timedelta | int | DurationMessage
"""A duration; a number is nanoseconds."""

Command = str | Sequence[str]
"""A program and its arguments; a str is split as a shell does."""

Environment = Mapping[str, Text | None] | Sequence[str]
"""Variables; None removes one."""

Filters = Mapping[str, Text | Sequence[Text]]
"""Filters of lists and prunes."""

Labels = Mapping[str, str] | Sequence[str]
"""Labels; a list holds names only."""

Addresses = Mapping[str, str] | Sequence[str]
"""Names and addresses of hosts."""

Links = Mapping[str, str | None] | Sequence[str | tuple[str, str | None]]
"""Containers and their aliases."""

Paths = str | Sequence[str] | Mapping[str, object]
"""Paths in the container."""

PortName = int | str | tuple[int | str] | tuple[int | str, str]
PortNames = Sequence[PortName] | Mapping[int | str, object]
"""Ports of the container."""

PortTarget = int | str | tuple[str, int | str] | tuple[int | str] | PortBinding | Mapping[str, int | str] | None
Ports = Mapping[int, PortTarget | Sequence[PortTarget]] | Mapping[str, PortTarget | Sequence[PortTarget]]
"""Ports of the container, and where the host publishes them; None is any free port."""


class Bind(TypedDict, total=False):
    """Where a path of the host, or a volume, is mounted."""

    bind: str
    mode: str
    ro: bool
    propagation: str


Binds = Mapping[str, str | Bind] | Sequence[str]
"""Paths of the host, or volumes, and where they are mounted."""

Selection = str | Sequence[str]
"""One text or several."""
