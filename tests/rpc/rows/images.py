"""ImageService: what is asked about images, and what changes or removes them."""

from __future__ import annotations

from dockfleet.v1 import images_pb2 as pb
from dockfleet.v1.container_config_pb2 import ContainerConfig
from dockfleet.v1.oci_pb2 import OciPlatform
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from tests.rpc.rows.row import AGE, ASKED, DIGEST, Row
from tests.support.statuses import filters

NAME = "registry.example.com:5000/team/app:1.2"
ARM = OciPlatform(os="linux", architecture="arm64", variant="v8")
ARM_TEXT = '{"architecture":"arm64","os":"linux","variant":"v8"}'
WINDOWS = OciPlatform(os="windows", architecture="amd64", os_version="10.0.19041", os_features=["win32k"])
WINDOWS_TEXT = '{"architecture":"amd64","os":"windows","os.version":"10.0.19041","os.features":["win32k"]}'

LISTED = {
    "Containers": -1,
    "Created": 1709294400,
    "Id": DIGEST,
    "Labels": None,
    "ParentId": "",
    "RepoDigests": ["busybox@" + DIGEST],
    "RepoTags": None,
    "SharedSize": -1,
    "Size": 5000000000,
    "VirtualSize": 5000000000,
    "Descriptor": {
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "digest": DIGEST,
        "size": 1610,
        "annotations": None,
        "platform": None,
    },
    "Manifests": [
        {
            "ID": DIGEST,
            "Available": True,
            "Kind": "image",
            "Size": {"Total": 3, "Content": 2},
            "ImageData": {"Platform": {"architecture": "arm64", "os": "linux", "os.version": "1"}, "Containers": []},
        }
    ],
}
INSPECTED = {
    "Id": DIGEST,
    "RepoTags": [NAME],
    "RepoDigests": [],
    "Parent": "",
    "Comment": "buildkit.dockerfile.v0",
    "Created": "1980-01-01T00:00:01Z",
    "DockerVersion": "",
    "Config": {"Env": None, "Cmd": ["sh"], "ExposedPorts": {"80/tcp": {}}, "Healthcheck": {"Interval": 30000000000}},
    "ContainerConfig": {"Hostname": "", "Cmd": None, "Labels": None},
    "Architecture": "arm64",
    "Os": "linux",
    "Size": 4261550,
    "GraphDriver": {"Data": None, "Name": "overlay2"},
    "RootFS": {"Type": "layers", "Layers": [DIGEST]},
    "Metadata": {"LastTagTime": "0001-01-01T00:00:00Z"},
}
STATEMENT = {"_type": "https://in-toto.io/Statement/v1", "subject": [{"name": "x"}], "predicate": {"n": 1.5, "b": None}}


def struct(value: dict[str, object]) -> Struct:
    """An object as a Struct."""
    made = Struct()
    made.update(value)
    return made


