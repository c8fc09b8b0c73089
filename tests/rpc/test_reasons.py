"""What an engine's refusals mean (reliability.md C14): operation first, then status, words last.

The words are those of real engines, of 20.10 where they differ; `200` stands for a failure within an answer.
"""

from __future__ import annotations

import itertools
import re
import time
from typing import NamedTuple

import pytest
from dockfleet.v1 import common_pb2 as pb
from grpc import StatusCode as Code

from gateway.rpc import reasons
from gateway.rpc.reasons import meaning
from tests.support import contract


class Row(NamedTuple):
    """A refusal and its meaning."""

    operation: str
    status: int
    code: Code
    reason: str
    words: str

    def __str__(self) -> str:
        return f"{self.operation}-{self.status}-{self.reason}"


INVALID, FAILED, MISSING = Code.INVALID_ARGUMENT, Code.FAILED_PRECONDITION, Code.NOT_FOUND
FULL, AGAIN, ABORTED = Code.RESOURCE_EXHAUSTED, Code.UNAVAILABLE, Code.ABORTED
OCI = "OCI runtime create failed: runc create failed: unable to start container process: "
REFUSED = "dial tcp 127.0.0.1:1: connect: connection refused"

EVERYWHERE = [
    (400, INVALID, "INVALID_REQUEST", "Invalid signal: NOPE"),
    (400, FAILED, "HOST_INCOMPATIBLE", "client version 1.45 is too new. Maximum supported API is 1.41"),
    (400, FAILED, "HOST_INCOMPATIBLE", "client version 1.41 is too old. Minimum supported is 1.44"),
    (400, FAILED, "AMBIGUOUS_ID", "multiple IDs found with provided prefix: 0"),
    (500, FAILED, "AMBIGUOUS_ID", "Multiple IDs found with provided prefix: 0"),
    (401, FAILED, "HOST_CREDENTIALS_REJECTED", "401 Authorization Required"),
    (403, Code.PERMISSION_DENIED, "ENGINE_AUTHZ", "authorization denied by plugin opa: no"),
    (403, Code.PERMISSION_DENIED, "ENGINE_AUTHZ", "<html><body><h1>403 Forbidden</h1></body></html>"),
    (404, MISSING, "NOT_FOUND", "No such container: web"),
    (404, Code.INTERNAL, "BAD_ENGINE_RESPONSE", "page not found"),
    (405, Code.UNIMPLEMENTED, "NOT_SUPPORTED", "method not allowed"),
    (409, FAILED, "CONFLICT", "Container 0123 is not running"),
    (409, FAILED, "CONFLICT", "Container 0123 is paused, unpause the container before exec"),
    (409, ABORTED, "BEING_CHANGED", "removal of container 0123 is already in progress"),
    (412, FAILED, "CONFLICT", "failed precondition"),
    (413, INVALID, "INVALID_REQUEST", "request entity too large"),
    (429, FULL, "HOST_BUSY", "Too Many Requests"),
    (500, FULL, "HOST_DISK_FULL", "write /var/lib/docker/x: no space left on device"),
    (500, FULL, "HOST_RESOURCES", "fork/exec /usr/bin/runc: too many open files"),
    (500, FULL, "HOST_RESOURCES", "fork/exec /usr/bin/runc: cannot allocate memory"),
    (501, Code.UNIMPLEMENTED, "NOT_SUPPORTED", "not implemented"),
    (503, FAILED, "NOT_SWARM_MANAGER", 'This node is not a swarm manager. Use "docker swarm init"'),
]
ROWS = [
    *(Row("InspectContainer", *row) for row in EVERYWHERE),
    Row("ListContainers", 500, MISSING, "NOT_FOUND", "no such container nope"),
    Row("ListContainers", 500, INVALID, "INVALID_REQUEST", 'strconv.Atoi: parsing "x": invalid syntax'),
    Row("ListImages", 500, INVALID, "INVALID_REQUEST", "syntax error in pattern"),
    Row("ListNetworks", 500, INVALID, "INVALID_REQUEST", "invalid filter: 'type'='x'"),
    Row("ListVolumes", 500, INVALID, "INVALID_REQUEST", "error parsing regexp: missing closing ): `(`"),
    Row("ListContainers", 500, INVALID, "INVALID_REQUEST", "name or ID cannot be empty"),
    Row("PruneImages", 500, INVALID, "INVALID_REQUEST", 'failed to parse value as time or duration: "abc"'),
    Row("PruneVolumes", 500, INVALID, "INVALID_REQUEST", "more than one until filter specified"),
    Row(
        "PruneBuildCache",
        500,
        INVALID,
        "INVALID_REQUEST",
        'failed to prune build cache: "until" filter expects a duration (e.g., \'24h\'): time: invalid duration "abc"',
    ),
    Row("PruneImages", 409, ABORTED, "BEING_CHANGED", "a prune operation is already running"),
    Row("GetDataUsage", 500, ABORTED, "BEING_CHANGED", "a disk usage operation is already running"),
    # A start: every failure but a missing container is START_FAILED, whatever the words are.
    Row("StartContainer", 400, FAILED, "START_FAILED", f'{OCI}exec: "nope": executable file not found in $PATH'),
    Row("StartContainer", 400, FAILED, "START_FAILED", f'{OCI}exec: "/etc": permission denied: unknown'),
    Row("StartContainer", 400, FAILED, "START_FAILED", "No such container: nope"),  # of its `pid_mode`
    Row("StartContainer", 403, FAILED, "START_FAILED", "Address already in use"),
    Row("StartContainer", 404, FAILED, "START_FAILED", "network gone not found"),
    Row("StartContainer", 404, MISSING, "NOT_FOUND", "No such container: web"),
    Row("StartContainer", 409, FAILED, "CONFLICT", "cannot start a paused container, try unpause instead"),
    Row(
        "StartContainer", 500, FAILED, "START_FAILED", "unable to find user nobody: no matching entries in passwd file"
    ),
    Row("StartContainer", 500, FAILED, "START_FAILED", f"failed to initialize logging driver: {REFUSED}"),
    Row("StartContainer", 500, FAILED, "START_FAILED", "error while mounting volume '/x': permission denied"),
    Row("StartContainer", 500, FAILED, "START_FAILED", f"{OCI}mkdir /sys/fs/cgroup/x: no space left on device"),
    Row("StartContainer", 500, FULL, "HOST_DISK_FULL", "mkdir /var/lib/docker/overlay2/x: no space left on device"),
    Row("RestartContainer", 500, FAILED, "START_FAILED", f"Cannot restart container 0123: {OCI}x"),
    Row("StartExec", 400, FAILED, "EXEC_START_FAILED", 'OCI runtime exec failed: exec failed: exec: "nope": unknown'),
    Row("StartExec", 400, INVALID, "INVALID_REQUEST", "console size is only supported with a terminal"),
    Row("StartExec", 404, MISSING, "NOT_FOUND", "No such exec instance: 1f"),
    Row("StartExec", 409, FAILED, "CONFLICT", "Error: Exec command 0123 is already running"),
    Row(
        "StartExec", 500, FAILED, "EXEC_START_FAILED", "unable to find user nobody: no matching entries in passwd file"
    ),
    Row("CreateExec", 500, INVALID, "INVALID_REQUEST", "Invalid escape keys (ctrl-) provided"),
    Row("ResizeExec", 404, MISSING, "NOT_FOUND", "no such exec"),
    Row("ResizeExec", 500, MISSING, "NOT_FOUND", "cannot resize a stopped container: unknown"),
    Row("ResizeExec", 500, FAILED, "CONFLICT", "timeout waiting for exec session ready"),
    Row("ResizeContainer", 500, FAILED, "CONFLICT", "cannot resize a stopped container: unknown"),
    Row("CreateContainer", 409, Code.ALREADY_EXISTS, "NAME_IN_USE", 'The container name "/web" is already in use'),
    Row("CreateContainer", 500, INVALID, "INVALID_REQUEST", "invalid mode: q"),
    Row("CreateContainer", 500, Code.INTERNAL, "ENGINE_ERROR", "invalid character '}' after top-level value"),
    Row("CreateVolume", 409, Code.ALREADY_EXISTS, "NAME_IN_USE", "create x: volume name must be unique"),
    Row("RemoveContainer", 500, FAILED, "CONFLICT", "Conflict, cannot remove the default link name of the container"),
    Row("RemoveImage", 409, FAILED, "CONFLICT", "unable to delete 0123 - image is being used by running container 4"),
    Row("UnpauseContainer", 500, FAILED, "CONFLICT", "Container 0123 is not paused"),
    Row(
        "UpdateContainer", 500, FAILED, "CONFLICT", "Cannot update container 0123: runc did not terminate successfully"
    ),
    Row("KillContainer", 500, INVALID, "INVALID_REQUEST", "The linux daemon does not support signal 999"),
    Row("KillContainer", 500, Code.INTERNAL, "ENGINE_ERROR", "Cannot kill container: 0123: permission denied"),
    Row("TopContainer", 500, INVALID, "INVALID_REQUEST", "ps: error: unknown gnu long option"),
    Row("TopContainer", 500, INVALID, "INVALID_REQUEST", "Couldn't find PID field in ps output"),
    Row("TopContainer", 500, FAILED, "NOT_SUPPORTED", 'ps: exec: "ps": executable file not found in $PATH'),
    Row("StreamLogs", 501, FAILED, "NOT_SUPPORTED", "configured logging driver does not support reading"),
    Row("StreamLogs", 200, FAILED, "OPERATION_FAILED", "Error grabbing logs: invalid character"),
    Row("GetContainerArchive", 500, MISSING, "NOT_FOUND", "lstat /etc/passwd/x: not a directory"),
    Row("PutContainerArchive", 500, MISSING, "NOT_FOUND", "not a directory"),
    Row("PutContainerArchive", 500, INVALID, "INVALID_REQUEST", "extraction point is not a directory"),
    Row("PutContainerArchive", 500, INVALID, "INVALID_REQUEST", "unexpected EOF"),
    Row("PutContainerArchive", 500, FAILED, "CONFLICT", 'cannot overwrite directory "/etc" with non-directory "/"'),
    Row("PutContainerArchive", 500, FAILED, "OPERATION_FAILED", "lchown /x: operation not permitted"),
    Row("PutContainerArchive", 500, FAILED, "OPERATION_FAILED", "mkdir /etc/passwd/x: not a directory"),
    Row("PutContainerArchive", 500, Code.PERMISSION_DENIED, "CONFLICT", "container rootfs is marked read-only"),
    # Builds, loads and imports ask no registry, and start no container of the caller.
    Row("BuildImage", 200, FAILED, "OPERATION_FAILED", "The command '/bin/sh -c exit 3' returned a non-zero code: 3"),
    Row("BuildImage", 200, FAILED, "OPERATION_FAILED", f'ADD failed: Get "http://127.0.0.1:1/x": {REFUSED}'),
    Row("BuildImage", 200, FAILED, "OPERATION_FAILED", f'{OCI}exec: "nope": executable file not found in $PATH'),
    Row("BuildImage", 200, FAILED, "OPERATION_FAILED", "Invalid containerPort: abc"),
    Row("BuildImage", 200, FULL, "HOST_DISK_FULL", "write /var/lib/docker/tmp/x: no space left on device"),
    Row("BuildImage", 400, INVALID, "INVALID_REQUEST", "dockerfile parse error line 1: unknown instruction: NOPE"),
    Row("BuildImage", 500, INVALID, "INVALID_REQUEST", "Cannot locate specified Dockerfile: Dockerfile"),
    Row("BuildImage", 500, INVALID, "INVALID_REQUEST", "invalid reference format: repository name must be lowercase"),
    Row("BuildImage", 500, FAILED, "OPERATION_FAILED", 'exec: "xz": executable file not found in $PATH'),
    Row("LoadImages", 200, FAILED, "OPERATION_FAILED", 'exec: "xz": executable file not found in $PATH'),
    Row("LoadImages", 200, FAILED, "OPERATION_FAILED", "open /x/repositories: no such file or directory"),
    Row("LoadImages", 200, INVALID, "INVALID_REQUEST", "archive/tar: invalid tar header"),
    Row("ImportImage", 500, FAILED, "OPERATION_FAILED", f'Get "http://127.0.0.1:1/x": {REFUSED}'),
    # RPCs that ask a registry can get its failures.
    Row(
        "PullImage", 404, MISSING, "REGISTRY_AUTH", "pull access denied for x, repository does not exist or may require"
    ),
    Row("PullImage", 404, MISSING, "NOT_FOUND", "manifest for x:1 not found: manifest unknown: manifest unknown"),
    Row("PullImage", 200, MISSING, "NOT_FOUND", "no matching manifest for linux/arm64 in the manifest list entries"),
    Row("PullImage", 500, AGAIN, "REGISTRY_UNREACHABLE", f'Get "http://127.0.0.1:1/v2/": {REFUSED}'),
    Row("PullImage", 500, AGAIN, "REGISTRY_UNREACHABLE", "dial tcp: lookup r.example: no such host"),
    Row("PullImage", 500, AGAIN, "REGISTRY_UNREACHABLE", 'Get "https://r/v2/": context deadline exceeded'),
    Row("PullImage", 500, AGAIN, "REGISTRY_UNREACHABLE", 'Get "https://r/v2/": net/http: TLS handshake timeout'),
    Row("PullImage", 500, AGAIN, "REGISTRY_UNREACHABLE", "received unexpected HTTP status: 503 Service Unavailable"),
    Row("PullImage", 500, FAILED, "REGISTRY_UNREACHABLE", 'Get "https://r/v2/": x509: certificate has expired'),
    Row("PullImage", 500, FAILED, "REGISTRY_UNREACHABLE", "http: server gave HTTP response to HTTPS client"),
    Row("PullImage", 500, FULL, "REGISTRY_LIMIT", "toomanyrequests: You have reached your pull rate limit"),
    Row("PullImage", 200, FULL, "HOST_DISK_FULL", "failed to register layer: no space left on device"),
    Row("PullImage", 200, FAILED, "OPERATION_FAILED", "failed to register layer: lchown /x: permission denied"),
    Row("PullImage", 500, FAILED, "REGISTRY_AUTH", 'Head "http://r/v2/app/manifests/1": no basic auth credentials'),
    Row("PushImage", 200, FAILED, "REGISTRY_AUTH", "denied: requested access to the resource is denied"),
    Row("PushImage", 200, MISSING, "NOT_FOUND", "An image does not exist locally with the tag: x"),
    Row("InspectDistribution", 403, FAILED, "REGISTRY_AUTH", "denied: requested access to the resource is denied"),
    Row("InspectDistribution", 429, FULL, "REGISTRY_LIMIT", "toomanyrequests: slow down"),
    Row("InspectDistribution", 500, INVALID, "INVALID_REQUEST", "no manifest found for full image ID"),
    Row("CheckAuth", 401, FAILED, "REGISTRY_AUTH", "unauthorized: incorrect username or password"),
    Row(
        "CheckAuth", 500, FAILED, "REGISTRY_AUTH", "login attempt to http://r/v2/ failed with status: 401 Unauthorized"
    ),
    Row("SearchImages", 400, AGAIN, "REGISTRY_UNREACHABLE", f"invalid registry endpoint. HTTP attempt: {REFUSED}"),
    Row(
        "TagImage",
        400,
        INVALID,
        "INVALID_REQUEST",
        "refusing to create an ambiguous tag using digest algorithm as name",
    ),
    Row("TagImage", 500, INVALID, "INVALID_REQUEST", "invalid repository name (aa), cannot specify 64-byte strings"),
    # The 403 of a network is about its state.
    Row("CreateNetwork", 403, FAILED, "CONFLICT", "Pool overlaps with other one on this address space"),
    Row("CreateNetwork", 403, FAILED, "CONFLICT", 'only one instance of "host" network is allowed'),
    Row("CreateNetwork", 403, FAILED, "NOT_SWARM_MANAGER", "This node is not a swarm manager. Use docker swarm init"),
    Row("CreateNetwork", 403, Code.PERMISSION_DENIED, "ENGINE_AUTHZ", "authorization denied by plugin opa: no"),
    Row("CreateNetwork", 404, FAILED, "CONFLICT", "could not find an available, non-overlapping IPv6 address pool"),
    Row("CreateNetwork", 409, Code.ALREADY_EXISTS, "NAME_IN_USE", "network with name d1 already exists"),
    Row("CreateNetwork", 500, INVALID, "INVALID_REQUEST", "Invalid subnet abc : invalid CIDR address: abc"),
    Row("CreateNetwork", 500, INVALID, "INVALID_REQUEST", "failed to allocate gateway (::): address is out of range"),
    Row("RemoveNetwork", 403, FAILED, "CONFLICT", "error while removing network: n has active endpoints"),
    Row("RemoveNetwork", 400, FAILED, "AMBIGUOUS_ID", "network n1 is ambiguous (2 matches found based on name)"),
    Row("DisconnectNetwork", 500, FAILED, "CONFLICT", "container 0123 is not connected to network cn"),
    # Docker 28 looks for a user earlier.
    Row("CreateExec", 400, FAILED, "EXEC_START_FAILED", "unable to find user eve: no matching entries in passwd file"),
    Row("CreateExec", 400, INVALID, "INVALID_REQUEST", "No exec command specified"),
    # Podman: always 500, with the cause at the end of its words; and a router without some endpoints.
    Row("UpdateContainer", 404, Code.UNIMPLEMENTED, "NOT_SUPPORTED", "Not Found"),
    Row("InspectDistribution", 404, Code.UNIMPLEMENTED, "NOT_SUPPORTED", "Path /v1.41/x is not supported"),
    Row("StopContainer", 500, FAILED, "CONFLICT", '"created" is not running: container state improper'),
    Row("ConnectNetwork", 500, FAILED, "CONFLICT", '"" is not supported: invalid network mode'),
    Row("CreateContainer", 500, Code.ALREADY_EXISTS, "NAME_IN_USE", 'the container name "x" is already in use by 01'),
    Row("CreateNetwork", 500, Code.ALREADY_EXISTS, "NAME_IN_USE", "name n1 already used: network already exists"),
    Row("CreateContainer", 500, MISSING, "NOT_FOUND", "unable to find network with name or ID x: network not found"),
    Row("GetContainerChanges", 500, MISSING, "NOT_FOUND", "nope not found: layer not known"),
    Row("CreateVolume", 500, MISSING, "NOT_FOUND", "no volume plugin with name x available: required plugin missing"),
    Row("CreateVolume", 500, INVALID, "INVALID_REQUEST", "names must match [a-zA-Z0-9]*: invalid argument"),
    Row("ListContainers", 500, INVALID, "INVALID_REQUEST", "nope is an invalid filter"),
    Row("ListVolumes", 500, INVALID, "INVALID_REQUEST", '"nope" is an invalid volume filter'),
    Row("ListImages", 500, INVALID, "INVALID_REQUEST", 'unsupported image filter "nope"'),
    Row("TagImage", 500, INVALID, "INVALID_REQUEST", "normalizing name for compat API: name must be lowercase"),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_operation_and_status_and_words_have_one_meaning(row: Row) -> None:
    """What was asked decides first, then the status, and the words only where both leave it open."""
    rule = meaning(row.operation, row.status, row.words)

    assert (rule.code, rule.reason) == (row.code, row.reason) if rule else row.reason == "ENGINE_ERROR"


@pytest.mark.parametrize("status", [418, 500, 599])
def test_an_unknown_refusal_is_the_engines_own_failure(status: int) -> None:
    """Neither the status nor the words show whose fault it is."""
    assert meaning("InspectContainer", status, "something else altogether") is None


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (500, "context deadline exceeded"),
        (500, "containerd: connection error: desc = transport is unavailable"),
        (500, "ttrpc: closed: unknown"),
        (502, "Bad Gateway"),
        (503, "Service Unavailable"),
        (504, "Gateway Timeout"),
    ],
)
def test_a_backend_that_fails_leaves_the_outcome_of_a_change_open(status: int, words: str) -> None:
    """A backend of the engine did not answer: a read may be repeated, the outcome of a change is open."""
    rule = meaning("StopContainer", status, words)

    assert rule is not None
    assert (rule.reason, rule.code, rule.code_of_change) == ("ENGINE_BACKEND", Code.UNAVAILABLE, Code.ABORTED)
    assert not rule.retry_safe


