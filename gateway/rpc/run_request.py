"""Reads requests of RunContainer: the container that they create, and whether the image has a tag."""

from __future__ import annotations

from dockfleet.v1 import containers_pb2 as pb

from gateway.engine.codec.binding import Binding
from gateway.engine.codec.json import check_required

CREATE = Binding(pb.DESCRIPTOR.services_by_name["ContainerService"].methods_by_name["CreateContainer"])


def create_request(request: pb.RunContainerRequest) -> pb.CreateContainerRequest:
    """Return the request that creates the container.  Raises `InvalidField` for what cannot be sent."""
    check_required(request)
    create = pb.CreateContainerRequest(config=request.config)
    for name in ("name", "platform"):
        if request.HasField(name):
            setattr(create, name, getattr(request, name))
    CREATE.call(create)
    return create


def has_tag(image: str) -> bool:
    """Return whether the reference *image* has a tag or a digest; without one, it means the tag `latest`."""
    return "@" in image or ":" in image.rpartition("/")[2]
