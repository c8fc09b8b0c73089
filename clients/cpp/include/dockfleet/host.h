// Generated from the contract by protos/generate_clients.py.

#ifndef DOCKFLEET_HOST_H_
#define DOCKFLEET_HOST_H_

#include <chrono>
#include <istream>
#include <memory>
#include <ostream>
#include <string>
#include <utility>

#include "dockfleet/fleet/v1/fleet.pb.h"
#include "dockfleet/fleet/v1/hosts.pb.h"
#include "dockfleet/v1/containers.pb.h"
#include "dockfleet/v1/distribution.pb.h"
#include "dockfleet/v1/exec.pb.h"
#include "dockfleet/v1/images.pb.h"
#include "dockfleet/v1/networks.pb.h"
#include "dockfleet/v1/system.pb.h"
#include "dockfleet/v1/volumes.pb.h"
#include "dockfleet/session.h"
#include "dockfleet/stream.h"

namespace dockfleet {
namespace internal {
struct Stubs;
}  // namespace internal

// One host of a fleet.
class Host {
 public:
  Host(std::string name, std::shared_ptr<internal::Stubs> calls, std::shared_ptr<internal::Stubs> streams,
       std::chrono::milliseconds retry)
      : name_(std::move(name)), calls_(std::move(calls)), streams_(std::move(streams)), retry_(retry) {}

  const std::string& name() const { return name_; }

  // Lists containers, the newest first.  Without `all` it lists running containers only.
  //
  // One response holds all containers: there are no pages.
  //
  // Errors:
  //   - INVALID_ARGUMENT (INVALID_REQUEST): the engine does not know a filter, or a value does not fit its filter.
  //   - NOT_FOUND: the container that the filter `before` or `since` names does not exist.
  v1::ListContainersResponse ListContainers(const v1::ListContainersRequest& request = {}, const CallOptions& options = {}) const;

  // Creates a container and does not start it.  Each call creates another container.
  //
  // The image must be on the host: this call does not pull it.
  //
  // Errors:
  //   - NOT_FOUND: the image is not on the host.
  //   - ALREADY_EXISTS (NAME_IN_USE): another container has the name.
  //   - INVALID_ARGUMENT (INVALID_FIELD): `config.image` is missing.
  //   - INVALID_ARGUMENT (INVALID_REQUEST): the engine refuses the configuration.
  //   - ABORTED (OUTCOME_UNKNOWN): the connection broke; the container may or may not exist.  Look it up by its name.
  v1::CreateContainerResponse CreateContainer(const v1::CreateContainerRequest& request = {}, const CallOptions& options = {}) const;

  // Pulls the image if necessary, creates a container, starts it, and returns its output and exit code.
  //
  // The responses are any number of `pull`, one `created`, one `started`, any number of `output`, and one `end` as the
  // last.  The gateway connects to the output before it starts the container: no output is missed.  With `detach` the
  // call ends after `started`.  A process that fails does not fail the call: its exit code is in `end`.  There is no
  // input; for that use CreateContainer, AttachContainer and StartContainer.
  //
  // When the client cancels the call or disconnects before the start, the gateway removes the container.  After the
  // start, the container continues to run.  `config.host_config.auto_remove` works as in CreateContainer.
  //
  // When the process cannot be started, the container remains as created, unless `auto_remove` is set.
  //
  // Errors:
  //   - NOT_FOUND: the image is not on the host and, where pulling is allowed, not in the registry.
  //   - ALREADY_EXISTS (NAME_IN_USE): another container has the name.
  //   - INVALID_ARGUMENT (INVALID_FIELD): `config.image` is missing.
  //   - INVALID_ARGUMENT (INVALID_REQUEST): the engine refuses the configuration.
  //   - FAILED_PRECONDITION (START_FAILED): the process could not be started.
  //   - FAILED_PRECONDITION (REGISTRY_AUTH): the registry refused the credentials, or requires some.
  //   - UNAVAILABLE (REGISTRY_UNREACHABLE): the host cannot reach the registry.
  //   - ABORTED (OUTCOME_UNKNOWN): the connection broke; the container may or may not exist, or run.
  Stream<v1::RunContainerResponse> RunContainer(const v1::RunContainerRequest& request = {}, const CallOptions& options = {}) const;

  // Returns everything that the engine knows about a container.
  v1::InspectContainerResponse InspectContainer(const v1::InspectContainerRequest& request = {}, const CallOptions& options = {}) const;

  // Lists the processes of a container, as `ps` on the host shows them.
  //
  // Windows hosts return other columns and do not accept `ps_args`.
  //
  // Errors:
  //   - FAILED_PRECONDITION (CONFLICT): the container is not running.
  //   - INVALID_ARGUMENT (INVALID_REQUEST): `ps` refuses `ps_args`, or they leave out the ids of the processes.
  v1::TopContainerResponse TopContainer(const v1::TopContainerRequest& request = {}, const CallOptions& options = {}) const;

  // Streams what a container has written, and with `follow` what it writes from then on.
  //
  // Lines come in batches, in the engine's order.  A call that ends with OK has an `end` as its last response; it says
  // why the log ended.  All entries that the engine had come before it: without `follow` up to now, with `follow` up to
  // the end of the container.
  //
  // When the connection to the host breaks, the gateway reconnects, and the stream continues at the same line.  When
  // this fails for a minute (the gateway's `limits.reconnect_timeout_seconds`), the call ends.  A new call with the token of the
  // last response continues there, at this gateway or at another.  A `gap` says that the engine itself has lost
  // entries, or has left them out.  It can come a little late; its times say where the entries are missing.
  //
  // Subscribers of the same log share one connection to the host.  A subscriber that reads more slowly than the others
  // gets a connection of its own and the whole log, at its own pace.  The container never waits.
  //
  // Errors:
  //   - UNAVAILABLE (HOST_UNREACHABLE): the host cannot be reached, or could not be reached for a minute.
  //   - UNAVAILABLE (CONNECTION_LOST): the connection to the host broke, and broke again for a minute.
  //   - FAILED_PRECONDITION (NOT_SUPPORTED): the container's log driver cannot be read, such as `none`.
  //   - INVALID_ARGUMENT (BAD_RESUME_TOKEN): the token is malformed.
  Stream<v1::StreamLogsResponse> StreamLogs(const v1::StreamLogsRequest& request = {}, const CallOptions& options = {}) const;

  // Lists the files that were added, changed or deleted in a container since it was created from its image.
  v1::GetContainerChangesResponse GetContainerChanges(const v1::GetContainerChangesRequest& request = {}, const CallOptions& options = {}) const;

