"""What is remembered of the last lists makes no difference to the next ones."""

from __future__ import annotations

import json
from typing import Any

import pytest
from dockfleet.v1 import containers_pb2, images_pb2, volumes_pb2
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.codec.binding import Binding
from gateway.engine.codec.memo import ListMemo
from gateway.engine.errors import BadResponse
from gateway.engine.transport.http import Response
from gateway.engine.transport.turns import Traffic, Turns
from tests.support import contract

METHODS = {method.name: method for method in contract.methods()}
CONTAINERS = st.fixed_dictionaries(
    {"Id": st.sampled_from("abc"), "State": st.sampled_from(["running", "exited"])},
    optional={"Labels": st.dictionaries(st.sampled_from("xy"), st.text(max_size=2), max_size=2), "Names": st.just(7)},
)


class Lists:
    """One host's lists by one RPC: as they are remembered, and as each of them is when it is read by itself."""

    def __init__(self, rpc: str, message: type[Message]) -> None:
        self.binding = Binding(METHODS[rpc])
        self.memo = ListMemo(self.binding)
        self.message = message
        self.skipped: list[int] = []

    async def remembered(self, document: Any) -> Message:
        """Return the response to a list."""
        response = Response(200, {}, document if isinstance(document, bytes) else json.dumps(document).encode())
        data = (
            await self.memo.serialised(response, Turns(Traffic()), lambda rpc, count: self.skipped.append(count))
        ).getvalue()
        return self.message.FromString(data)

    def by_itself(self, document: Any) -> Message:
        """Return what the response must be."""
        return self.binding.response(Response(200, {}, json.dumps(document).encode()))


@pytest.fixture
def containers() -> Any:
    """Lists of containers."""
    lists = Lists("ListContainers", containers_pb2.ListContainersResponse)
    yield lists
    lists.memo.close()


@given(st.lists(st.none() | st.lists(CONTAINERS, max_size=4), max_size=4))
async def test_each_list_is_what_it_is_by_itself(some: list[Any]) -> None:
    """Whatever was listed before, and also where values do not fit the contract."""
    lists = Lists("ListContainers", containers_pb2.ListContainersResponse)
    try:
        for document in some:
            assert await lists.remembered(document) == lists.by_itself(document)
    finally:
        lists.memo.close()


@pytest.mark.parametrize("warnings", [None, [], ["careful"]])
async def test_a_list_of_volumes_has_its_warnings(warnings: Any) -> None:
    """They are beside the volumes, which may be null."""
    lists = Lists("ListVolumes", volumes_pb2.ListVolumesResponse)
    try:
        for volumes in ([{"Name": "data", "Driver": "local"}], None, [{"Name": "data", "Driver": "other"}]):
            document = {"Warnings": warnings, "Volumes": volumes}
            assert await lists.remembered(document) == lists.by_itself(document)
    finally:
        lists.memo.close()


async def test_a_long_list_is_read_to_its_end() -> None:
    """Also where it is cut into pieces."""
    images = [{"Id": f"sha256:{number:064d}", "RepoTags": [f"some:{number}"]} for number in range(1_000)]
    lists = Lists("ListImages", images_pb2.ListImagesResponse)
    try:
        for document in (images, images[::-1], images[500:]):
            assert await lists.remembered(document) == lists.by_itself(document)
    finally:
        lists.memo.close()


async def test_what_does_not_fit_is_counted_in_each_list(containers: Lists) -> None:
    """An item with skipped values is not cached, because every response must count them."""
    for _ in range(2):
        await containers.remembered([{"Id": "a", "Names": 7}, {"Id": "b"}])

    assert containers.skipped == [1, 1]


async def test_only_what_was_listed_lately_is_kept(containers: Lists) -> None:
    """A host whose containers change all the time costs no more memory than two of its lists."""
    for number in range(1_000):
        await containers.remembered([{"Id": str(number)}])

    assert len(containers.memo._young) + len(containers.memo._old) < 200


@pytest.mark.parametrize("body", [b"{}", b"7", b'[{"Id": "a"}', b'[{"Id": "a"}, 7]', b"[[]]"])
async def test_nonsense_is_a_bad_response(containers: Lists, body: bytes) -> None:
    """As for any other RPC, and the next list is none the worse for it."""
    with pytest.raises(BadResponse):
        await containers.remembered(body)

    assert await containers.remembered([{"Id": "a"}]) == containers.by_itself([{"Id": "a"}])
