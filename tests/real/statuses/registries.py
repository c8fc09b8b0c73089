"""What speaks to registries, of all services."""

from __future__ import annotations

from typing import Any

from dockfleet.v1 import common_pb2, distribution_pb2, system_pb2
from dockfleet.v1 import images_pb2 as pb
from dockfleet.v1.common_pb2 import AuthConfig

from tests.real.statuses.at import At, Rows
from tests.real.statuses.servers import refusing_registry
from tests.support.statuses import filters

images, distribution, system = Rows("ImageService"), Rows("DistributionService"), Rows("SystemService")
AUTH = "FAILED_PRECONDITION (REGISTRY_AUTH)"
UNREACHABLE = "UNAVAILABLE (REGISTRY_UNREACHABLE)"
LIMIT = "RESOURCE_EXHAUSTED (REGISTRY_LIMIT)"
INVALID_REQUEST = "INVALID_ARGUMENT (INVALID_REQUEST)"
WRONG = common_pb2.AuthConfig(username="tester", password="not-the-password")


async def busy(at: At) -> str:
    """The name of an image in a registry whose limit is reached."""
    return f"{await at.undo.enter_async_context(refusing_registry(429, 'TOOMANYREQUESTS'))}/app"


async def denied(at: At) -> str:
    """The name of an image in a registry that shows nothing."""
    return f"{await at.undo.enter_async_context(refusing_registry(403, 'DENIED'))}/app"


@images("PullImage", "NOT_FOUND")
async def pull_no_image(at: At) -> Any:
    return pb.PullImageRequest(image=f"{at.registry.address}/{at.name}", tag="1")


@images("PullImage", "NOT_FOUND (REGISTRY_AUTH)")
async def pull_what_is_hidden(at: At) -> Any:
    return pb.PullImageRequest(image=await denied(at), tag="1")


@images("PullImage", AUTH)
async def pull_with_a_wrong_password(at: At) -> Any:
    return pb.PullImageRequest(image=f"{at.guarded_registry.address}/app", tag="1", registry_auth=WRONG)


@images("PullImage", AUTH)
async def pull_without_a_password(at: At) -> Any:
    return pb.PullImageRequest(image=f"{at.guarded_registry.address}/app", tag="1")


@images("PullImage", UNREACHABLE)
async def pull_from_no_registry(at: At) -> Any:
    return pb.PullImageRequest(image="127.0.0.1:1/app", tag="1")


@images("PullImage", UNREACHABLE)
async def pull_from_no_host(at: At) -> Any:
    return pb.PullImageRequest(image="no-such-host.invalid/app", tag="1")


@images("PullImage", LIMIT)
async def pull_from_a_busy_registry(at: At) -> Any:
    return pb.PullImageRequest(image=await busy(at), tag="1")


@images("PushImage", "NOT_FOUND")
async def push_no_image(at: At) -> Any:
    return pb.PushImageRequest(name=f"{at.registry.address}/{at.name}", tag="1")


async def push(at: At, repository: str, **request: Any) -> Any:
    """A push of a new image."""
    await at.image(f"{repository}:1")
    return pb.PushImageRequest(name=repository, tag="1", **request)


@images("PushImage", AUTH)
async def push_with_a_wrong_password(at: At) -> Any:
    return await push(at, f"{at.guarded_registry.address}/{at.name}", registry_auth=WRONG)


@images("PushImage", AUTH)
async def push_to_what_is_hidden(at: At) -> Any:
    return await push(at, await denied(at))


@images("PushImage", UNREACHABLE)
async def push_to_no_registry(at: At) -> Any:
    return await push(at, f"127.0.0.1:1/{at.name}")


@images("PushImage", LIMIT)
async def push_to_a_busy_registry(at: At) -> Any:
    return await push(at, await busy(at))


@images("SearchImages", INVALID_REQUEST)
async def search_with_an_unknown_filter(at: At) -> Any:
    return pb.SearchImagesRequest(term="x", filters=filters(nope=["x"]))


@images("SearchImages", INVALID_REQUEST)
async def search_for_too_many(at: At) -> Any:
    return pb.SearchImagesRequest(term="x", limit=1000)


@images("SearchImages", UNREACHABLE)
async def search_no_registry(at: At) -> Any:
    return pb.SearchImagesRequest(term="127.0.0.1:1/x")


@distribution("InspectDistribution", "NOT_FOUND")
async def look_up_no_image(at: At) -> Any:
    return distribution_pb2.InspectDistributionRequest(name=f"{at.registry.address}/{at.name}:1")


@distribution("InspectDistribution", AUTH)
async def look_up_with_a_wrong_password(at: At) -> Any:
    name = f"{at.guarded_registry.address}/app:1"
    return distribution_pb2.InspectDistributionRequest(name=name, registry_auth=WRONG)


@distribution("InspectDistribution", AUTH)
async def look_up_what_is_hidden(at: At) -> Any:
    return distribution_pb2.InspectDistributionRequest(name=f"{await denied(at)}:1")


@distribution("InspectDistribution", "INVALID_ARGUMENT (INVALID_FIELD)")
async def look_up_in_upper_case(at: At) -> Any:
    return distribution_pb2.InspectDistributionRequest(name="UPPER")


@distribution("InspectDistribution", INVALID_REQUEST)
async def look_up_an_id(at: At) -> Any:
    return distribution_pb2.InspectDistributionRequest(name="a" * 64)


@distribution("InspectDistribution", LIMIT)
async def look_up_in_a_busy_registry(at: At) -> Any:
    return distribution_pb2.InspectDistributionRequest(name=f"{await busy(at)}:1")


@distribution("InspectDistribution", UNREACHABLE)
async def look_up_in_no_registry(at: At) -> Any:
    return distribution_pb2.InspectDistributionRequest(name="127.0.0.1:1/app:1")


@system("CheckAuth", AUTH)
async def check_a_wrong_password(at: At) -> Any:
    credentials = AuthConfig(server_address=at.guarded_registry.address, username="tester", password="wrong")
    return system_pb2.CheckAuthRequest(credentials=credentials)


@system("CheckAuth", UNREACHABLE)
async def check_at_no_registry(at: At) -> Any:
    credentials = AuthConfig(server_address="127.0.0.1:1", username="tester", password="x")
    return system_pb2.CheckAuthRequest(credentials=credentials)