  // Returns a container's whole file system, without its volumes, as a tar archive.
  //
  // The container may run during the call; the archive is then not a snapshot of one instant.  A call that ends with OK
  // has returned the whole archive.
  //
  // Errors:
  //   - UNAVAILABLE (CONNECTION_LOST): the connection to the host broke.
  //   - DATA_LOSS (BAD_ENGINE_RESPONSE): the engine's answer is cut off or malformed.
  void ExportContainer(const v1::ExportContainerRequest& request, std::ostream& out, const CallOptions& options = {}) const;

  // Streams how much CPU, memory, network and disk a container uses: about one sample per second.
  //
  // A sample holds the engine's counters, and a summary of them with the numbers that `docker stats` shows.
  // Subscribers of the same container share one stream of samples.  Each gets the newest sample.
  //
  // For a container that is not running there is one `not_running`.  The samples begin when it starts, and again after
  // every restart: the stream covers all runs of the container.  For the same reason the call ends with OK when the
  // container is removed: no sample was missed.  With `stream` false the call ends after one response.
  //
  // Errors:
  //   - NOT_FOUND: there is no such container when the call begins.
  //   - UNAVAILABLE (HOST_UNREACHABLE): the host cannot be reached, or could not be reached for a minute.
  //   - UNAVAILABLE (CONNECTION_LOST): the connection to the host broke, and broke again for a minute.
  Stream<v1::StreamStatsResponse> StreamStats(const v1::StreamStatsRequest& request = {}, const CallOptions& options = {}) const;

  // Sets the size of a container's terminal.  Harmless to repeat.  Within AttachContainer, send `resize` instead.
  //
  // Errors:
  //   - FAILED_PRECONDITION (CONFLICT): the container is not running.
  v1::ResizeContainerResponse ResizeContainer(const v1::ResizeContainerRequest& request = {}, const CallOptions& options = {}) const;

  // Starts a container.  A container that runs already stays as it is, and the response says so in `already`.
  //
  // Errors:
  //   - FAILED_PRECONDITION (START_FAILED): the process could not be started, or something that the container needs is
  //     missing or taken: a user, a device, a network, a port, a log server.
  //   - FAILED_PRECONDITION (CONFLICT): the container is paused, or one whose network it shares is not running.
  v1::StartContainerResponse StartContainer(const v1::StartContainerRequest& request = {}, const CallOptions& options = {}) const;

  // Stops a container: asks its process to end, and kills it if it has not ended within the timeout.  A container that
  // is stopped already stays as it is, and the response says so in `already`.
  //
  // The call returns when the container has stopped, so it may take as long as the timeout.
  v1::StopContainerResponse StopContainer(const v1::StopContainerRequest& request = {}, const CallOptions& options = {}) const;

  // Stops a container as StopContainer does, if it runs, and starts it.  Each call restarts it again.
  //
  // Errors:
  //   - FAILED_PRECONDITION (START_FAILED): the process could not be started again.
  v1::RestartContainerResponse RestartContainer(const v1::RestartContainerRequest& request = {}, const CallOptions& options = {}) const;

  // Sends a signal to a container's main process.  Each call sends the signal again.
  //
  // With SIGKILL the call returns when the container has ended, with any other signal at once.
  //
  // Errors:
  //   - FAILED_PRECONDITION (CONFLICT): the container is not running.
  //   - INVALID_ARGUMENT (INVALID_REQUEST): there is no such signal.
  v1::KillContainerResponse KillContainer(const v1::KillContainerRequest& request = {}, const CallOptions& options = {}) const;

  // Changes the limits and the restart policy of a container, running or not.  What is absent stays as it is.  Harmless
  // to repeat.
  //
  // Errors:
  //   - INVALID_ARGUMENT (INVALID_REQUEST): the engine refuses a value.
  //   - FAILED_PRECONDITION (CONFLICT): a value contradicts the container's settings, such as a restart policy together
  //     with `auto_remove`, or its state, such as less memory than it uses.
  v1::UpdateContainerResponse UpdateContainer(const v1::UpdateContainerRequest& request = {}, const CallOptions& options = {}) const;

  // Changes the name of a container.
  //
  // Errors:
  //   - ALREADY_EXISTS (NAME_IN_USE): another container has the name.
  //   - INVALID_ARGUMENT (INVALID_REQUEST): the container has the name already.
  v1::RenameContainerResponse RenameContainer(const v1::RenameContainerRequest& request = {}, const CallOptions& options = {}) const;

  // Suspends all processes of a container.  The processes do not notice it.
  //
  // Errors:
  //   - FAILED_PRECONDITION (CONFLICT): the container is not running, or is paused already.
  v1::PauseContainerResponse PauseContainer(const v1::PauseContainerRequest& request = {}, const CallOptions& options = {}) const;

  // Resumes all processes of a paused container.
  //
  // Errors:
  //   - FAILED_PRECONDITION (CONFLICT): the container is not paused.
  v1::UnpauseContainerResponse UnpauseContainer(const v1::UnpauseContainerRequest& request = {}, const CallOptions& options = {}) const;

  // Connects to the input and output of a container's main process.
  //
  // The first request is `start`.  After it come `stdin`, `resize` and at most one `close_stdin`, in any order.  The
  // end of the requests counts as `close_stdin`.  The responses are one `started`, any number of `output`, and one
  // `end` as the last.  Several clients may be attached at the same time.  A client may attach to a container before it
  // is started.
  //
  // Cancelling the call ends the session and not the container.  When the connection to the host breaks, there is no
  // `end`.
  //
  // Errors:
  //   - UNAVAILABLE (CONNECTION_LOST): the connection to the host broke before the session began, or at its end.
  //   - ABORTED (OUTCOME_UNKNOWN): the connection to the host broke during the session; input may or may not have
  //     arrived.
  //   - FAILED_PRECONDITION (CONFLICT): the container is paused or restarting.
  //   - INVALID_ARGUMENT (INVALID_FIELD): `slow_reader` is SLOW_READER_WAIT.
  Session AttachContainer(const v1::AttachContainerStart& start = {}, const CallOptions& options = {}) const;

  // Waits until a container has stopped, or until what `condition` names, and returns its exit code.
  //
  // It waits as long as the call's deadline allows.
  //
  // Errors:
  //   - INVALID_ARGUMENT (INVALID_REQUEST): the condition is unknown.  Old engines, such as 20.10, ignore it.
  v1::WaitContainerResponse WaitContainer(const v1::WaitContainerRequest& request = {}, const CallOptions& options = {}) const;

  // Removes a container and everything that it has written outside its volumes.
  //
  // Errors:
  //   - FAILED_PRECONDITION (CONFLICT): the container is running, and `force` is not set, or `link` is set for the
  //     container's own name.
  //   - ABORTED (BEING_CHANGED): the container is being removed already.
  v1::RemoveContainerResponse RemoveContainer(const v1::RemoveContainerRequest& request = {}, const CallOptions& options = {}) const;

