"""ImageService and DistributionService: what moves images, with progress and bytes, and what asks registries."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import Any

import orjson
from dockfleet.v1 import distribution_pb2
from dockfleet.v1 import images_pb2 as pb
from dockfleet.v1.common_pb2 import AuthConfig, Progress

from tests.rpc.rows.images import ARM, ARM_TEXT, NAME, WINDOWS, WINDOWS_TEXT
from tests.rpc.rows.row import DIGEST, Row

AUTH = AuthConfig(username="ada", password="~~~???ÿÿ", server_address="registry.example.com:5000")
AUTH_JSON = {"username": "ada", "password": "~~~???ÿÿ", "serveraddress": "registry.example.com:5000"}
# URL-safe base64, with padding, as Go's decoder wants it.
AUTH_HEADER = (
    "eyJ1c2VybmFtZSI6ImFkYSIsInBhc3N3b3JkIjoifn5-Pz8_w7_DvyIsInNlcnZlcmFkZHJlc3MiOiJyZWdpc3RyeS5leGFtcGxlLmNvbTo1MDAw"
    "In0="
)
TAR = {"content-type": "application/x-tar", "transfer-encoding": "chunked"}


def header(document: Any) -> str:
    """A header as the engine decodes it: URL-safe base64 of JSON."""
    return urlsafe_b64encode(orjson.dumps(document)).decode()


ROWS = [
    Row(
        "ImageService.PullImage",
        pb.PullImageRequest(image=NAME, tag=DIGEST, platform="linux/arm64", registry_auth=AUTH),
        "POST /images/create",
        {
            "lines": [
                {"status": "Pulling from team/app", "id": "1.2"},
                {
                    "status": "Downloading",
                    "progressDetail": {"current": 5000000000, "total": 0},
                    "id": "a1",
                    "progress": "[>]",
                },
                {"status": "Pull complete", "progressDetail": {}, "id": "a1"},
            ]
        },
        [
            pb.PullImageResponse(progress={"status": "Pulling from team/app", "id": "1.2"}),
            pb.PullImageResponse(progress={"status": "Downloading", "progress_detail": {"current": 5000000000}}),
            pb.PullImageResponse(progress={"status": "Pull complete", "id": "a1"}),
        ],
        query=[("fromImage", NAME), ("tag", DIGEST), ("platform", "linux/arm64")],
        headers={"x-registry-auth": AUTH_HEADER},
    ),
    Row(
        "ImageService.PullImage",
        pb.PullImageRequest(image="busybox"),
        "POST /images/create",
        {"chunks": [b'{"status":"Do', b'ne"}\r\n{"status":', b'"x"}']},
        [pb.PullImageResponse(progress={"status": "Done"}), pb.PullImageResponse(progress={"status": "x"})],
        query=[("fromImage", "busybox")],
        headers={"x-registry-auth": ""},
        why="anonymous, whose lines keep to no borders",
    ),
    Row(
        "ImageService.PushImage",
        pb.PushImageRequest(name=NAME, tag="1.2", platform=ARM, registry_auth=AUTH),
        f"POST /images/{NAME}/push",
        {
            "lines": [
                {"status": "The push refers to repository [x]"},
                {"progressDetail": {}, "aux": {"Tag": "1.2", "Digest": DIGEST, "Size": 527}},
            ]
        },
        [
            pb.PushImageResponse(progress={"status": "The push refers to repository [x]"}),
            pb.PushImageResponse(progress={"result": {"tag": "1.2", "digest": DIGEST, "size": 527}}),
        ],
        query=[("tag", "1.2"), ("platform", ARM_TEXT)],
        headers={"x-registry-auth": AUTH_HEADER},
    ),
    Row(
        "ImageService.PushImage",
        pb.PushImageRequest(name="app"),
        "POST /images/app/push",
        {"lines": []},
        [],
        headers={"x-registry-auth": "e30="},
        why="anonymous: engines insist on the header",
    ),
    Row(
        "ImageService.BuildImage",
        pb.BuildImageStart(
            tags=["team/app:1.2", "app"],
            dockerfile="sub/Dockerfile",
            remote="https://example.com/x.git#main",
            target="final",
            platform="linux/arm64",
            build_args={"A": "b=c"},
            labels={"l": ""},
            pull=True,
            registry_config={"registry.example.com:5000": AUTH},
            no_cache=True,
            cache_from={"items": ["a:1", "b"]},
            quiet=False,
            remove_intermediate=False,
            force_remove_intermediate=True,
            squash=False,
            network_mode="host",
            extra_hosts=["a:1.2.3.4", "b:::1"],
            memory_bytes=5000000000,
            memory_swap_bytes=-1,
            cpu_shares=512,
            cpuset_cpus="0,1",
            cpu_period_microseconds=100_000,
            cpu_quota_microseconds=0,
            shm_size_bytes=1,
            version="2",
            outputs={"items": [{"type": "moby", "attrs": {"compression": "zstd"}}]},
        ),
        "POST /build",
        {"lines": [{"stream": "Step 1/1 : FROM scratch\n"}, {"aux": {"ID": DIGEST}}]},
        [
            pb.BuildImageResponse(progress={"stream": "Step 1/1 : FROM scratch\n"}),
            pb.BuildImageResponse(progress={"result": {"id": DIGEST}}),
        ],
        query=[
            ("t", "team/app:1.2"),
            ("t", "app"),
            ("dockerfile", "sub/Dockerfile"),
            ("remote", "https://example.com/x.git#main"),
            ("target", "final"),
            ("platform", "linux/arm64"),
            ("buildargs", '{"A":"b=c"}'),
            ("labels", '{"l":""}'),
            ("pull", "true"),
            ("nocache", "true"),
            ("cachefrom", '["a:1","b"]'),
            ("q", "false"),
            ("rm", "false"),
            ("forcerm", "true"),
            ("squash", "false"),
            ("networkmode", "host"),
            ("extrahosts", "a:1.2.3.4"),
            ("extrahosts", "b:::1"),
            ("memory", "5000000000"),
            ("memswap", "-1"),
            ("cpushares", "512"),
            ("cpusetcpus", "0,1"),
            ("cpuperiod", "100000"),
            ("cpuquota", "0"),
            ("shmsize", "1"),
            ("version", "2"),
            ("outputs", '[{"Type":"moby","Attrs":{"compression":"zstd"}}]'),
        ],
        headers=TAR | {"x-registry-config": header({"registry.example.com:5000": AUTH_JSON})},
        upload=(b"tar of ", b"the context"),
    ),
    Row(
        "ImageService.ImportImage",
        pb.ImportImageStart(
            from_src="https://example.com/x.tar",
            repo="team/app",
            tag="1.2",
            message="ä",
            changes=["ENV A=b", "CMD sh"],
            platform="linux",
        ),
        "POST /images/create",
        {"lines": [{"status": DIGEST}]},
        [pb.ImportImageResponse(progress=Progress(status=DIGEST))],
        query=[
            ("fromSrc", "https://example.com/x.tar"),
            ("repo", "team/app"),
            ("tag", "1.2"),
            ("message", "ä"),
            ("changes", "ENV A=b"),
            ("changes", "CMD sh"),
            ("platform", "linux"),
        ],
        headers=TAR,
    ),
    Row(
        "ImageService.ImportImage",
        pb.ImportImageStart(),
        "POST /images/create",
        {"lines": [{"status": DIGEST}]},
        [pb.ImportImageResponse(progress=Progress(status=DIGEST))],
        query=[("fromSrc", "-")],
        headers=TAR,
        upload=(b"a file system",),
        why="of what is sent along",
    ),
    Row(
        "ImageService.LoadImages",
        pb.LoadImagesStart(quiet=True, platforms=[ARM, WINDOWS]),
        "POST /images/load",
        {"lines": [{"stream": "Loaded image: busybox:latest\n"}]},
        [pb.LoadImagesResponse(progress=Progress(stream="Loaded image: busybox:latest\n"))],
        query=[("quiet", "true"), ("platform", ARM_TEXT), ("platform", WINDOWS_TEXT)],
        headers=TAR,
        upload=(b"images",),
    ),
    Row(
        "ImageService.SaveImage",
        pb.SaveImageRequest(name=NAME, platforms=[ARM, WINDOWS]),
        f"GET /images/{NAME}/get",
        {"body": b"\x00tar\xff"},
        [pb.SaveImageResponse(data=b"\x00tar\xff")],
        query=[("platform", ARM_TEXT), ("platform", WINDOWS_TEXT)],
    ),
    Row(
        "ImageService.SaveImages",
        pb.SaveImagesRequest(names=[NAME, "busybox"], platforms=[ARM]),
        "GET /images/get",
        {"body": b"tar"},
        [pb.SaveImagesResponse(data=b"tar")],
        query=[("names", NAME), ("names", "busybox"), ("platform", ARM_TEXT)],
    ),
    Row(
        "DistributionService.InspectDistribution",
        distribution_pb2.InspectDistributionRequest(
            name=f"team/app@{DIGEST}", registry_auth=AuthConfig(identity_token="t")
        ),
        f"GET /distribution/team/app@{DIGEST}/json",
        {
            "json": {
                "Descriptor": {"mediaType": "application/vnd.oci.image.index.v1+json", "digest": DIGEST, "size": 1610},
                "Platforms": [{"architecture": "arm", "os": "linux", "variant": "v7", "os.features": None}],
            }
        },
        distribution_pb2.InspectDistributionResponse(
            oci_descriptor={"digest": DIGEST, "size": 1610},
            platforms=[{"architecture": "arm", "os": "linux", "variant": "v7"}],
        ),
        headers={"x-registry-auth": header({"identitytoken": "t"})},
    ),
]
