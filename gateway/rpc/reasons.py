"""Maps an engine's error response to a reason: by the operation, then by the HTTP status, and last by the error text.

The text decides where one status has several meanings, above all 500, which engines also send for errors of the caller.
The texts are those of Docker 20.10 to 29, and of Podman, whose errors end with the name of their cause.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from dockfleet.v1 import common_pb2 as pb
from grpc import StatusCode as Code

# The status of a response that began with success, and then reports that the operation has failed.
WITHIN_ANSWER = 200
_LONGEST = 4096  # characters of the text that are searched

_STARTS = frozenset({"StartContainer", "RestartContainer"})
_UPLOADS = frozenset({"BuildImage", "ImportImage", "LoadImages", "PutContainerArchive"})
_REGISTRY = frozenset({"CheckAuth", "InspectDistribution", "PullImage", "PushImage", "SearchImages"})
_NETWORKS = frozenset(
    {"ConnectNetwork", "CreateNetwork", "DisconnectNetwork", "InspectNetwork", "PruneNetworks", "RemoveNetwork"}
)
_PRUNES = frozenset({"PruneBuildCache", "PruneContainers", "PruneImages", "PruneNetworks", "PruneVolumes"})
_FILTERED = _PRUNES | {"ListContainers", "ListImages", "ListNetworks", "ListVolumes"}
_NAMERS = frozenset({"CreateContainer", "CreateNetwork", "CreateVolume", "RenameContainer"})
_ARCHIVES = frozenset({"GetContainerArchive", "PutContainerArchive", "StatContainerArchive"})


class Rule(NamedTuple):
    """A reason, and the statuses and texts that it covers.  `code_of_change` replaces the code for calls that change
    something.
    """

    statuses: frozenset[int]
    words: re.Pattern[str]
    code: Code
    reason: str
    retry_safe: bool
    code_of_change: Code


def _rule(
    statuses: str, code: Code, reason: str, words: str = "", *, retry_safe: bool = False, change: Code | None = None
) -> Rule:
    pb.ErrorReason.Value(f"ERROR_REASON_{reason}")  # only what the contract lists
    numbers = frozenset(int(status) for status in statuses.split())
    return Rule(numbers, re.compile(words, re.IGNORECASE), code, reason, retry_safe, change or code)


# A swarm is not mentioned unless it is what is missing, a version only by a router, a plugin only by the engine.
_EVERYWHERE = (
    _rule("400 500", Code.FAILED_PRECONDITION, "HOST_INCOMPATIBLE", r"client version .{1,20} is too (new|old)"),
    _rule("404", Code.INTERNAL, "BAD_ENGINE_RESPONSE", r"^page not found$"),
    _rule("403", Code.PERMISSION_DENIED, "ENGINE_AUTHZ", r"^authorization denied by plugin|^<"),  # or a proxy's page
    _rule(
        "403 500 503",
        Code.FAILED_PRECONDITION,
        "NOT_SWARM_MANAGER",
        r"not a swarm manager|not part of a swarm|swarm is (unavailable|not active)",
    ),
    _rule("400 500", Code.FAILED_PRECONDITION, "AMBIGUOUS_ID", r"multiple ids found with provided prefix"),
)
# Podman's router has not every endpoint; what the gateway asks for itself, without an RPC, it has.
_NO_ENDPOINT = _rule("404", Code.UNIMPLEMENTED, "NOT_SUPPORTED", r"^not found$|^path \S{1,512} is not supported$")
_FULL = (
    _rule("200 500", Code.RESOURCE_EXHAUSTED, "HOST_DISK_FULL", r"no space left on device|disk quota exceeded"),
    _rule(
        "200 500",
        Code.RESOURCE_EXHAUSTED,
        "HOST_RESOURCES",
        r"too many open files|cannot allocate memory|resource temporarily unavailable",
    ),
)
_BACKEND = (
    _rule(
        "500",
        Code.UNAVAILABLE,
        "ENGINE_BACKEND",
        r"context deadline exceeded|transport is (closing|unavailable)|containerd.{0,40} unavailable|ttrpc: closed",
        change=Code.ABORTED,
    ),
    _rule("502 503 504", Code.UNAVAILABLE, "ENGINE_BACKEND", change=Code.ABORTED),
)

# What holds for some operations only; the first rule that fits counts.  A group that ends with a rule without words
# leaves nothing of those statuses to the rules after it.
_OF_OPERATIONS: tuple[tuple[frozenset[str], tuple[Rule, ...]], ...] = (
    (
        _STARTS,  # the container is there, so all but a container that is not is about what it needs
        (
            _rule("404", Code.NOT_FOUND, "NOT_FOUND", r"no such container"),
            # A runtime's "no space left" and a log driver's "i/o timeout" are not the host's.
            _rule("400 500", Code.FAILED_PRECONDITION, "START_FAILED", r"oci runtime|initialize logging driver"),
            *_FULL,
            *_BACKEND,
            _rule("400 403 404 500", Code.FAILED_PRECONDITION, "START_FAILED"),
        ),
    ),
    (  # Docker 28 looks for the user when an exec is created, older engines when it starts
        frozenset({"CreateExec"}),
        (
            _rule(
                "400", Code.FAILED_PRECONDITION, "EXEC_START_FAILED", r"unable to find (user|group)|uids and gids must"
            ),
        ),
    ),
    (
        frozenset({"StartExec"}),
        (
            _rule("400 500", Code.FAILED_PRECONDITION, "EXEC_START_FAILED", r"oci runtime|exec failed"),
            _rule("409", Code.FAILED_PRECONDITION, "CONFLICT"),
            *_FULL,
            *_BACKEND,
            _rule("500", Code.FAILED_PRECONDITION, "EXEC_START_FAILED"),
        ),
    ),
    (
        _ARCHIVES,
        (
            _rule("403 500", Code.PERMISSION_DENIED, "CONFLICT", r"marked read-only"),
            _rule("500", Code.NOT_FOUND, "NOT_FOUND", r"^(lstat [^:]{0,4096}: )?not a directory$"),
            _rule("500", Code.INVALID_ARGUMENT, "INVALID_REQUEST", r"extraction point is not a directory"),
            _rule("500", Code.FAILED_PRECONDITION, "CONFLICT", r"cannot overwrite|device or resource busy"),
        ),
    ),
    (
        _UPLOADS - {"BuildImage"},  # what a build tells within its answer is about a step
        (
            _rule(
                "200 500",
                Code.INVALID_ARGUMENT,
                "INVALID_REQUEST",
                r"archive/tar: |unexpected eof|compressed data is corrupt|gzip: |bzip2 |flate: ",
            ),
        ),
    ),
    (
        frozenset({"BuildImage"}),
        (
            _rule(
                "500",
                Code.INVALID_ARGUMENT,
                "INVALID_REQUEST",
                r"cannot locate specified dockerfile|archive/tar: |unexpected eof|compressed data is corrupt|gzip: "
                r"|bzip2 |flate: |^invalid ",
            ),
        ),
    ),
    (_UPLOADS, (*_FULL, *_BACKEND, _rule("200 500", Code.FAILED_PRECONDITION, "OPERATION_FAILED"))),
    (
        _REGISTRY,
        (
            _rule("404", Code.NOT_FOUND, "REGISTRY_AUTH", r"pull access denied|repository does not exist"),
            _rule(
                "200 404 500",
                Code.NOT_FOUND,
                "NOT_FOUND",
                r"manifest unknown|no matching manifest|name unknown|does not exist locally",
            ),
            _rule("404", Code.NOT_FOUND, "NOT_FOUND"),
            _rule(
                "200 400 500",
                Code.FAILED_PRECONDITION,
                "REGISTRY_UNREACHABLE",
                r"\bx509: |tls: (?!handshake timeout)|server gave http response",
            ),
            _rule(
                "200 400 500",
                Code.UNAVAILABLE,
                "REGISTRY_UNREACHABLE",
                r"dial tcp|i/o timeout|connection (refused|reset)|no such host|handshake timeout|\": (context deadline"
                r"|(unexpected )?eof|net/http)|unexpected http status: 5|failed with status: 5",
                retry_safe=True,
            ),
            _rule(
                "200 429 500",
                Code.RESOURCE_EXHAUSTED,
                "REGISTRY_LIMIT",
                r"toomanyrequests|too many requests|status: 429",
            ),
            _rule("413 429", Code.RESOURCE_EXHAUSTED, "REGISTRY_LIMIT"),
            _rule("401 403", Code.FAILED_PRECONDITION, "REGISTRY_AUTH"),
            _rule(
                "200 500",
                Code.FAILED_PRECONDITION,
                "REGISTRY_AUTH",
                r"unauthorized|authentication required|no basic auth|(?<!permission )denied|failed with status: 40[13]",
            ),
            _rule("500", Code.INVALID_ARGUMENT, "INVALID_REQUEST", r"no manifest found for full image id|^invalid "),
            *_FULL,
            *_BACKEND,
            _rule("200 500", Code.FAILED_PRECONDITION, "OPERATION_FAILED"),
        ),
    ),
    (
        _NETWORKS,  # their 403 is about their state, not about the caller
        (
            _rule("400", Code.FAILED_PRECONDITION, "AMBIGUOUS_ID", r"\bis ambiguous\b"),
            _rule("403", Code.FAILED_PRECONDITION, "CONFLICT"),
            _rule(
                "404 500", Code.FAILED_PRECONDITION, "CONFLICT", r"address pool|is not connected to|not manually attach"
            ),
            _rule("500", Code.INVALID_ARGUMENT, "INVALID_REQUEST", r"^failed to parse|is not valid|out of range"),
        ),
    ),
    (
        _FILTERED,
        (
            _rule("500", Code.NOT_FOUND, "NOT_FOUND", r"^no such "),  # the object that a filter names
            _rule(
                "500",
                Code.INVALID_ARGUMENT,
                "INVALID_REQUEST",
                r"syntax error in pattern|parse value as|until\W{0,2} filter|invalid syntax|expects an integer"
                r"|^error parsing regexp|^name or id cannot be empty",
            ),
        ),
    ),
    (
        _PRUNES | {"GetDataUsage"},
        (_rule("409 500", Code.ABORTED, "BEING_CHANGED", r"operation is already running"),),
    ),
    (
        _NAMERS,
        (
            _rule("409", Code.ALREADY_EXISTS, "NAME_IN_USE"),
            _rule("500", Code.ALREADY_EXISTS, "NAME_IN_USE", r"already (in use|used|exists)"),
        ),
    ),
    (
        frozenset({"TopContainer"}),
        (
            _rule("500", Code.FAILED_PRECONDITION, "NOT_SUPPORTED", r"executable file not found"),  # of `ps` itself
            _rule("500", Code.INVALID_ARGUMENT, "INVALID_REQUEST", r"^ps: |PID field"),
        ),
    ),
    (
        frozenset({"StreamLogs"}),
        (_rule("400 500 501", Code.FAILED_PRECONDITION, "NOT_SUPPORTED", r"does not support reading"),),
    ),
    (
        frozenset({"ResizeExec"}),
        (
            _rule("500", Code.NOT_FOUND, "NOT_FOUND", r"resize a stopped"),
            _rule("500", Code.FAILED_PRECONDITION, "CONFLICT", r"timeout waiting for exec session"),
        ),
    ),
    (frozenset({"ResizeContainer"}), (_rule("500", Code.FAILED_PRECONDITION, "CONFLICT", r"resize a stopped"),)),
    (frozenset({"UnpauseContainer"}), (_rule("500", Code.FAILED_PRECONDITION, "CONFLICT", r"is not paused"),)),
    (frozenset({"RemoveContainer"}), (_rule("500", Code.FAILED_PRECONDITION, "CONFLICT", r"^conflict"),)),
    (
        frozenset({"UpdateContainer"}),
        (_rule("500", Code.FAILED_PRECONDITION, "CONFLICT", r"^cannot update container"),),
    ),
    (frozenset({"KillContainer"}), (_rule("500", Code.INVALID_ARGUMENT, "INVALID_REQUEST", r"not support signal"),)),
)
_BY_STATUS = (
    _rule("400 413", Code.INVALID_ARGUMENT, "INVALID_REQUEST"),
    _rule("401", Code.FAILED_PRECONDITION, "HOST_CREDENTIALS_REJECTED"),
    _rule("403", Code.PERMISSION_DENIED, "ENGINE_AUTHZ"),
    _rule("404", Code.NOT_FOUND, "NOT_FOUND"),
    _rule("405 501", Code.UNIMPLEMENTED, "NOT_SUPPORTED"),
    _rule("409", Code.ABORTED, "BEING_CHANGED", r"already in progress|being (modified|removed)"),
    _rule("409 412", Code.FAILED_PRECONDITION, "CONFLICT"),
    _rule("429", Code.RESOURCE_EXHAUSTED, "HOST_BUSY"),
    _rule("500", Code.INVALID_ARGUMENT, "INVALID_REQUEST", r"^invalid (?!character)"),  # the engine's own state has one
    _rule("500", Code.FAILED_PRECONDITION, "CONFLICT", r": (container state improper|invalid network mode)$"),
    _rule(
        "500",
        Code.NOT_FOUND,
        "NOT_FOUND",
        r"(network not found|(image|layer) not known|no such (container|volume|exec session)|required plugin missing)$",
    ),
    _rule(
        "500",
        Code.INVALID_ARGUMENT,
        "INVALID_REQUEST",
        r": invalid argument$|\binvalid( \w{1,20})? filter$|^unsupported image filter|normalizing name for compat API",
    ),
    *_FULL,
    *_BACKEND,
    _rule("200", Code.FAILED_PRECONDITION, "OPERATION_FAILED"),
)


def meaning(operation: str, status: int, words: str) -> Rule | None:
    """Return the rule for an error response to the RPC *operation*; None when the engine itself has failed."""
    words = words[:_LONGEST]
    return next((rule for rule in _rules(operation, status) if rule.words.search(words)), None)


@lru_cache(maxsize=1024)  # an engine chooses the status
def _rules(operation: str, status: int) -> tuple[Rule, ...]:
    return tuple(rule for rule in _all(operation) if status in rule.statuses)


def _all(operation: str) -> Iterator[Rule]:
    yield from _EVERYWHERE
    if operation:
        yield _NO_ENDPOINT
    for operations, rules in _OF_OPERATIONS:
        if operation in operations:
            yield from rules
    yield from _BY_STATUS
