"""SystemService and HostService: RPCs about hosts as a whole."""

from __future__ import annotations

from typing import Any

from dockfleet.fleet.v1 import hosts_pb2, selectors_pb2
from dockfleet.v1 import system_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from tests.real.statuses.at import At, Rows
from tests.support.statuses import filters

system, fleet = Rows("SystemService"), Rows("HostService")
INVALID_FIELD = "INVALID_ARGUMENT (INVALID_FIELD)"


@system("StreamEvents", INVALID_FIELD)
async def unknown_filter_of_events(at: At) -> Any:
    return pb.StreamEventsRequest(filters=filters(nope=["x"]))


@system("StreamEvents", INVALID_FIELD)
async def until_before_since(at: At) -> Any:
    return pb.StreamEventsRequest(since=Timestamp(seconds=2), until=Timestamp(seconds=1))


@system("StreamEvents", "INVALID_ARGUMENT (BAD_RESUME_TOKEN)")
async def forged_token_of_events(at: At) -> Any:
    return pb.StreamEventsRequest(resume_token=b"forged")


@fleet("ListHosts", "NOT_FOUND (UNKNOWN_HOST)")
async def select_an_unknown_host(at: At) -> Any:
    return hosts_pb2.ListHostsRequest(selector=selectors_pb2.HostSelector(names=[at.name]))


@fleet("ListHosts", INVALID_FIELD)
async def select_nothing(at: At) -> Any:
    return hosts_pb2.ListHostsRequest(selector=selectors_pb2.HostSelector())


@fleet("GetHost", "NOT_FOUND (UNKNOWN_HOST)")
async def get_an_unknown_host(at: At) -> Any:
    return hosts_pb2.GetHostRequest(host=at.name)


@fleet("GetHost", INVALID_FIELD)
async def get_no_host(at: At) -> Any:
    return hosts_pb2.GetHostRequest()