  // Returns name, size, mode and time of a path in a container's file system.
  //
  // Errors:
  //   - NOT_FOUND: there is no such container, or nothing at the path.
  v1::StatContainerArchiveResponse StatContainerArchive(const v1::StatContainerArchiveRequest& request = {}, const CallOptions& options = {}) const;

  // Returns a file or a directory of a container, running or not, as a tar archive.
  //
  // The first response says what the path is; the others hold the archive.  A call that ends with OK has returned the
  // whole archive.
  //
  // Errors:
  //   - NOT_FOUND: there is no such container, or nothing at the path.
  //   - UNAVAILABLE (CONNECTION_LOST): the connection to the host broke.
  //   - DATA_LOSS (BAD_ENGINE_RESPONSE): the engine's answer is cut off or malformed.
  void GetContainerArchive(const v1::GetContainerArchiveRequest& request, std::ostream& out, const CallOptions& options = {}) const;

  // Unpacks a tar archive into a directory of a container, running or not.
  //
  // The first request is `start`; the archive follows as `data`, plain or compressed with gzip, bzip2 or xz.  An upload
  // that breaks off may leave incomplete files.
  //
  // Errors:
  //   - NOT_FOUND: there is no such container, or no such path.
  //   - INVALID_ARGUMENT (INVALID_REQUEST): the path is not a directory, or the archive is not readable.
  //   - FAILED_PRECONDITION (CONFLICT): `no_overwrite_dir_non_dir` is set, and a file would replace a directory, or a
  //     directory a file.
  //   - PERMISSION_DENIED (CONFLICT): the container's file system, or the volume, is read-only.
  v1::PutContainerArchiveResponse PutContainerArchive(const v1::PutContainerArchiveStart& start, std::istream& data, const CallOptions& options = {}) const;

  // Removes all stopped containers that fit the filters; without filters, all stopped containers.  Harmless to repeat.
  //
  // Errors:
  //   - INVALID_ARGUMENT (INVALID_REQUEST): the engine does not know a filter, or a value does not fit its filter.
  //   - ABORTED (BEING_CHANGED): another prune of containers is running on the host.
  v1::PruneContainersResponse PruneContainers(const v1::PruneContainersRequest& request = {}, const CallOptions& options = {}) const;

  // Looks up an image in its registry, without a pull.
  //
  // The host asks the registry with every call.  If a mirror is configured, it asks the mirror first.  The host stores
  // nothing.  Harmless to repeat, but a registry may count it against its limits.
  //
  // Errors:
  //   - NOT_FOUND: the registry has no such image.
  //   - FAILED_PRECONDITION (REGISTRY_AUTH): the registry refused the credentials, or requires some.  Many answer so for
  //     an image that they do not have.
  //   - INVALID_ARGUMENT (INVALID_FIELD): the name is not a reference.
  //   - INVALID_ARGUMENT (INVALID_REQUEST): the name is the id of an image.
  //   - RESOURCE_EXHAUSTED (REGISTRY_LIMIT): the rate limit of the registry is reached.
  //   - UNAVAILABLE (REGISTRY_UNREACHABLE): the host cannot reach the registry.
  v1::InspectDistributionResponse InspectDistribution(const v1::InspectDistributionRequest& request = {}, const CallOptions& options = {}) const;

  // Runs a command in a container and returns its output and exit code.
  //
  // The first request is `start`.  After it come `stdin`, `resize` and at most one `close_stdin`, in any order.  The
  // end of the requests counts as `close_stdin`.  The responses are one `started`, any number of `output`, and one
  // `end` as the last.  A command that fails does not fail the call: its exit code is in `end`.  Each call runs the
  // command again.
  //
  // When the call is cancelled, loses its connection or fails before the process has ended, `on_disconnect` decides
  // what happens to the process.
  //
  // When the client does not read and the buffers are full, the process waits, as it does for a full pipe.  It waits at
  // most a minute (the gateway's `limits.stall_seconds`), unless `slow_reader` says otherwise.
  //
  // Errors:
  //   - NOT_FOUND: there is no such container.
  //   - FAILED_PRECONDITION (CONFLICT): the container is stopped or paused.
  //   - FAILED_PRECONDITION (AMBIGUOUS_ID): the prefix fits several containers.
  //   - FAILED_PRECONDITION (EXEC_START_FAILED): the command could not be started.
  //   - INVALID_ARGUMENT (INVALID_REQUEST): there is no command.
  //   - ABORTED (OUTCOME_UNKNOWN): the connection broke; the process may or may not be running.
  //   - RESOURCE_EXHAUSTED (SLOW_READER): the client read nothing for too long.
  Session Exec(const v1::ExecStart& start = {}, const CallOptions& options = {}) const;

  // Creates an exec, which StartExec starts.  Nothing runs yet.  Each call creates another exec.
  //
  // Errors:
  //   - NOT_FOUND: there is no such container.
  //   - FAILED_PRECONDITION (CONFLICT): the container is stopped or paused.
  //   - FAILED_PRECONDITION (AMBIGUOUS_ID): the prefix fits several containers.
  //   - INVALID_ARGUMENT (INVALID_REQUEST): there is no command, or `detach_keys` is malformed.
  v1::CreateExecResponse CreateExec(const v1::CreateExecRequest& request = {}, const CallOptions& options = {}) const;

  // Starts an exec that CreateExec has created, and connects to it.  Works once for each exec.
  //
  // The requests and responses are those of `Exec`.  With `detach` the only response is `started`.  The call then ends
  // and the process continues to run; InspectExec returns its exit code.
  //
  // Errors:
  //   - NOT_FOUND: there is no such exec, or its container is stopped.
  //   - FAILED_PRECONDITION (CONFLICT): the exec was started before, or its container is paused.
  //   - FAILED_PRECONDITION (EXEC_START_FAILED): the command could not be started.
  Session StartExec(const v1::StartExecStart& start = {}, const CallOptions& options = {}) const;

  // Sets the size of the terminal of a running exec.  Harmless to repeat.  Within a session, send `resize` instead.
  //
  // Errors:
  //   - NOT_FOUND: there is no such exec, or its process has ended.
  //   - FAILED_PRECONDITION (CONFLICT): the exec has not been started.
  v1::ResizeExecResponse ResizeExec(const v1::ResizeExecRequest& request = {}, const CallOptions& options = {}) const;

  // Returns the state of an exec, and its exit code when it has ended.
  //
  // Errors:
  //   - NOT_FOUND: there is no such exec, or the engine has removed it already.
  v1::InspectExecResponse InspectExec(const v1::InspectExecRequest& request = {}, const CallOptions& options = {}) const;

