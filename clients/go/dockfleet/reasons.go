// Code generated from the contract by protos/generate_clients.py. DO NOT EDIT.

package dockfleet

// The reasons of failures.  A newer gateway may give others.
const (
	// A field of the request is missing or malformed; BadRequest names it.
	ReasonInvalidField Reason = "INVALID_FIELD"
	// The gateway knows no host of this name.  The code is NOT_FOUND.  It is UNAVAILABLE while a source of hosts has not
	// answered since the gateway's start: the host may be there.
	ReasonUnknownHost Reason = "UNKNOWN_HOST"
	// The gateway could not connect to the host.  Nothing was sent.
	ReasonHostUnreachable Reason = "HOST_UNREACHABLE"
	// The host presented a certificate that does not prove its name.
	ReasonHostIdentityMismatch Reason = "HOST_IDENTITY_MISMATCH"
	// The host refused the gateway's own credentials, or the gateway may not open the host's socket.
	ReasonHostCredentialsRejected Reason = "HOST_CREDENTIALS_REJECTED"
	// The host's engine and the gateway have no API version in common.
	ReasonHostIncompatible Reason = "HOST_INCOMPATIBLE"
	// The request uses something that is newer than the host's API version.  The metadata hold `required_version`,
	// `host_version` and `field` or `method`.
	ReasonAPIVersionTooOld Reason = "API_VERSION_TOO_OLD"
	// The calls of this kind to the host have reached their limit, and the queue is full.  The message names the
	// configuration key.
	ReasonHostBusy Reason = "HOST_BUSY"
	// The host did not answer, or did not complete its answer, within the gateway's own timeout.  The message names the
	// timeout.  The code is DEADLINE_EXCEEDED; UNAVAILABLE with `since`, when nothing was sent.
	ReasonHostTimeout Reason = "HOST_TIMEOUT"
	// The connection broke during a call that only reads.
	ReasonConnectionLost Reason = "CONNECTION_LOST"
	// The connection broke after the gateway had sent a call that changes something.  The change may or may not have
	// happened.
	ReasonOutcomeUnknown Reason = "OUTCOME_UNKNOWN"
	// The host's answer is not a valid answer of the Engine API.
	ReasonBadEngineResponse Reason = "BAD_ENGINE_RESPONSE"
	// The engine refused the request because it is malformed.
	ReasonInvalidRequest Reason = "INVALID_REQUEST"
	// The object does not exist.  ResourceInfo names it, as the request does; its type is `container`, `exec`, `image`,
	// `network`, `volume`, `host`, `path` (in a container) or `plugin`.
	ReasonNotFound Reason = "NOT_FOUND"
	// Another object has the name.
	ReasonNameInUse Reason = "NAME_IN_USE"
	// The state of the object does not allow the operation.
	ReasonConflict Reason = "CONFLICT"
	// Another operation on the object is in progress; try again later.
	ReasonBeingChanged Reason = "BEING_CHANGED"
	// The id prefix fits several objects.
	ReasonAmbiguousId Reason = "AMBIGUOUS_ID"
	// The container or exec was created, but its process could not be started.
	ReasonStartFailed Reason = "START_FAILED"
	// The command of the exec could not be started.
	ReasonExecStartFailed Reason = "EXEC_START_FAILED"
	// A registry refused the credentials, or requires some.
	ReasonRegistryAuth Reason = "REGISTRY_AUTH"
	// The host could not reach the registry.
	ReasonRegistryUnreachable Reason = "REGISTRY_UNREACHABLE"
	// The rate limit of the registry is reached.
	ReasonRegistryLimit Reason = "REGISTRY_LIMIT"
	// The engine's own authorization refused the request.
	ReasonEngineAuthz Reason = "ENGINE_AUTHZ"
	// The disk of the host is full.
	ReasonHostDiskFull Reason = "HOST_DISK_FULL"
	// The host has no memory, descriptors or processes left.
	ReasonHostResources Reason = "HOST_RESOURCES"
	// A program that the engine depends on, such as containerd, did not respond.
	ReasonEngineBackend Reason = "ENGINE_BACKEND"
	// The engine is not part of a swarm, or not a manager of it.
	ReasonNotSwarmManager Reason = "NOT_SWARM_MANAGER"
	// The engine does not support this operation.
	ReasonNotSupported Reason = "NOT_SUPPORTED"
	// The operation failed after it had begun, such as a build with a command that failed.
	ReasonOperationFailed Reason = "OPERATION_FAILED"
	// The engine failed; its own text is in the message.
	ReasonEngineError Reason = "ENGINE_ERROR"
	// The gateway is stopping.  Call another gateway, or try again soon.
	ReasonGoingAway Reason = "GOING_AWAY"
	// A defect of the gateway.  The message holds the request id, by which its log has more.
	ReasonInternal Reason = "INTERNAL"
	// The resume token is forged, damaged, of another key, or does not fit the request.
	ReasonBadResumeToken Reason = "BAD_RESUME_TOKEN"
	// The client did not read for longer than allowed.
	ReasonSlowReader Reason = "SLOW_READER"
	// Data is missing from the stream, and the request asks for a failure in this case.
	ReasonGap Reason = "GAP"
	// A limit of the gateway is reached: of calls of this kind in progress, in all, from the client's address or on its
	// connection.  The message names the configuration's key.  Nothing was sent.
	ReasonGatewayBusy Reason = "GATEWAY_BUSY"
	// The client's own deadline ran out.  The code is DEADLINE_EXCEEDED.  It says nothing about the host.  A call that
	// changes something may have taken effect.
	ReasonClientDeadline Reason = "CLIENT_DEADLINE"
	// The request uses something that the host's API version does not have any more.  The metadata hold `last_version`,
	// `host_version` and `field`.
	ReasonAPIVersionTooNew Reason = "API_VERSION_TOO_NEW"
	// The gateway no longer has the host, or has another engine under its name.
	ReasonHostRemoved Reason = "HOST_REMOVED"
	// The host takes no new work: it is being drained.
	ReasonHostDraining Reason = "HOST_DRAINING"
	// The gateway does not know the objects of the host yet.
	ReasonInventoryUnknown Reason = "INVENTORY_UNKNOWN"
	// No host that is selected can take the container.
	ReasonNoHostFits Reason = "NO_HOST_FITS"
	// The host comes from a source that calls cannot change, such as the configuration file.
	ReasonHostReadOnly Reason = "HOST_READ_ONLY"
	// The bytes of a message are not a message of the RPC's type.
	ReasonMalformedMessage Reason = "MALFORMED_MESSAGE"
	// The client did not send its first message in time; the code is DEADLINE_EXCEEDED.  Or it ended its side of the call
	// without one; the code is INVALID_ARGUMENT.
	ReasonNoRequest Reason = "NO_REQUEST"
	// The gateway cannot store a change of its hosts: its database, or etcd, does not take it.  Nothing has changed.
	ReasonHostStoreUnavailable Reason = "HOST_STORE_UNAVAILABLE"
)