ROWS = [
    Row(
        "ImageService.ListImages",
        pb.ListImagesRequest(
            all=True,
            filters=filters(reference=["app*"]),
            shared_size=True,
            digests=False,
            manifests=True,
            identity=True,
            max_age=AGE,
        ),
        "GET /images/json",
        {"json": [LISTED]},
        pb.ListImagesResponse(
            freshness=ASKED,
            images=[
                pb.ImageSummary(
                    id=DIGEST,
                    containers=-1,
                    created_at=Timestamp(seconds=1709294400),
                    size_bytes=5000000000,
                    shared_size_bytes=-1,
                    oci_descriptor={"digest": DIGEST, "size": 1610},
                    manifests=[
                        {
                            "available": True,
                            "size": {"total_bytes": 3, "content_bytes": 2},
                            "image_data": {"platform": {"architecture": "arm64", "os_version": "1"}},
                        }
                    ],
                )
            ],
        ),
        query=[
            ("all", "true"),
            ("filters", '{"reference":["app*"]}'),
            ("shared-size", "true"),
            ("digests", "false"),
            ("manifests", "true"),
            ("identity", "true"),
        ],
    ),
    Row(
        "ImageService.InspectImage",
        pb.InspectImageRequest(name=NAME, manifests=False, platform=WINDOWS),
        f"GET /images/{NAME}/json",
        {"json": INSPECTED},
        pb.InspectImageResponse(
            image=pb.Image(
                id=DIGEST,
                repo_tags=[NAME],
                created_at=Timestamp(seconds=315532801),
                config={"cmd": ["sh"], "exposed_ports": ["80/tcp"], "healthcheck": {"interval": Duration(seconds=30)}},
                root_fs={"type": "layers", "layers": [DIGEST]},
                graph_driver={"name": "overlay2"},
                metadata={},
            )
        ),
        query=[("manifests", "false"), ("platform", WINDOWS_TEXT)],
    ),
    Row(
        "ImageService.ListImageAttestations",
        pb.ListImageAttestationsRequest(
            name=f"app@{DIGEST}",
            platforms=[ARM, WINDOWS],
            predicate_types=["https://spdx.dev/Document", "b"],
            statement=True,
        ),
        f"GET /images/app@{DIGEST}/attestations",
        {
            "json": [
                {
                    "Descriptor": {"digest": DIGEST},
                    "PredicateType": "https://slsa.dev/provenance/v1",
                    "Statement": STATEMENT,
                }
            ]
        },
        pb.ListImageAttestationsResponse(
            attestations=[{"predicate_type": "https://slsa.dev/provenance/v1", "statement": struct(STATEMENT)}]
        ),
        query=[
            ("platform", ARM_TEXT),
            ("platform", WINDOWS_TEXT),
            ("type", "https://spdx.dev/Document"),
            ("type", "b"),
            ("statement", "true"),
        ],
    ),
    Row(
        "ImageService.GetImageHistory",
        pb.GetImageHistoryRequest(name=DIGEST, platform=ARM),
        f"GET /images/{DIGEST}/history",
        {
            "json": [
                {"Comment": "", "Created": 1709294400, "CreatedBy": "CMD", "Id": "<missing>", "Size": 0, "Tags": None},
                {"Comment": "", "Created": -62135596800, "CreatedBy": "ADD", "Id": DIGEST, "Size": 7, "Tags": ["a:b"]},
            ]
        },
        pb.GetImageHistoryResponse(
            layers=[
                {"id": "<missing>", "created_at": {"seconds": 1709294400}, "created_by": "CMD"},
                {"id": DIGEST, "size_bytes": 7, "tags": ["a:b"]},
            ]
        ),
        query=[("platform", ARM_TEXT)],
    ),
    Row(
        "ImageService.TagImage",
        pb.TagImageRequest(name="app", repo="registry.example.com:5000/team/app", tag="1.2"),
        "POST /images/app/tag",
        {"status": 201},
        pb.TagImageResponse(),
        query=[("repo", "registry.example.com:5000/team/app"), ("tag", "1.2")],
    ),
    Row(
        "ImageService.RemoveImage",
        pb.RemoveImageRequest(name=NAME, force=True, no_prune=False, platforms=[ARM, WINDOWS]),
        f"DELETE /images/{NAME}",
        {"json": [{"Untagged": NAME}, {"Deleted": DIGEST}]},
        pb.RemoveImageResponse(images=[{"untagged": NAME}, {"deleted": DIGEST}]),
        query=[("force", "true"), ("noprune", "false"), ("platforms", ARM_TEXT), ("platforms", WINDOWS_TEXT)],
    ),
    Row(
        "ImageService.SearchImages",
        pb.SearchImagesRequest(term="a b&c", limit=5, filters={"is-official": filters(x=["true"])["x"]}),
        "GET /images/search",
        {"json": [{"star_count": 3, "is_official": True, "name": "nginx", "is_automated": False, "description": "ä"}]},
        pb.SearchImagesResponse(results=[{"name": "nginx", "star_count": 3, "is_official": True, "description": "ä"}]),
        query=[("term", "a b&c"), ("limit", "5"), ("filters", '{"is-official":["true"]}')],
    ),
    Row(
        "ImageService.PruneImages",
        pb.PruneImagesRequest(filters=filters(dangling=["false"])),
        "POST /images/prune",
        {"json": {"ImagesDeleted": [{"Untagged": NAME}, {"Deleted": DIGEST}], "SpaceReclaimed": 5000000000}},
        pb.PruneImagesResponse(
            images_deleted=[{"untagged": NAME}, {"deleted": DIGEST}], space_reclaimed_bytes=5000000000
        ),
        query=[("filters", '{"dangling":["false"]}')],
    ),
    Row(
        "ImageService.PruneImages",
        pb.PruneImagesRequest(),
        "POST /images/prune",
        {"json": {"ImagesDeleted": None, "SpaceReclaimed": 0}},
        pb.PruneImagesResponse(),
        why="with nothing to remove",
    ),
    Row(
        "ImageService.PruneBuildCache",
        pb.PruneBuildCacheRequest(
            all=True,
            filters=filters(until=["24h"]),
            reserved_space_bytes=1,
            max_used_space_bytes=5000000000,
            min_free_space_bytes=0,
            keep_storage_bytes=2,
        ),
        "POST /build/prune",
        {"json": {"CachesDeleted": ["abc"], "SpaceReclaimed": 9}},
        pb.PruneBuildCacheResponse(caches_deleted=["abc"], space_reclaimed_bytes=9),
        query=[
            ("all", "true"),
            ("filters", '{"until":["24h"]}'),
            ("reserved-space", "1"),
            ("max-used-space", "5000000000"),
            ("min-free-space", "0"),
            ("keep-storage", "2"),
        ],
    ),
    Row(
        "ImageService.CommitContainer",
        pb.CommitContainerRequest(
            container="web",
            repo="team/app",
            tag="1.2",
            comment="ä & b",
            author="Ada Lovelace <ada@example.com>",
            pause=False,
            changes=["ENV A=b", "CMD sh"],
            config=ContainerConfig(env=["A=b"], exposed_ports=["80/tcp"], healthcheck={"retries": 3}),
        ),
        "POST /commit",
        {"status": 201, "json": {"Id": DIGEST}},
        pb.CommitContainerResponse(id=DIGEST),
        query=[
            ("container", "web"),
            ("repo", "team/app"),
            ("tag", "1.2"),
            ("comment", "ä & b"),
            ("author", "Ada Lovelace <ada@example.com>"),
            ("pause", "false"),
            ("changes", "ENV A=b"),
            ("changes", "CMD sh"),
        ],
        body={"Env": ["A=b"], "ExposedPorts": {"80/tcp": {}}, "Healthcheck": {"Retries": 3}},
    ),
    Row(
        "ImageService.CommitContainer",
        pb.CommitContainerRequest(container="web"),
        "POST /commit",
        {"status": 201, "json": {"Id": DIGEST}},
        pb.CommitContainerResponse(id=DIGEST),
        query=[("container", "web")],
        body={},
        why="as it is",
    ),
]