  // Lists the images on a host.
  //
  // One response holds all images: there are no pages.
  //
  // Errors:
  //   - INVALID_ARGUMENT (INVALID_REQUEST): the engine does not know a filter, or a value does not fit its filter.
  //   - NOT_FOUND: the image that the filter `before` or `since` names does not exist.
  v1::ListImagesResponse ListImages(const v1::ListImagesRequest& request = {}, const CallOptions& options = {}) const;

  // Builds an image from a Dockerfile and the files around it.  Each call builds again, but takes steps that have not
  // changed from the cache.
  //
  // The first request is `start`.  After it come requests with `data`, which together are a tar of the build context:
  // plain, or compressed with gzip, bzip2 or xz.  The id of the image comes in `progress.result.id`.
  //
  // Errors:
  //   - INVALID_ARGUMENT (INVALID_REQUEST): a parameter, the Dockerfile or the tar is malformed, or there is no
  //     Dockerfile.
  //   - RESOURCE_EXHAUSTED (HOST_DISK_FULL): the disk of the host is full.
  //   - FAILED_PRECONDITION (OPERATION_FAILED): a step failed, or the base image could not be pulled.
  Stream<v1::BuildImageResponse> BuildImage(const v1::BuildImageStart& start, std::istream& data, const CallOptions& options = {}) const;

  // Removes cached results of builds.  Images stay.  Later builds take longer.  Harmless to repeat.
  //
  // Errors:
  //   - INVALID_ARGUMENT (INVALID_REQUEST): the engine does not know a filter, or a value does not fit its filter.
  v1::PruneBuildCacheResponse PruneBuildCache(const v1::PruneBuildCacheRequest& request = {}, const CallOptions& options = {}) const;

  // Pulls an image from a registry.  Harmless to repeat: layers that are on the host are not downloaded again.
  //
  // A reference that has neither a tag nor a digest pulls all tags of the repository.
  //
  // Errors:
  //   - NOT_FOUND: the registry has no such image.
  //   - NOT_FOUND (REGISTRY_AUTH): the registry has no such repository, or does not show it without credentials.
  //   - FAILED_PRECONDITION (REGISTRY_AUTH): the registry refused the credentials, or requires some.
  //   - UNAVAILABLE (REGISTRY_UNREACHABLE): the host cannot reach the registry.
  //   - RESOURCE_EXHAUSTED (REGISTRY_LIMIT): the rate limit of the registry is reached.
  //   - RESOURCE_EXHAUSTED (HOST_DISK_FULL): the disk of the host is full.
  Stream<v1::PullImageResponse> PullImage(const v1::PullImageRequest& request = {}, const CallOptions& options = {}) const;

  // Creates an image of one layer from the tar of a file system, such as ExportContainer returns.  Each call creates a
  // new image.
  //
  // The first request is `start`.  After it come requests with `data`, which together are the tar, plain or compressed.
  // The `status` of the last response's `progress` is the id of the image.
  //
  // Errors:
  //   - INVALID_ARGUMENT (INVALID_REQUEST): a parameter, an instruction or the tar is malformed.
  //   - RESOURCE_EXHAUSTED (HOST_DISK_FULL): the disk of the host is full.
  //   - FAILED_PRECONDITION (OPERATION_FAILED): the host cannot download the tar, or cannot unpack it.
  Stream<v1::ImportImageResponse> ImportImage(const v1::ImportImageStart& start, std::istream& data, const CallOptions& options = {}) const;

  // Returns everything that a host knows about an image.
  //
  // Errors:
  //   - NOT_FOUND: there is no such image, or not for the requested platform.
  //   - INVALID_ARGUMENT (INVALID_REQUEST): both `manifests` and `platform` are set.
  v1::InspectImageResponse InspectImage(const v1::InspectImageRequest& request = {}, const CallOptions& options = {}) const;

  // Lists the attestations of an image, such as its provenance and its bill of materials.  The list is empty when there
  // are none.
  //
  // Errors:
  //   - NOT_FOUND: there is no such image, or not for the requested platform.
  //   - INVALID_ARGUMENT (INVALID_REQUEST): the request has more than one platform.
  //   - UNIMPLEMENTED (NOT_SUPPORTED): the image store of the host does not keep attestations.  The containerd store
  //     does.
  v1::ListImageAttestationsResponse ListImageAttestations(const v1::ListImageAttestationsRequest& request = {}, const CallOptions& options = {}) const;

  // Returns the steps that created an image, the latest first.
  //
  // Errors:
  //   - NOT_FOUND: there is no such image, or not for the requested platform.
  v1::GetImageHistoryResponse GetImageHistory(const v1::GetImageHistoryRequest& request = {}, const CallOptions& options = {}) const;

  // Pushes an image to the registry that its name begins with; without one, to Docker Hub.  Harmless to repeat: layers
  // that the registry has are not sent again.
  //
  // The image must have a name for that registry: see TagImage.
  //
  // Errors:
  //   - NOT_FOUND: there is no such image.
  //   - FAILED_PRECONDITION (REGISTRY_AUTH): the registry refused the credentials, requires some, or does not allow the
  //     push.
  //   - UNAVAILABLE (REGISTRY_UNREACHABLE): the host cannot reach the registry.
  //   - RESOURCE_EXHAUSTED (REGISTRY_LIMIT): the rate limit of the registry is reached.
  Stream<v1::PushImageResponse> PushImage(const v1::PushImageRequest& request = {}, const CallOptions& options = {}) const;

  // Adds a name to an image.  Harmless to repeat.  If another image has the name, that image loses it.
  //
  // Errors:
  //   - NOT_FOUND: there is no such image.
  //   - INVALID_ARGUMENT (INVALID_FIELD): the new name is missing or malformed.
  //   - INVALID_ARGUMENT (INVALID_REQUEST): the new name could be taken for an id or a digest.
  v1::TagImageResponse TagImage(const v1::TagImageRequest& request = {}, const CallOptions& options = {}) const;

  // Removes a name from an image.  Together with its last name it removes the image, and those of its parents that have
  // no name.  When the request has an id, it removes the image itself.  A repetition fails, because there is nothing to
  // remove any more.
  //
  // Errors:
  //   - NOT_FOUND: there is no such image.
  //   - FAILED_PRECONDITION (CONFLICT): a container uses the image, another image is built on it, or the request has an
  //     id and the image has names in several repositories.  `force` overrides some of this.
  v1::RemoveImageResponse RemoveImage(const v1::RemoveImageRequest& request = {}, const CallOptions& options = {}) const;

  // Searches Docker Hub for images, from the host.
  //
  // Errors:
  //   - INVALID_ARGUMENT (INVALID_REQUEST): the engine does not know a filter, or the limit is out of range.
  //   - UNAVAILABLE (REGISTRY_UNREACHABLE): the host cannot reach Docker Hub.
  v1::SearchImagesResponse SearchImages(const v1::SearchImagesRequest& request = {}, const CallOptions& options = {}) const;

