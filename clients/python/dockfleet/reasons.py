"""The failures by reason.  Generated from the contract by protos/generate_clients.py."""

from __future__ import annotations

from collections.abc import Mapping

from dockfleet.errors import DockfleetError


class InvalidField(DockfleetError):
    """A field of the request is missing or malformed; BadRequest names it."""


class UnknownHost(DockfleetError):
    """The gateway knows no host of this name. The code is NOT_FOUND. It is UNAVAILABLE while a source of hosts has not
    answered since the gateway's start: the host may be there.
    """


class HostUnreachable(DockfleetError):
    """The gateway could not connect to the host. Nothing was sent."""


class HostIdentityMismatch(DockfleetError):
    """The host presented a certificate that does not prove its name."""


class HostCredentialsRejected(DockfleetError):
    """The host refused the gateway's own credentials, or the gateway may not open the host's socket."""


class HostIncompatible(DockfleetError):
    """The host's engine and the gateway have no API version in common."""


class APIVersionTooOld(DockfleetError):
    """The request uses something that is newer than the host's API version. The metadata hold `required_version`,
    `host_version` and `field` or `method`.
    """


class HostBusy(DockfleetError):
    """The calls of this kind to the host have reached their limit, and the queue is full. The message names the
    configuration key.
    """


class HostTimeout(DockfleetError):
    """The host did not answer, or did not complete its answer, within the gateway's own timeout. The message names the
    timeout. The code is DEADLINE_EXCEEDED; UNAVAILABLE with `since`, when nothing was sent.
    """


class ConnectionLost(DockfleetError):
    """The connection broke during a call that only reads."""


class OutcomeUnknown(DockfleetError):
    """The connection broke after the gateway had sent a call that changes something. The change may or may not have
    happened.
    """


class BadEngineResponse(DockfleetError):
    """The host's answer is not a valid answer of the Engine API."""


class InvalidRequest(DockfleetError):
    """The engine refused the request because it is malformed."""


class NotFound(DockfleetError):
    """The object does not exist. ResourceInfo names it, as the request does; its type is `container`, `exec`, `image`,
    `network`, `volume`, `host`, `path` (in a container) or `plugin`.
    """


class Conflict(DockfleetError):
    """The state of the object does not allow the operation."""


class BeingChanged(DockfleetError):
    """Another operation on the object is in progress; try again later."""


class AmbiguousId(DockfleetError):
    """The id prefix fits several objects."""


class StartFailed(DockfleetError):
    """The container or exec was created, but its process could not be started."""


class ExecStartFailed(DockfleetError):
    """The command of the exec could not be started."""


class RegistryAuth(DockfleetError):
    """A registry refused the credentials, or requires some."""


class RegistryUnreachable(DockfleetError):
    """The host could not reach the registry."""


class RegistryLimit(DockfleetError):
    """The rate limit of the registry is reached."""


class EngineAuthz(DockfleetError):
    """The engine's own authorization refused the request."""


class HostDiskFull(DockfleetError):
    """The disk of the host is full."""


class HostResources(DockfleetError):
    """The host has no memory, descriptors or processes left."""


class EngineBackend(DockfleetError):
    """A program that the engine depends on, such as containerd, did not respond."""


class NotSwarmManager(DockfleetError):
    """The engine is not part of a swarm, or not a manager of it."""


class NotSupported(DockfleetError):
    """The engine does not support this operation."""


class OperationFailed(DockfleetError):
    """The operation failed after it had begun, such as a build with a command that failed."""


class EngineError(DockfleetError):
    """The engine failed; its own text is in the message."""


class GoingAway(DockfleetError):
    """The gateway is stopping. Call another gateway, or try again soon."""


class Internal(DockfleetError):
    """A defect of the gateway. The message holds the request id, by which its log has more."""


class BadResumeToken(DockfleetError):
    """The resume token is forged, damaged, of another key, or does not fit the request."""


class SlowReader(DockfleetError):
    """The client did not read for longer than allowed."""


class Gap(DockfleetError):
    """Data is missing from the stream, and the request asks for a failure in this case."""


class GatewayBusy(DockfleetError):
    """A limit of the gateway is reached: of calls of this kind in progress, in all, from the client's address or on its
    connection. The message names the configuration's key. Nothing was sent.
    """