def test_only_rpcs_that_ask_a_registry_get_its_failures() -> None:
    """An RPC that speaks to no registry never gets a failure of one, whatever the words are."""
    words = {row.words for row in ROWS if row.reason.startswith("REGISTRY")}
    asking = {row.operation for row in ROWS if row.reason.startswith("REGISTRY")}
    others = {method.name for method in contract.methods()} - asking

    found = {
        (operation, rule.reason)
        for operation, status, text in itertools.product(others, (200, 400, 401, 403, 404, 429, 500), words)
        if (rule := meaning(operation, status, text)) and rule.reason.startswith("REGISTRY")
    }

    assert found == set()


def test_every_operation_with_rules_of_its_own_is_an_rpc() -> None:
    """A rule for an RPC that was renamed would hold for nothing."""
    named = {name for operations, _ in reasons._OF_OPERATIONS for name in operations}

    assert named <= {method.name for method in contract.methods()}


def test_no_refusal_is_about_the_callers_identity() -> None:
    """UNAUTHENTICATED is kept for callers of the gateway."""
    rules = [
        meaning(method.name, status, words)
        for method in contract.methods()
        for status in (200, *range(400, 600))
        for words in ("", "unauthorized", "denied")
    ]

    assert not {Code.UNAUTHENTICATED, Code.OK} & {rule.code for rule in rules if rule}