  // Removes images that no container uses.  Unless filters say otherwise, it removes only images without a name.
  // Harmless to repeat.
  //
  // Errors:
  //   - INVALID_ARGUMENT (INVALID_REQUEST): the engine does not know a filter, or a value does not fit its filter.
  //   - ABORTED (BEING_CHANGED): another prune of images is running on the host.
  v1::PruneImagesResponse PruneImages(const v1::PruneImagesRequest& request = {}, const CallOptions& options = {}) const;

  // Creates an image from the present state of a container, without its volumes.  Each call creates a new image.
  //
  // Errors:
  //   - NOT_FOUND: there is no such container.
  //   - FAILED_PRECONDITION (AMBIGUOUS_ID): the prefix fits several containers.
  //   - INVALID_ARGUMENT (INVALID_FIELD): the name of the image is malformed.
  //   - INVALID_ARGUMENT (INVALID_REQUEST): an instruction is malformed.
  v1::CommitContainerResponse CommitContainer(const v1::CommitContainerRequest& request = {}, const CallOptions& options = {}) const;

  // Returns an image with its layers, as a tar that LoadImages accepts.
  //
  // A repository without a tag means all its tags on the host.  With an id, the tar holds the image without names.  The
  // tar is an OCI image layout or the older layout of `docker save`; the engine decides.
  //
  // Errors:
  //   - NOT_FOUND: there is no such image.
  void SaveImage(const v1::SaveImageRequest& request, std::ostream& out, const CallOptions& options = {}) const;

  // Returns several images in one tar.  Layers that they share are in it only once.  Otherwise it works like SaveImage.
  //
  // Errors:
  //   - NOT_FOUND: one of the images does not exist.
  void SaveImages(const v1::SaveImagesRequest& request, std::ostream& out, const CallOptions& options = {}) const;

  // Loads the images of a tar, with their names, as SaveImage and SaveImages return it.  Loading the same tar again
  // changes nothing.
  //
  // The first request is `start`.  After it come requests with `data`, which together are the tar, plain or compressed
  // with gzip, bzip2 or xz.  If another image has one of the names, that image loses it.
  //
  // Errors:
  //   - RESOURCE_EXHAUSTED (HOST_DISK_FULL): the disk of the host is full.
  //   - INVALID_ARGUMENT (INVALID_REQUEST): the tar is malformed.
  //   - FAILED_PRECONDITION (OPERATION_FAILED): the tar holds no images, or the host cannot unpack it.
  Stream<v1::LoadImagesResponse> LoadImages(const v1::LoadImagesStart& start, std::istream& data, const CallOptions& options = {}) const;

  // Lists networks; without filters, all of them.
  //
  // The response has neither what is connected to the networks (`containers`, `services`) nor their `status`:
  // InspectNetwork returns these.
  //
  // Errors:
  //   - INVALID_ARGUMENT (INVALID_REQUEST): the engine does not know a filter, or a value does not fit its filter.
  v1::ListNetworksResponse ListNetworks(const v1::ListNetworksRequest& request = {}, const CallOptions& options = {}) const;

  // Returns a network with the containers that are connected to it.
  //
  // Errors:
  //   - NOT_FOUND: there is no such network, or not in the requested scope.
  v1::InspectNetworkResponse InspectNetwork(const v1::InspectNetworkRequest& request = {}, const CallOptions& options = {}) const;

  // Removes a network.  A repetition fails, because the network does not exist any more.
  //
  // Stopped containers do not prevent the removal.  They cannot be started again without the network.
  //
  // Errors:
  //   - NOT_FOUND: there is no such network.
  //   - FAILED_PRECONDITION (CONFLICT): a running container or a service uses the network, or it is one of the host's
  //     own networks.
  v1::RemoveNetworkResponse RemoveNetwork(const v1::RemoveNetworkRequest& request = {}, const CallOptions& options = {}) const;

  // Creates a network.
  //
  // Engines before API 1.44 check for a taken name only with `check_duplicate`.  Without it, a repetition of the call
  // creates a second network of the same name.
  //
  // Errors:
  //   - ALREADY_EXISTS (NAME_IN_USE): another network has the name.
  //   - INVALID_ARGUMENT (INVALID_REQUEST): the settings contradict each other, or an address is malformed.
  //   - NOT_FOUND: there is no such driver.
  //   - FAILED_PRECONDITION (CONFLICT): the name is that of one of the host's own networks, the subnet overlaps with
  //     another, or the driver has all the networks that it can have.
  //   - FAILED_PRECONDITION (NOT_SWARM_MANAGER): the driver is `overlay` and the host is not a manager of a swarm.
  v1::CreateNetworkResponse CreateNetwork(const v1::CreateNetworkRequest& request = {}, const CallOptions& options = {}) const;

  // Connects a container, running or not, to a network.  A running container gets its address at once, a stopped one
  // when it starts.
  //
  // The network must be local to the host, or a swarm's network that is `attachable`.
  //
  // Errors:
  //   - NOT_FOUND: there is no such network or container.
  //   - INVALID_ARGUMENT (INVALID_REQUEST): the settings do not fit the network.
  //   - FAILED_PRECONDITION (CONFLICT): the running container is connected to the network already, for example because
  //     the call is repeated, or the network does not allow the connection.
  v1::ConnectNetworkResponse ConnectNetwork(const v1::ConnectNetworkRequest& request = {}, const CallOptions& options = {}) const;

  // Disconnects a container, running or not, from a network.  A repetition does no harm, but fails, because the
  // container is not connected any more.
  //
  // Errors:
  //   - NOT_FOUND: there is no such network or container.
  //   - FAILED_PRECONDITION (CONFLICT): the container is not connected to the network.
  //   - INVALID_ARGUMENT (INVALID_REQUEST): the network is `host`.
  v1::DisconnectNetworkResponse DisconnectNetwork(const v1::DisconnectNetworkRequest& request = {}, const CallOptions& options = {}) const;

  // Removes all networks that no running container is connected to, except the host's own.  Harmless to repeat.
  //
  // A network that cannot be removed is skipped.  Stopped containers do not prevent the removal.  They cannot be
  // started again without the network.
  //
  // Errors:
  //   - INVALID_ARGUMENT (INVALID_REQUEST): the engine does not know a filter, or a value does not fit its filter.
  v1::PruneNetworksResponse PruneNetworks(const v1::PruneNetworksRequest& request = {}, const CallOptions& options = {}) const;

  // Tries credentials at a registry, from the host.
  //
  // Some registries return a token; the client then uses it in place of the password.  Neither the host nor the gateway
  // stores the credentials.  Harmless to repeat, but a registry may count it against its limits.
  //
  // Errors:
  //   - FAILED_PRECONDITION (REGISTRY_AUTH): the registry refused the credentials.
  //   - UNAVAILABLE (REGISTRY_UNREACHABLE): the host cannot reach the registry.
  v1::CheckAuthResponse CheckAuth(const v1::CheckAuthRequest& request = {}, const CallOptions& options = {}) const;

