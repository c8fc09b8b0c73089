// Generated from the contract by protos/generate_clients.py.
package dockfleet.client;

import java.io.InputStream;
import java.util.function.Consumer;

/**
 * Containers as a whole, and their main processes.  Further processes in a running container belong to ExecService.
 * Making an image from a container belongs to ImageService.
 *
 * Every RPC that takes a container accepts its id, a unique prefix of the id, or its name.  Each of them can end with
 * the errors below.
 *
 * Errors:
 *   - NOT_FOUND: there is no such container.
 *   - FAILED_PRECONDITION (AMBIGUOUS_ID): the prefix fits several containers.
 */
public final class ContainerService {
  private final Calls calls;
  private final String host;

  ContainerService(Calls calls, String host) {
    this.calls = calls;
    this.host = host;
  }

  /**
   * Lists containers, the newest first.  Without `all` it lists running containers only.
   *
   * One response holds all containers: there are no pages.
   *
   * Errors:
   *   - INVALID_ARGUMENT (INVALID_FIELD): a filter is unknown, or a value does not fit its filter.
   *   - NOT_FOUND: the container that the filter `before` or `since` names does not exist.
   */
  public dockfleet.v1.ListContainersResponse listContainers(Consumer<dockfleet.v1.ListContainersRequest.Builder> fields) {
    var request = dockfleet.v1.ListContainersRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.ContainerServiceGrpc.getListContainersMethod(), request.setHost(host).build());
  }

  /**
   * Creates a container and does not start it.  Each call creates another container.
   *
   * The image must be on the host: this call does not pull it.
   *
   * Errors:
   *   - NOT_FOUND: the image is not on the host.
   *   - ALREADY_EXISTS (NAME_IN_USE): another container has the name.
   *   - INVALID_ARGUMENT (INVALID_FIELD): `config.image` is missing.
   *   - INVALID_ARGUMENT (INVALID_REQUEST): the engine refuses the configuration.
   *   - ABORTED (OUTCOME_UNKNOWN): the connection broke; the container may or may not exist.  Look it up by its name.
   */
  public dockfleet.v1.CreateContainerResponse createContainer(Consumer<dockfleet.v1.CreateContainerRequest.Builder> fields) {
    var request = dockfleet.v1.CreateContainerRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.ContainerServiceGrpc.getCreateContainerMethod(), request.setHost(host).build());
  }

  /**
   * Pulls the image if necessary, creates a container, starts it, and returns its output and exit code.
   *
   * The responses are any number of `pull`, one `created`, one `started`, any number of `output`, and one `end` as the
   * last.  The gateway connects to the output before it starts the container: no output is missed.  With `detach` the
   * call ends after `started`.  A process that fails does not fail the call: its exit code is in `end`.  There is no
   * input; for that use CreateContainer, AttachContainer and StartContainer.
   *
   * When the client cancels the call or disconnects before the start, the gateway removes the container.  After the
   * start, the container continues to run.  `config.host_config.auto_remove` works as in CreateContainer.
   *
   * When the process cannot be started, the container remains as created, unless `auto_remove` is set.
   *
   * Errors:
   *   - NOT_FOUND: the image is not on the host and, where pulling is allowed, not in the registry.
   *   - ALREADY_EXISTS (NAME_IN_USE): another container has the name.
   *   - INVALID_ARGUMENT (INVALID_FIELD): `config.image` is missing.
   *   - INVALID_ARGUMENT (INVALID_REQUEST): the engine refuses the configuration.
   *   - FAILED_PRECONDITION (START_FAILED): the process could not be started.
   *   - FAILED_PRECONDITION (REGISTRY_AUTH): the registry refused the credentials, or requires some.
   *   - UNAVAILABLE (REGISTRY_UNREACHABLE): the host cannot reach the registry.
   *   - ABORTED (OUTCOME_UNKNOWN): the connection broke; the container may or may not exist, or run.
   */
  public Responses<dockfleet.v1.RunContainerResponse> runContainer(Consumer<dockfleet.v1.RunContainerRequest.Builder> fields) {
    var request = dockfleet.v1.RunContainerRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.v1.ContainerServiceGrpc.getRunContainerMethod(), request.setHost(host).build());
  }

  /**
   * Returns everything that the engine knows about a container.
   */
  public dockfleet.v1.InspectContainerResponse inspectContainer(Consumer<dockfleet.v1.InspectContainerRequest.Builder> fields) {
    var request = dockfleet.v1.InspectContainerRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.ContainerServiceGrpc.getInspectContainerMethod(), request.setHost(host).build());
  }

  /**
   * Lists the processes of a container, as `ps` on the host shows them.
   *
   * Windows hosts return other columns and do not accept `ps_args`.
   *
   * Errors:
   *   - FAILED_PRECONDITION (CONFLICT): the container is not running.
   *   - INVALID_ARGUMENT (INVALID_REQUEST): `ps` refuses `ps_args`, or they leave out the ids of the processes.
   */
  public dockfleet.v1.TopContainerResponse topContainer(Consumer<dockfleet.v1.TopContainerRequest.Builder> fields) {
    var request = dockfleet.v1.TopContainerRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.ContainerServiceGrpc.getTopContainerMethod(), request.setHost(host).build());
  }

  /**
   * Streams what a container has written, and with `follow` what it writes from then on.
   *
   * Lines come in batches, in the engine's order.  A call that ends with OK has an `end` as its last response; it says
   * why the log ended.  All entries that the engine had come before it: without `follow` up to now, with `follow` up to
   * the end of the container.
   *
   * When the connection to the host breaks, the gateway reconnects, and the stream continues at the same line.  When
   * this fails for a minute (the gateway's `limits.reconnect_timeout_seconds`), the call ends.  A new call with the token of the
   * last response continues there, at this gateway or at another.  A `gap` says that the engine itself has lost
   * entries, or has left them out.  It can come a little late; its times say where the entries are missing.
   *
   * Subscribers of the same log share one connection to the host.  A subscriber that reads more slowly than the others
   * gets a connection of its own and the whole log, at its own pace.  The container never waits.
   *
   * Errors:
   *   - UNAVAILABLE (HOST_UNREACHABLE): the host cannot be reached, or could not be reached for a minute.
   *   - UNAVAILABLE (CONNECTION_LOST): the connection to the host broke, and broke again for a minute.
   *   - FAILED_PRECONDITION (NOT_SUPPORTED): the container's log driver cannot be read, such as `none`.
   *   - INVALID_ARGUMENT (BAD_RESUME_TOKEN): the token is malformed.
   */
  public Responses<dockfleet.v1.StreamLogsResponse> streamLogs(Consumer<dockfleet.v1.StreamLogsRequest.Builder> fields) {
    var request = dockfleet.v1.StreamLogsRequest.newBuilder();
    fields.accept(request);
    return calls.resuming(dockfleet.v1.ContainerServiceGrpc.getStreamLogsMethod(), request.setHost(host).build());
  }

  /**
   * Lists the files that were added, changed or deleted in a container since it was created from its image.
   */
  public dockfleet.v1.GetContainerChangesResponse getContainerChanges(Consumer<dockfleet.v1.GetContainerChangesRequest.Builder> fields) {
    var request = dockfleet.v1.GetContainerChangesRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.ContainerServiceGrpc.getGetContainerChangesMethod(), request.setHost(host).build());
  }

  /**
   * Returns a container's whole file system, without its volumes, as a tar archive.
   *
   * The container may run during the call; the archive is then not a snapshot of one instant.  A call that ends with OK
   * has returned the whole archive.
   *
   * Errors:
   *   - UNAVAILABLE (CONNECTION_LOST): the connection to the host broke.
   *   - DATA_LOSS (BAD_ENGINE_RESPONSE): the engine's answer is cut off or malformed.
   */
  public Responses<dockfleet.v1.ExportContainerResponse> exportContainer(Consumer<dockfleet.v1.ExportContainerRequest.Builder> fields) {
    var request = dockfleet.v1.ExportContainerRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.v1.ContainerServiceGrpc.getExportContainerMethod(), request.setHost(host).build());
  }

  /**
   * Streams how much CPU, memory, network and disk a container uses: about one sample per second.
   *
   * A sample holds the engine's counters, and a summary of them with the numbers that `docker stats` shows.
   * Subscribers of the same container share one stream of samples.  Each gets the newest sample.
   *
   * For a container that is not running there is one `not_running`.  The samples begin when it starts, and again after
   * every restart: the stream covers all runs of the container.  For the same reason the call ends with OK when the
   * container is removed: no sample was missed.  With `stream` false the call ends after one response.
   *
   * Errors:
   *   - NOT_FOUND: there is no such container when the call begins.
   *   - UNAVAILABLE (HOST_UNREACHABLE): the host cannot be reached, or could not be reached for a minute.
   *   - UNAVAILABLE (CONNECTION_LOST): the connection to the host broke, and broke again for a minute.
   */
  public Responses<dockfleet.v1.StreamStatsResponse> streamStats(Consumer<dockfleet.v1.StreamStatsRequest.Builder> fields) {
    var request = dockfleet.v1.StreamStatsRequest.newBuilder();
    fields.accept(request);
    return calls.resuming(dockfleet.v1.ContainerServiceGrpc.getStreamStatsMethod(), request.setHost(host).build());
  }

  /**
   * Sets the size of a container's terminal.  Harmless to repeat.  Within AttachContainer, send `resize` instead.
   *
   * Errors:
   *   - FAILED_PRECONDITION (CONFLICT): the container is not running.
   */
  public dockfleet.v1.ResizeContainerResponse resizeContainer(Consumer<dockfleet.v1.ResizeContainerRequest.Builder> fields) {
    var request = dockfleet.v1.ResizeContainerRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.ContainerServiceGrpc.getResizeContainerMethod(), request.setHost(host).build());
  }

  /**
   * Starts a container.  A container that runs already stays as it is, and the response says so in `already`.
   *
   * Errors:
   *   - FAILED_PRECONDITION (START_FAILED): the process could not be started, or something that the container needs is
   *     missing or taken: a user, a device, a network, a port, a log server.
   *   - FAILED_PRECONDITION (CONFLICT): the container is paused, or one whose network it shares is not running.
   */
  public dockfleet.v1.StartContainerResponse startContainer(Consumer<dockfleet.v1.StartContainerRequest.Builder> fields) {
    var request = dockfleet.v1.StartContainerRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.ContainerServiceGrpc.getStartContainerMethod(), request.setHost(host).build());
  }

  /**
   * Stops a container: asks its process to end, and kills it if it has not ended within the timeout.  A container that
   * is stopped already stays as it is, and the response says so in `already`.
   *
   * The call returns when the container has stopped, so it may take as long as the timeout.
   */
  public dockfleet.v1.StopContainerResponse stopContainer(Consumer<dockfleet.v1.StopContainerRequest.Builder> fields) {
    var request = dockfleet.v1.StopContainerRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.ContainerServiceGrpc.getStopContainerMethod(), request.setHost(host).build());
  }

  /**
   * Stops a container as StopContainer does, if it runs, and starts it.  Each call restarts it again.
   *
   * Errors:
   *   - FAILED_PRECONDITION (START_FAILED): the process could not be started again.
   */
  public dockfleet.v1.RestartContainerResponse restartContainer(Consumer<dockfleet.v1.RestartContainerRequest.Builder> fields) {
    var request = dockfleet.v1.RestartContainerRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.ContainerServiceGrpc.getRestartContainerMethod(), request.setHost(host).build());
  }

  /**
   * Sends a signal to a container's main process.  Each call sends the signal again.
   *
   * With SIGKILL the call returns when the container has ended, with any other signal at once.
   *
   * Errors:
   *   - FAILED_PRECONDITION (CONFLICT): the container is not running.
   *   - INVALID_ARGUMENT (INVALID_REQUEST): there is no such signal.
   */
  public dockfleet.v1.KillContainerResponse killContainer(Consumer<dockfleet.v1.KillContainerRequest.Builder> fields) {
    var request = dockfleet.v1.KillContainerRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.ContainerServiceGrpc.getKillContainerMethod(), request.setHost(host).build());
  }

  /**
   * Changes the limits and the restart policy of a container, running or not.  What is absent stays as it is.  Harmless
   * to repeat.
   *
   * Errors:
   *   - INVALID_ARGUMENT (INVALID_REQUEST): the engine refuses a value.
   *   - FAILED_PRECONDITION (CONFLICT): a value contradicts the container's settings, such as a restart policy together
   *     with `auto_remove`, or its state, such as less memory than it uses.
   */
  public dockfleet.v1.UpdateContainerResponse updateContainer(Consumer<dockfleet.v1.UpdateContainerRequest.Builder> fields) {
    var request = dockfleet.v1.UpdateContainerRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.ContainerServiceGrpc.getUpdateContainerMethod(), request.setHost(host).build());
  }

  /**
   * Changes the name of a container.
   *
   * Errors:
   *   - ALREADY_EXISTS (NAME_IN_USE): another container has the name.
   *   - INVALID_ARGUMENT (INVALID_REQUEST): the container has the name already.
   */
  public dockfleet.v1.RenameContainerResponse renameContainer(Consumer<dockfleet.v1.RenameContainerRequest.Builder> fields) {
    var request = dockfleet.v1.RenameContainerRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.ContainerServiceGrpc.getRenameContainerMethod(), request.setHost(host).build());
  }

  /**
   * Suspends all processes of a container.  The processes do not notice it.
   *
   * Errors:
   *   - FAILED_PRECONDITION (CONFLICT): the container is not running, or is paused already.
   */
  public dockfleet.v1.PauseContainerResponse pauseContainer(Consumer<dockfleet.v1.PauseContainerRequest.Builder> fields) {
    var request = dockfleet.v1.PauseContainerRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.ContainerServiceGrpc.getPauseContainerMethod(), request.setHost(host).build());
  }

  /**
   * Resumes all processes of a paused container.
   *
   * Errors:
   *   - FAILED_PRECONDITION (CONFLICT): the container is not paused.
   */
  public dockfleet.v1.UnpauseContainerResponse unpauseContainer(Consumer<dockfleet.v1.UnpauseContainerRequest.Builder> fields) {
    var request = dockfleet.v1.UnpauseContainerRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.ContainerServiceGrpc.getUnpauseContainerMethod(), request.setHost(host).build());
  }

  /**
   * Connects to the input and output of a container's main process.
   *
   * The first request is `start`.  After it come `stdin`, `resize` and at most one `close_stdin`, in any order.  The
   * end of the requests counts as `close_stdin`.  The responses are one `started`, any number of `output`, and one
   * `end` as the last.  Several clients may be attached at the same time.  A client may attach to a container before it
   * is started.
   *
   * Cancelling the call ends the session and not the container.  When the connection to the host breaks, there is no
   * `end`.
   *
   * Errors:
   *   - UNAVAILABLE (CONNECTION_LOST): the connection to the host broke before the session began, or at its end.
   *   - ABORTED (OUTCOME_UNKNOWN): the connection to the host broke during the session; input may or may not have
   *     arrived.
   *   - FAILED_PRECONDITION (CONFLICT): the container is paused or restarting.
   *   - INVALID_ARGUMENT (INVALID_FIELD): `slow_reader` is SLOW_READER_WAIT.
   */
  public Session attachContainer(Consumer<dockfleet.v1.AttachContainerStart.Builder> fields) {
    var request = dockfleet.v1.AttachContainerStart.newBuilder();
    fields.accept(request);
    return calls.session(dockfleet.v1.ContainerServiceGrpc.getAttachContainerMethod(), request.setHost(host).build());
  }

  /**
   * Waits until a container has stopped, or until what `condition` names, and returns its exit code.
   *
   * It waits as long as the call's deadline allows.
   *
   * Errors:
   *   - INVALID_ARGUMENT (INVALID_REQUEST): the condition is unknown.  Old engines, such as 20.10, ignore it.
   */
  public dockfleet.v1.WaitContainerResponse waitContainer(Consumer<dockfleet.v1.WaitContainerRequest.Builder> fields) {
    var request = dockfleet.v1.WaitContainerRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.ContainerServiceGrpc.getWaitContainerMethod(), request.setHost(host).build());
  }

  /**
   * Removes a container and everything that it has written outside its volumes.
   *
   * Errors:
   *   - FAILED_PRECONDITION (CONFLICT): the container is running, and `force` is not set, or `link` is set for the
   *     container's own name.
   *   - ABORTED (BEING_CHANGED): the container is being removed already.
   */
  public dockfleet.v1.RemoveContainerResponse removeContainer(Consumer<dockfleet.v1.RemoveContainerRequest.Builder> fields) {
    var request = dockfleet.v1.RemoveContainerRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.ContainerServiceGrpc.getRemoveContainerMethod(), request.setHost(host).build());
  }

  /**
   * Returns name, size, mode and time of a path in a container's file system.
   *
   * Errors:
   *   - NOT_FOUND: there is no such container, or nothing at the path.
   */
  public dockfleet.v1.StatContainerArchiveResponse statContainerArchive(Consumer<dockfleet.v1.StatContainerArchiveRequest.Builder> fields) {
    var request = dockfleet.v1.StatContainerArchiveRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.ContainerServiceGrpc.getStatContainerArchiveMethod(), request.setHost(host).build());
  }

  /**
   * Returns a file or a directory of a container, running or not, as a tar archive.
   *
   * The first response says what the path is; the others hold the archive.  A call that ends with OK has returned the
   * whole archive.
   *
   * Errors:
   *   - NOT_FOUND: there is no such container, or nothing at the path.
   *   - UNAVAILABLE (CONNECTION_LOST): the connection to the host broke.
   *   - DATA_LOSS (BAD_ENGINE_RESPONSE): the engine's answer is cut off or malformed.
   */
  public Responses<dockfleet.v1.GetContainerArchiveResponse> getContainerArchive(Consumer<dockfleet.v1.GetContainerArchiveRequest.Builder> fields) {
    var request = dockfleet.v1.GetContainerArchiveRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.v1.ContainerServiceGrpc.getGetContainerArchiveMethod(), request.setHost(host).build());
  }

  /**
   * Unpacks a tar archive into a directory of a container, running or not.
   *
   * The first request is `start`; the archive follows as `data`.  A compressed one is refused: an engine may decompress
   * it with a program of the container, as root on the host.  An upload that breaks off may leave incomplete files.
   *
   * Errors:
   *   - NOT_FOUND: there is no such container, or no such path.
   *   - INVALID_ARGUMENT (INVALID_REQUEST): the path is not a directory, or the archive is not readable.
   *   - FAILED_PRECONDITION (CONFLICT): `no_overwrite_dir_non_dir` is set, and a file would replace a directory, or a
   *     directory a file.
   *   - PERMISSION_DENIED (CONFLICT): the container's file system, or the volume, is read-only.
   */
  public dockfleet.v1.PutContainerArchiveResponse putContainerArchive(InputStream bytes, Consumer<dockfleet.v1.PutContainerArchiveStart.Builder> fields) {
    var request = dockfleet.v1.PutContainerArchiveStart.newBuilder();
    fields.accept(request);
    return calls.upload(dockfleet.v1.ContainerServiceGrpc.getPutContainerArchiveMethod(), request.setHost(host).build(), bytes);
  }

  /**
   * Removes all stopped containers that fit the filters; without filters, all stopped containers.  Harmless to repeat.
   *
   * Errors:
   *   - INVALID_ARGUMENT (INVALID_REQUEST): the engine does not know a filter, or a value does not fit its filter.
   *   - ABORTED (BEING_CHANGED): another prune of containers is running on the host.
   */
  public dockfleet.v1.PruneContainersResponse pruneContainers(Consumer<dockfleet.v1.PruneContainersRequest.Builder> fields) {
    var request = dockfleet.v1.PruneContainersRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.ContainerServiceGrpc.getPruneContainersMethod(), request.setHost(host).build());
  }
}
