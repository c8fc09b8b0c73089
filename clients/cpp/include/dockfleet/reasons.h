// Generated from the contract by protos/generate_clients.py.

#ifndef DOCKFLEET_REASONS_H_
#define DOCKFLEET_REASONS_H_

// The reasons of failures.  A newer gateway may give others.
namespace dockfleet::reasons {

// A field of the request is missing or malformed; BadRequest names it.
constexpr char kInvalidField[] = "INVALID_FIELD";
// The gateway knows no host of this name.  The code is NOT_FOUND.  It is UNAVAILABLE while a source of hosts has not
// answered since the gateway's start: the host may be there.
constexpr char kUnknownHost[] = "UNKNOWN_HOST";
// The gateway could not connect to the host.  Nothing was sent.
constexpr char kHostUnreachable[] = "HOST_UNREACHABLE";
// The host presented a certificate that does not prove its name.
constexpr char kHostIdentityMismatch[] = "HOST_IDENTITY_MISMATCH";
// The host refused the gateway's own credentials, or the gateway may not open the host's socket.
constexpr char kHostCredentialsRejected[] = "HOST_CREDENTIALS_REJECTED";
// The host's engine and the gateway have no API version in common.
constexpr char kHostIncompatible[] = "HOST_INCOMPATIBLE";
// The request uses something that is newer than the host's API version.  The metadata hold `required_version`,
// `host_version` and `field` or `method`.
constexpr char kApiVersionTooOld[] = "API_VERSION_TOO_OLD";
// The limit of calls of this kind in progress at the host is reached, and that of those that wait.  The message names
// the configuration key.
constexpr char kHostBusy[] = "HOST_BUSY";
// The host did not answer, or did not complete its answer, within the gateway's own timeout.  The message names the
// timeout.  The code is DEADLINE_EXCEEDED; UNAVAILABLE with `since`, when nothing was sent.
constexpr char kHostTimeout[] = "HOST_TIMEOUT";
// The connection broke during a call that only reads.
constexpr char kConnectionLost[] = "CONNECTION_LOST";
// The connection broke after the gateway had sent a call that changes something.  The change may or may not have
// happened.
constexpr char kOutcomeUnknown[] = "OUTCOME_UNKNOWN";
// The host's answer is not a valid answer of the Engine API.
constexpr char kBadEngineResponse[] = "BAD_ENGINE_RESPONSE";
// The engine refused the request because it is malformed.
constexpr char kInvalidRequest[] = "INVALID_REQUEST";
// The object does not exist.  ResourceInfo names it, as the request does; its type is `container`, `exec`, `image`,
// `network`, `volume`, `host`, `path` (in a container) or `plugin`.
constexpr char kNotFound[] = "NOT_FOUND";
// Another object has the name.
constexpr char kNameInUse[] = "NAME_IN_USE";
// The state of the object does not allow the operation.
constexpr char kConflict[] = "CONFLICT";
// Another operation on the object is in progress; try again later.
constexpr char kBeingChanged[] = "BEING_CHANGED";
// The id prefix fits several objects.
constexpr char kAmbiguousId[] = "AMBIGUOUS_ID";
// The container or exec was created, but its process could not be started.
constexpr char kStartFailed[] = "START_FAILED";
// The command of the exec could not be started.
constexpr char kExecStartFailed[] = "EXEC_START_FAILED";
// A registry refused the credentials, or requires some.
constexpr char kRegistryAuth[] = "REGISTRY_AUTH";
// The host could not reach the registry.
constexpr char kRegistryUnreachable[] = "REGISTRY_UNREACHABLE";
// The rate limit of the registry is reached.
constexpr char kRegistryLimit[] = "REGISTRY_LIMIT";
// The engine's own authorization refused the request.
constexpr char kEngineAuthz[] = "ENGINE_AUTHZ";
// The disk of the host is full.
constexpr char kHostDiskFull[] = "HOST_DISK_FULL";
// The host has no memory, descriptors or processes left.
constexpr char kHostResources[] = "HOST_RESOURCES";
// A program that the engine depends on, such as containerd, did not respond.
constexpr char kEngineBackend[] = "ENGINE_BACKEND";
// The engine is not part of a swarm, or not a manager of it.
constexpr char kNotSwarmManager[] = "NOT_SWARM_MANAGER";
// The engine does not support this operation.
constexpr char kNotSupported[] = "NOT_SUPPORTED";
// The operation failed after it had begun, such as a build with a command that failed.
constexpr char kOperationFailed[] = "OPERATION_FAILED";
// The engine failed; its own text is in the message.
constexpr char kEngineError[] = "ENGINE_ERROR";
// The gateway is stopping.  Call another gateway, or try again soon.
constexpr char kGoingAway[] = "GOING_AWAY";
// A defect of the gateway.  The message holds the request id, by which its log has more.
constexpr char kInternal[] = "INTERNAL";
// The resume token is forged, damaged, of another key, or does not fit the request.
constexpr char kBadResumeToken[] = "BAD_RESUME_TOKEN";
// The client did not read for longer than allowed.
constexpr char kSlowReader[] = "SLOW_READER";
// Data is missing from the stream, and the request asks for a failure in this case.
constexpr char kGap[] = "GAP";
// A limit of the gateway is reached: of calls of this kind in progress, in all, from the client's address or on its
// connection.  The message names the configuration's key.  Nothing was sent.
constexpr char kGatewayBusy[] = "GATEWAY_BUSY";
// The client's own deadline ran out.  The code is DEADLINE_EXCEEDED.  It says nothing about the host.  A call that
// changes something may have taken effect.
constexpr char kClientDeadline[] = "CLIENT_DEADLINE";
// The request uses something that the host's API version does not have any more.  The metadata hold `last_version`,
// `host_version` and `field`.
constexpr char kApiVersionTooNew[] = "API_VERSION_TOO_NEW";
// The gateway no longer has the host, or has another engine under its name.
constexpr char kHostRemoved[] = "HOST_REMOVED";
// The host takes no new work: it is being drained.
constexpr char kHostDraining[] = "HOST_DRAINING";
// The gateway does not know the objects of the host yet.
constexpr char kInventoryUnknown[] = "INVENTORY_UNKNOWN";
// No host that is selected can take the container.
constexpr char kNoHostFits[] = "NO_HOST_FITS";
// The host comes from a source that calls cannot change, such as the configuration file.
constexpr char kHostReadOnly[] = "HOST_READ_ONLY";
// The bytes of a message are not a message of the RPC's type.
constexpr char kMalformedMessage[] = "MALFORMED_MESSAGE";
// The client did not send its first message in time; the code is DEADLINE_EXCEEDED.  Or it ended its side of the call
// without one; the code is INVALID_ARGUMENT.
constexpr char kNoRequest[] = "NO_REQUEST";
// The gateway cannot store a change of its hosts: its database, or etcd, does not take it.  Nothing has changed.
constexpr char kHostStoreUnavailable[] = "HOST_STORE_UNAVAILABLE";

}  // namespace dockfleet::reasons

#endif  // DOCKFLEET_REASONS_H_