  // Returns the state and the settings of an engine and its machine.
  v1::GetInfoResponse GetInfo(const v1::GetInfoRequest& request = {}, const CallOptions& options = {}) const;

  // Returns the versions of an engine and its components.
  v1::GetVersionResponse GetVersion(const v1::GetVersionRequest& request = {}, const CallOptions& options = {}) const;

  // Checks whether an engine responds, with the least work.  HostService returns the same information without asking
  // the host.
  //
  // Errors:
  //   - UNAVAILABLE (HOST_UNREACHABLE): the host cannot be reached.
  //   - DEADLINE_EXCEEDED (HOST_TIMEOUT): the engine does not respond in time.
  v1::PingResponse Ping(const v1::PingRequest& request = {}, const CallOptions& options = {}) const;

  // Streams what happens to the objects of a host, as it happens.
  //
  // With `since`, past events come first: the engine keeps its last 256 events, and the gateway keeps up to 10,000
  // while it is connected.  Then come new events, until the time in `until` or without limit.  After the headers of the
  // call have come, no event is missed.
  //
  // Subscribers share one connection to the host.  When it breaks, the gateway reconnects and the stream continues at
  // the same event.  A `gap` says that the engine itself has lost events.  After the gap come `synthetic` events: the
  // differences between the containers, images, networks and volumes before and after.  A client that does not read for
  // long also gets a gap, but no synthetic events: it must list the objects again.
  //
  // When the call ends because the host cannot be reached, a new call with the last `resume_token` continues there.
  //
  // Errors:
  //   - INVALID_ARGUMENT (INVALID_FIELD): a filter or a time is malformed.
  //   - INVALID_ARGUMENT (BAD_RESUME_TOKEN): the token is malformed.
  //   - UNAVAILABLE (HOST_UNREACHABLE): the host cannot be reached, or could not be reached for a minute.
  Stream<v1::StreamEventsResponse> StreamEvents(const v1::StreamEventsRequest& request = {}, const CallOptions& options = {}) const;

  // Returns how much disk space the images, containers, volumes and the build cache of a host use.
  //
  // It may take minutes, because the engine adds up file sizes.  An engine before API 1.42 may refuse a second call
  // during the first.  The response has two layouts: see GetDataUsageResponse.
  //
  // Errors:
  //   - ABORTED (BEING_CHANGED): another call is running on the host, whose engine refuses a second one.
  v1::GetDataUsageResponse GetDataUsage(const v1::GetDataUsageRequest& request = {}, const CallOptions& options = {}) const;

  // Lists the volumes of a host; on managers of a swarm, from 1.42 on, also those of the cluster.
  //
  // One response holds all volumes: there are no pages.
  //
  // Errors:
  //   - INVALID_ARGUMENT (INVALID_REQUEST): the engine does not know a filter, or a value does not fit its filter.
  v1::ListVolumesResponse ListVolumes(const v1::ListVolumesRequest& request = {}, const CallOptions& options = {}) const;

  // Creates a volume.  Harmless to repeat with a name: if a volume of the same driver has the name, the response holds
  // that volume, unchanged.  Without a name, each call creates another volume.
  //
  // Errors:
  //   - ALREADY_EXISTS (NAME_IN_USE): a volume of another driver has the name.
  //   - NOT_FOUND: there is no such driver.
  //   - INVALID_ARGUMENT (INVALID_FIELD): the name is malformed.
  //   - INVALID_ARGUMENT (INVALID_REQUEST): an option is malformed.
  v1::CreateVolumeResponse CreateVolume(const v1::CreateVolumeRequest& request = {}, const CallOptions& options = {}) const;

  // Returns a volume.
  //
  // Errors:
  //   - NOT_FOUND: there is no such volume.
  v1::InspectVolumeResponse InspectVolume(const v1::InspectVolumeRequest& request = {}, const CallOptions& options = {}) const;

  // Changes the availability of a cluster volume.  Everything else in its spec must stay the same.  A repetition fails:
  // a change creates a new version, and the engine refuses the old one.
  //
  // Errors:
  //   - NOT_FOUND: there is no such volume.
  //   - FAILED_PRECONDITION (NOT_SWARM_MANAGER): the host is not a manager of a swarm.
  //   - INVALID_ARGUMENT (INVALID_FIELD): the version is missing.
  //   - INVALID_ARGUMENT (INVALID_REQUEST): the request changes something else.
  v1::UpdateVolumeResponse UpdateVolume(const v1::UpdateVolumeRequest& request = {}, const CallOptions& options = {}) const;

  // Removes a volume with its data.  A repetition fails, unless `force` is set, because the volume does not exist any
  // more.
  //
  // Errors:
  //   - NOT_FOUND: there is no such volume, or its driver is missing.
  //   - FAILED_PRECONDITION (CONFLICT): a container uses it, running or not.
  v1::RemoveVolumeResponse RemoveVolume(const v1::RemoveVolumeRequest& request = {}, const CallOptions& options = {}) const;

  // Removes the local volumes that no container uses, with their data.  Harmless to repeat.
  //
  // From 1.42 on it removes only anonymous volumes, unless the filter `all` is set.  Hosts below 1.42 remove named
  // volumes too.
  //
  // Errors:
  //   - INVALID_ARGUMENT (INVALID_REQUEST): the engine does not know a filter, or a value does not fit its filter.
  //   - ABORTED (BEING_CHANGED): another prune of volumes is running on the host.
  v1::PruneVolumesResponse PruneVolumes(const v1::PruneVolumesRequest& request = {}, const CallOptions& options = {}) const;

 private:
  std::string name_;
  std::shared_ptr<internal::Stubs> calls_, streams_;  // streams never hold up calls
  std::chrono::milliseconds retry_;
};

// A gateway with all its hosts.
class Fleet {
 public:
  Fleet(std::shared_ptr<internal::Stubs> calls, std::shared_ptr<internal::Stubs> streams,
        std::chrono::milliseconds retry)
      : calls_(std::move(calls)), streams_(std::move(streams)), retry_(retry) {}

  // The host of a name.  Nothing is sent; a host that does not exist fails the first call.
  Host host(const std::string& name) const { return Host(name, calls_, streams_, retry_); }

  // Lists the containers of many hosts.
  Stream<fleet::v1::ListContainersResponse> ListContainers(const fleet::v1::ListContainersRequest& request = {}, const CallOptions& options = {}) const;

  // Lists the images of many hosts.
  Stream<fleet::v1::ListImagesResponse> ListImages(const fleet::v1::ListImagesRequest& request = {}, const CallOptions& options = {}) const;