class ClientDeadline(DockfleetError):
    """The client's own deadline ran out. The code is DEADLINE_EXCEEDED. It says nothing about the host. A call that
    changes something may have taken effect.
    """


class APIVersionTooNew(DockfleetError):
    """The request uses something that the host's API version does not have any more. The metadata hold `last_version`,
    `host_version` and `field`.
    """


class HostRemoved(DockfleetError):
    """The gateway no longer has the host, or has another engine under its name."""


class HostDraining(DockfleetError):
    """The host takes no new work: it is being drained."""


class InventoryUnknown(DockfleetError):
    """The gateway does not know the objects of the host yet."""


class NoHostFits(DockfleetError):
    """No host that is selected can take the container."""


class HostReadOnly(DockfleetError):
    """The host comes from a source that calls cannot change, such as the configuration file."""


class MalformedMessage(DockfleetError):
    """The bytes of a message are not a message of the RPC's type."""


class NoRequest(DockfleetError):
    """The client did not send its first message in time; the code is DEADLINE_EXCEEDED. Or it ended its side of the
    call without one; the code is INVALID_ARGUMENT.
    """


class HostStoreUnavailable(DockfleetError):
    """The gateway cannot store a change of its hosts: its database, or etcd, does not take it. Nothing has changed."""


class NameInUse(Conflict):
    """Another object has the name."""


CLASSES: Mapping[str, type[DockfleetError]] = {
    "INVALID_FIELD": InvalidField,
    "UNKNOWN_HOST": UnknownHost,
    "HOST_UNREACHABLE": HostUnreachable,
    "HOST_IDENTITY_MISMATCH": HostIdentityMismatch,
    "HOST_CREDENTIALS_REJECTED": HostCredentialsRejected,
    "HOST_INCOMPATIBLE": HostIncompatible,
    "API_VERSION_TOO_OLD": APIVersionTooOld,
    "HOST_BUSY": HostBusy,
    "HOST_TIMEOUT": HostTimeout,
    "CONNECTION_LOST": ConnectionLost,
    "OUTCOME_UNKNOWN": OutcomeUnknown,
    "BAD_ENGINE_RESPONSE": BadEngineResponse,
    "INVALID_REQUEST": InvalidRequest,
    "NOT_FOUND": NotFound,
    "NAME_IN_USE": NameInUse,
    "CONFLICT": Conflict,
    "BEING_CHANGED": BeingChanged,
    "AMBIGUOUS_ID": AmbiguousId,
    "START_FAILED": StartFailed,
    "EXEC_START_FAILED": ExecStartFailed,
    "REGISTRY_AUTH": RegistryAuth,
    "REGISTRY_UNREACHABLE": RegistryUnreachable,
    "REGISTRY_LIMIT": RegistryLimit,
    "ENGINE_AUTHZ": EngineAuthz,
    "HOST_DISK_FULL": HostDiskFull,
    "HOST_RESOURCES": HostResources,
    "ENGINE_BACKEND": EngineBackend,
    "NOT_SWARM_MANAGER": NotSwarmManager,
    "NOT_SUPPORTED": NotSupported,
    "OPERATION_FAILED": OperationFailed,
    "ENGINE_ERROR": EngineError,
    "GOING_AWAY": GoingAway,
    "INTERNAL": Internal,
    "BAD_RESUME_TOKEN": BadResumeToken,
    "SLOW_READER": SlowReader,
    "GAP": Gap,
    "GATEWAY_BUSY": GatewayBusy,
    "CLIENT_DEADLINE": ClientDeadline,
    "API_VERSION_TOO_NEW": APIVersionTooNew,
    "HOST_REMOVED": HostRemoved,
    "HOST_DRAINING": HostDraining,
    "INVENTORY_UNKNOWN": InventoryUnknown,
    "NO_HOST_FITS": NoHostFits,
    "HOST_READ_ONLY": HostReadOnly,
    "MALFORMED_MESSAGE": MalformedMessage,
    "NO_REQUEST": NoRequest,
    "HOST_STORE_UNAVAILABLE": HostStoreUnavailable,
}
"""The classes, by reason."""