def test_words_of_any_length_are_matched_fast() -> None:
    """A hostile engine cannot keep the gateway busy with a text that takes the patterns long."""
    pieces = ("lstat ", "client version ", "until ", '": ', "containerd ", "invalid ", "x" * 7, "denied permission ")
    texts = [(piece * 70_000)[: 64 << 10] for piece in pieces]
    operations = [method.name for method in contract.methods_of("dockfleet.v1")]

    started = time.process_time()
    for operation, status, text in itertools.product(operations, (200, 400, 403, 404, 500), texts):
        meaning(operation, status, text)

    assert (time.process_time() - started) / (len(operations) * 5 * len(texts)) < 0.01


def test_no_pattern_is_without_a_bound() -> None:
    """No repetition in a pattern is without a bound: its cost could grow with the square of the text."""
    groups = [reasons._EVERYWHERE, reasons._BY_STATUS, *(rules for _, rules in reasons._OF_OPERATIONS)]

    assert [rule for rules in groups for rule in rules if re.search(r"[*+]|\{\d*,\}", rule.words.pattern)] == []

    words = sorted({word for rules in groups for rule in rules for word in re.findall(r"\w{3,}", rule.words.pattern)})
    started = time.process_time()
    for text in (f"{word} " * (4096 // (len(word) + 1)) for word in (*words[::10], "manifest")):
        for rules in groups:
            for rule in rules:
                rule.words.search(text)
    assert words
    assert (time.process_time() - started) / (len(words[::10]) + 1) < 0.5  # seconds of CPU for each text


def test_every_reason_is_one_of_the_contract() -> None:
    """No other reason is given."""
    reasons = {row.reason for row in ROWS}

    assert reasons <= {name.removeprefix("ERROR_REASON_") for name in pb.ErrorReason.DESCRIPTOR.values_by_name}