  // Lists the networks of many hosts.
  Stream<fleet::v1::ListNetworksResponse> ListNetworks(const fleet::v1::ListNetworksRequest& request = {}, const CallOptions& options = {}) const;

  // Lists the volumes of many hosts.
  Stream<fleet::v1::ListVolumesResponse> ListVolumes(const fleet::v1::ListVolumesRequest& request = {}, const CallOptions& options = {}) const;

  // Returns what many hosts and their engines are and have.
  Stream<fleet::v1::GetInfoResponse> GetInfo(const fleet::v1::GetInfoRequest& request = {}, const CallOptions& options = {}) const;

  // Returns the versions of many engines.
  Stream<fleet::v1::GetVersionResponse> GetVersion(const fleet::v1::GetVersionRequest& request = {}, const CallOptions& options = {}) const;

  // Returns how much disk space many hosts use.  It costs each engine much: set a `host_timeout` that fits.
  Stream<fleet::v1::GetDataUsageResponse> GetDataUsage(const fleet::v1::GetDataUsageRequest& request = {}, const CallOptions& options = {}) const;

  // Asks many engines whether they live.
  Stream<fleet::v1::PingResponse> Ping(const fleet::v1::PingRequest& request = {}, const CallOptions& options = {}) const;

  // Finds containers, by name, id prefix, label, image, state or published port: where is `web-1`?  It answers from the
  // gateway's inventory.
  Stream<fleet::v1::FindContainersResponse> FindContainers(const fleet::v1::FindContainersRequest& request = {}, const CallOptions& options = {}) const;

  // Follows which containers there are: first all that are selected, then every change of them.
  //
  // For each host there is one `synced` after its first containers.  While a host does not respond, its containers stay
  // as they were, and `stale` says so; the next `synced` says that the gateway knows its state again, after the changes
  // that were missed.  A call with the token of the last response continues there, at this gateway or at another, with
  // the changes since then; where these are not known any more, with a `forget` and all containers of that host.
  Stream<fleet::v1::WatchContainersResponse> WatchContainers(const fleet::v1::WatchContainersRequest& request = {}, const CallOptions& options = {}) const;

  // Streams the logs of all containers that are selected, in the order of their times.
  //
  // A record waits for older ones of other containers, `max_wait` at the longest.  A container whose host is stalled does
  // not hold up the others: a `stalled` names it, and its records come late, after a `resumed`.  Containers that are
  // started later join; those that end or are removed leave.  The engine's clocks order the records: hosts need to have
  // the same time.  A call with the token of the last response continues all logs there, at this gateway or at another.
  Stream<fleet::v1::StreamLogsResponse> StreamLogs(const fleet::v1::StreamLogsRequest& request = {}, const CallOptions& options = {}) const;

  // Streams samples of all running containers that are selected.  Containers that are started later join.
  Stream<fleet::v1::StreamStatsResponse> StreamStats(const fleet::v1::StreamStatsRequest& request = {}, const CallOptions& options = {}) const;

  // Streams the events of all hosts that are selected, in the order of their times, as StreamLogs does.  Hosts that the
  // gateway learns of later join.
  Stream<fleet::v1::StreamEventsResponse> StreamEvents(const fleet::v1::StreamEventsRequest& request = {}, const CallOptions& options = {}) const;

  // Starts containers.
  Stream<fleet::v1::StartContainersResponse> StartContainers(const fleet::v1::StartContainersRequest& request = {}, const CallOptions& options = {}) const;

  // Stops containers.
  Stream<fleet::v1::StopContainersResponse> StopContainers(const fleet::v1::StopContainersRequest& request = {}, const CallOptions& options = {}) const;

  // Restarts containers.
  Stream<fleet::v1::RestartContainersResponse> RestartContainers(const fleet::v1::RestartContainersRequest& request = {}, const CallOptions& options = {}) const;

  // Sends a signal to containers.
  Stream<fleet::v1::KillContainersResponse> KillContainers(const fleet::v1::KillContainersRequest& request = {}, const CallOptions& options = {}) const;

  // Suspends the processes of containers.
  Stream<fleet::v1::PauseContainersResponse> PauseContainers(const fleet::v1::PauseContainersRequest& request = {}, const CallOptions& options = {}) const;

  // Lets the processes of paused containers run again.
  Stream<fleet::v1::UnpauseContainersResponse> UnpauseContainers(const fleet::v1::UnpauseContainersRequest& request = {}, const CallOptions& options = {}) const;

  // Changes the resources or the restart policy of containers.
  Stream<fleet::v1::UpdateContainersResponse> UpdateContainers(const fleet::v1::UpdateContainersRequest& request = {}, const CallOptions& options = {}) const;

  // Removes containers.
  Stream<fleet::v1::RemoveContainersResponse> RemoveContainers(const fleet::v1::RemoveContainersRequest& request = {}, const CallOptions& options = {}) const;

  // Runs one container on every host: an agent, for example.  Images are pulled as `request.pull` says.
  Stream<fleet::v1::RunContainersResponse> RunContainers(const fleet::v1::RunContainersRequest& request = {}, const CallOptions& options = {}) const;

  // Pulls an image on every host.
  Stream<fleet::v1::PullImagesResponse> PullImages(const fleet::v1::PullImagesRequest& request = {}, const CallOptions& options = {}) const;

  // Removes an image from every host.
  Stream<fleet::v1::RemoveImagesResponse> RemoveImages(const fleet::v1::RemoveImagesRequest& request = {}, const CallOptions& options = {}) const;

  // Gives an image another name on every host.
  Stream<fleet::v1::TagImagesResponse> TagImages(const fleet::v1::TagImagesRequest& request = {}, const CallOptions& options = {}) const;

  // Removes the stopped containers of every host.
  Stream<fleet::v1::PruneContainersResponse> PruneContainers(const fleet::v1::PruneContainersRequest& request = {}, const CallOptions& options = {}) const;

  // Removes the unused images of every host.
  Stream<fleet::v1::PruneImagesResponse> PruneImages(const fleet::v1::PruneImagesRequest& request = {}, const CallOptions& options = {}) const;

  // Removes the unused networks of every host.
  Stream<fleet::v1::PruneNetworksResponse> PruneNetworks(const fleet::v1::PruneNetworksRequest& request = {}, const CallOptions& options = {}) const;

  // Removes the unused volumes of every host.
  Stream<fleet::v1::PruneVolumesResponse> PruneVolumes(const fleet::v1::PruneVolumesRequest& request = {}, const CallOptions& options = {}) const;

  // Removes the unused build cache of every host.
  Stream<fleet::v1::PruneBuildCachesResponse> PruneBuildCaches(const fleet::v1::PruneBuildCachesRequest& request = {}, const CallOptions& options = {}) const;

