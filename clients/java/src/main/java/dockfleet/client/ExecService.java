// Generated from the contract by protos/generate_clients.py.
package dockfleet.client;

import java.util.function.Consumer;

/**
 * Runs further processes, called execs, in a running container.  Most clients need only `Exec`; the other RPCs are its
 * single steps.  The main process of a container belongs to ContainerService.
 *
 * An exec exists on its engine only.  The engine removes it together with its container, and some minutes after its
 * process has ended.
 */
public final class ExecService {
  private final Calls calls;
  private final String host;

  ExecService(Calls calls, String host) {
    this.calls = calls;
    this.host = host;
  }

  /**
   * Runs a command in a container and returns its output and exit code.
   *
   * The first request is `start`.  After it come `stdin`, `resize` and at most one `close_stdin`, in any order.  The
   * end of the requests counts as `close_stdin`.  The responses are one `started`, any number of `output`, and one
   * `end` as the last.  A command that fails does not fail the call: its exit code is in `end`.  Each call runs the
   * command again.
   *
   * When the call is cancelled, loses its connection or fails before the process has ended, `on_disconnect` decides
   * what happens to the process.
   *
   * When the client does not read and the buffers are full, the process waits, as it does for a full pipe.  It waits at
   * most a minute (the gateway's `limits.stall_seconds`), unless `slow_reader` says otherwise.
   *
   * Errors:
   *   - NOT_FOUND: there is no such container.
   *   - FAILED_PRECONDITION (CONFLICT): the container is stopped or paused.
   *   - FAILED_PRECONDITION (AMBIGUOUS_ID): the prefix fits several containers.
   *   - FAILED_PRECONDITION (EXEC_START_FAILED): the command could not be started.
   *   - INVALID_ARGUMENT (INVALID_REQUEST): there is no command.
   *   - ABORTED (OUTCOME_UNKNOWN): the connection broke; the process may or may not be running.
   *   - RESOURCE_EXHAUSTED (SLOW_READER): the client read nothing for too long.
   */
  public Session exec(Consumer<dockfleet.v1.ExecStart.Builder> fields) {
    var request = dockfleet.v1.ExecStart.newBuilder();
    fields.accept(request);
    return calls.session(dockfleet.v1.ExecServiceGrpc.getExecMethod(), request.setHost(host).build());
  }

  /**
   * Creates an exec, which StartExec starts.  Nothing runs yet.  Each call creates another exec.
   *
   * Errors:
   *   - NOT_FOUND: there is no such container.
   *   - FAILED_PRECONDITION (CONFLICT): the container is stopped or paused.
   *   - FAILED_PRECONDITION (AMBIGUOUS_ID): the prefix fits several containers.
   *   - INVALID_ARGUMENT (INVALID_REQUEST): there is no command, or `detach_keys` is malformed.
   */
  public dockfleet.v1.CreateExecResponse createExec(Consumer<dockfleet.v1.CreateExecRequest.Builder> fields) {
    var request = dockfleet.v1.CreateExecRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.ExecServiceGrpc.getCreateExecMethod(), request.setHost(host).build());
  }

  /**
   * Starts an exec that CreateExec has created, and connects to it.  Works once for each exec.
   *
   * The requests and responses are those of `Exec`.  With `detach` the only response is `started`.  The call then ends
   * and the process continues to run; InspectExec returns its exit code.
   *
   * Errors:
   *   - NOT_FOUND: there is no such exec, or its container is stopped.
   *   - FAILED_PRECONDITION (CONFLICT): the exec was started before, or its container is paused.
   *   - FAILED_PRECONDITION (EXEC_START_FAILED): the command could not be started.
   */
  public Session startExec(Consumer<dockfleet.v1.StartExecStart.Builder> fields) {
    var request = dockfleet.v1.StartExecStart.newBuilder();
    fields.accept(request);
    return calls.session(dockfleet.v1.ExecServiceGrpc.getStartExecMethod(), request.setHost(host).build());
  }

  /**
   * Sets the size of the terminal of a running exec.  Harmless to repeat.  Within a session, send `resize` instead.
   *
   * Errors:
   *   - NOT_FOUND: there is no such exec, or its process has ended.
   *   - FAILED_PRECONDITION (CONFLICT): the exec has not been started.
   */
  public dockfleet.v1.ResizeExecResponse resizeExec(Consumer<dockfleet.v1.ResizeExecRequest.Builder> fields) {
    var request = dockfleet.v1.ResizeExecRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.ExecServiceGrpc.getResizeExecMethod(), request.setHost(host).build());
  }

  /**
   * Returns the state of an exec, and its exit code when it has ended.
   *
   * Errors:
   *   - NOT_FOUND: there is no such exec, or the engine has removed it already.
   */
  public dockfleet.v1.InspectExecResponse inspectExec(Consumer<dockfleet.v1.InspectExecRequest.Builder> fields) {
    var request = dockfleet.v1.InspectExecRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.ExecServiceGrpc.getInspectExecMethod(), request.setHost(host).build());
  }
}