  // Creates a network on every host.
  Stream<fleet::v1::CreateNetworksResponse> CreateNetworks(const fleet::v1::CreateNetworksRequest& request = {}, const CallOptions& options = {}) const;

  // Removes a network from every host.
  Stream<fleet::v1::RemoveNetworksResponse> RemoveNetworks(const fleet::v1::RemoveNetworksRequest& request = {}, const CallOptions& options = {}) const;

  // Creates a volume on every host.
  Stream<fleet::v1::CreateVolumesResponse> CreateVolumes(const fleet::v1::CreateVolumesRequest& request = {}, const CallOptions& options = {}) const;

  // Removes a volume from every host.
  Stream<fleet::v1::RemoveVolumesResponse> RemoveVolumes(const fleet::v1::RemoveVolumesRequest& request = {}, const CallOptions& options = {}) const;

  // Runs a container on the host that fits best, among those that are selected: see Placement.
  //
  // The first response says which host that is, and why; the others are those of RunContainer of ContainerService.
  //
  // Errors:
  //   - FAILED_PRECONDITION (NO_HOST_FITS): no selected host can take the container.  The message says why, host by host.
  Stream<fleet::v1::RunContainerResponse> RunContainer(const fleet::v1::RunContainerRequest& request = {}, const CallOptions& options = {}) const;

  // Copies an image from one host to others, without a registry.
  //
  // The image streams through the gateway, which keeps nothing of it.  Hosts that have the image already are skipped.
  // After the load, the gateway compares the id of the image with that of the source.  A host that is drained has the
  // failure HOST_DRAINING.
  //
  // Errors:
  //   - NOT_FOUND: the source does not have the image.
  //   - UNAVAILABLE (HOST_UNREACHABLE): the source cannot be reached.
  Stream<fleet::v1::CopyImageResponse> CopyImage(const fleet::v1::CopyImageRequest& request = {}, const CallOptions& options = {}) const;

  // Finds where a service can be reached: the running containers of that name, with addresses, ports and health.
  fleet::v1::DiscoverServicesResponse DiscoverServices(const fleet::v1::DiscoverServicesRequest& request = {}, const CallOptions& options = {}) const;

  // Follows where services can be reached: all endpoints at first, then every change.  The endpoints of a host that is
  // down are removed.
  Stream<fleet::v1::WatchServicesResponse> WatchServices(const fleet::v1::WatchServicesRequest& request = {}, const CallOptions& options = {}) const;

  // Lists hosts, reachable or not, by name.
  //
  // Errors:
  //   - NOT_FOUND (UNKNOWN_HOST): the selector names a host that the gateway does not know.
  //   - INVALID_ARGUMENT (INVALID_FIELD): the selector is malformed.
  fleet::v1::ListHostsResponse ListHosts(const fleet::v1::ListHostsRequest& request = {}, const CallOptions& options = {}) const;

  // Returns one host.
  //
  // Errors:
  //   - NOT_FOUND (UNKNOWN_HOST): the gateway knows no host of this name.
  //   - INVALID_ARGUMENT (INVALID_FIELD): the name is missing.
  fleet::v1::GetHostResponse GetHost(const fleet::v1::GetHostRequest& request = {}, const CallOptions& options = {}) const;

  // Follows the hosts: all that are selected at first, then every change of them.  A host that changes often while the
  // client does not read comes once, as it is then.
  //
  // Errors:
  //   - INVALID_ARGUMENT (INVALID_FIELD): the selector is malformed.
  Stream<fleet::v1::WatchHostsResponse> WatchHosts(const fleet::v1::WatchHostsRequest& request = {}, const CallOptions& options = {}) const;

  // Adds a host.  The gateway stores it, so that it is there again after a restart.  The call does not wait for it: its
  // state is HOST_STATE_CONNECTING at first.
  //
  // Errors:
  //   - ALREADY_EXISTS (NAME_IN_USE): another host has the name.
  //   - INVALID_ARGUMENT (INVALID_FIELD): the name, the address, the labels or the credentials are malformed.
  //   - UNAVAILABLE (HOST_STORE_UNAVAILABLE): the gateway cannot store the host.
  fleet::v1::AddHostResponse AddHost(const fleet::v1::AddHostRequest& request = {}, const CallOptions& options = {}) const;

  // Replaces what AddHost has stored of a host.  With the same address its calls and streams continue.
  //
  // Errors:
  //   - NOT_FOUND (UNKNOWN_HOST): the gateway knows no host of this name.
  //   - FAILED_PRECONDITION (HOST_READ_ONLY): the host comes from a source that calls cannot change.
  //   - INVALID_ARGUMENT (INVALID_FIELD): the name, the address, the labels or the credentials are malformed.
  fleet::v1::UpdateHostResponse UpdateHost(const fleet::v1::UpdateHostRequest& request = {}, const CallOptions& options = {}) const;

  // Removes a host that AddHost has added.  Its open calls and streams end with FAILED_PRECONDITION, reason HOST_REMOVED.
  // Nothing changes on the host itself.
  //
  // Errors:
  //   - NOT_FOUND (UNKNOWN_HOST): the gateway knows no host of this name.
  //   - FAILED_PRECONDITION (HOST_READ_ONLY): the host comes from a source that calls cannot change.
  fleet::v1::RemoveHostResponse RemoveHost(const fleet::v1::RemoveHostRequest& request = {}, const CallOptions& options = {}) const;

  // Lets a host take no new work.  RPCs with the option `new_work`, which make or start something there, fail with
  // FAILED_PRECONDITION, reason HOST_DRAINING.  Everything else continues: what runs there runs on.  The gateway stores
  // it by the name of the host, until UndrainHost.
  //
  // Errors:
  //   - NOT_FOUND (UNKNOWN_HOST): the gateway knows no host of this name.
  fleet::v1::DrainHostResponse DrainHost(const fleet::v1::DrainHostRequest& request = {}, const CallOptions& options = {}) const;

  // Lets a host that was drained take new work again.
  //
  // Errors:
  //   - NOT_FOUND (UNKNOWN_HOST): the gateway knows no host of this name.
  fleet::v1::UndrainHostResponse UndrainHost(const fleet::v1::UndrainHostRequest& request = {}, const CallOptions& options = {}) const;

  // Probes a host now, and returns it with the state that it has after the probe.
  //
  // Errors:
  //   - NOT_FOUND (UNKNOWN_HOST): the gateway knows no host of this name.
  fleet::v1::ProbeHostResponse ProbeHost(const fleet::v1::ProbeHostRequest& request = {}, const CallOptions& options = {}) const;

 private:
  std::shared_ptr<internal::Stubs> calls_, streams_;  // streams never hold up calls
  std::chrono::milliseconds retry_;
};

}  // namespace dockfleet

#endif  // DOCKFLEET_HOST_H_
