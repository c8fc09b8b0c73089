// Generated from the contract by protos/generate_clients.py.
package dockfleet.client;

import java.util.function.Consumer;

/**
 * The engine of a host as a whole.  Every RPC asks the host and changes nothing there.  What the gateway itself knows
 * about its hosts belongs to HostService.
 */
public final class SystemService {
  private final Calls calls;
  private final String host;

  SystemService(Calls calls, String host) {
    this.calls = calls;
    this.host = host;
  }

  /**
   * Tries credentials at a registry, from the host.
   *
   * Some registries return a token; the client then uses it in place of the password.  Neither the host nor the gateway
   * stores the credentials.  Harmless to repeat, but a registry may count it against its limits.
   *
   * Errors:
   *   - FAILED_PRECONDITION (REGISTRY_AUTH): the registry refused the credentials.
   *   - UNAVAILABLE (REGISTRY_UNREACHABLE): the host cannot reach the registry.
   */
  public dockfleet.v1.CheckAuthResponse checkAuth(Consumer<dockfleet.v1.CheckAuthRequest.Builder> fields) {
    var request = dockfleet.v1.CheckAuthRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.SystemServiceGrpc.getCheckAuthMethod(), request.setHost(host).build());
  }

  /**
   * Returns the state and the settings of an engine and its machine.
   */
  public dockfleet.v1.GetInfoResponse getInfo(Consumer<dockfleet.v1.GetInfoRequest.Builder> fields) {
    var request = dockfleet.v1.GetInfoRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.SystemServiceGrpc.getGetInfoMethod(), request.setHost(host).build());
  }

  /**
   * Returns the versions of an engine and its components.
   */
  public dockfleet.v1.GetVersionResponse getVersion(Consumer<dockfleet.v1.GetVersionRequest.Builder> fields) {
    var request = dockfleet.v1.GetVersionRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.SystemServiceGrpc.getGetVersionMethod(), request.setHost(host).build());
  }

  /**
   * Checks whether an engine responds, with the least work.  HostService returns the same information without asking
   * the host.
   *
   * Errors:
   *   - UNAVAILABLE (HOST_UNREACHABLE): the host cannot be reached.
   *   - DEADLINE_EXCEEDED (HOST_TIMEOUT): the engine does not respond in time.
   */
  public dockfleet.v1.PingResponse ping(Consumer<dockfleet.v1.PingRequest.Builder> fields) {
    var request = dockfleet.v1.PingRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.SystemServiceGrpc.getPingMethod(), request.setHost(host).build());
  }

  /**
   * Streams what happens to the objects of a host, as it happens.
   *
   * With `since`, past events come first: the engine keeps its last 256 events, and the gateway keeps up to 10,000
   * while it is connected.  Then come new events, until the time in `until` or without limit.  After the headers of the
   * call have come, no event is missed.
   *
   * Subscribers share one connection to the host.  When it breaks, the gateway reconnects and the stream continues at
   * the same event.  A `gap` says that the engine itself has lost events.  After the gap come `synthetic` events: the
   * differences between the containers, images, networks and volumes before and after.  A client that does not read for
   * long also gets a gap, but no synthetic events: it must list the objects again.
   *
   * When the call ends because the host cannot be reached, a new call with the last `resume_token` continues there.
   *
   * Errors:
   *   - INVALID_ARGUMENT (INVALID_FIELD): a filter or a time is malformed.
   *   - INVALID_ARGUMENT (BAD_RESUME_TOKEN): the token is malformed.
   *   - UNAVAILABLE (HOST_UNREACHABLE): the host cannot be reached, or could not be reached for a minute.
   */
  public Responses<dockfleet.v1.StreamEventsResponse> streamEvents(Consumer<dockfleet.v1.StreamEventsRequest.Builder> fields) {
    var request = dockfleet.v1.StreamEventsRequest.newBuilder();
    fields.accept(request);
    return calls.resuming(dockfleet.v1.SystemServiceGrpc.getStreamEventsMethod(), request.setHost(host).build());
  }

  /**
   * Returns how much disk space the images, containers, volumes and the build cache of a host use.
   *
   * It may take minutes, because the engine adds up file sizes.  An engine before API 1.42 may refuse a second call
   * during the first.  The response has two layouts: see GetDataUsageResponse.
   *
   * Errors:
   *   - ABORTED (BEING_CHANGED): another call is running on the host, whose engine refuses a second one.
   */
  public dockfleet.v1.GetDataUsageResponse getDataUsage(Consumer<dockfleet.v1.GetDataUsageRequest.Builder> fields) {
    var request = dockfleet.v1.GetDataUsageRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.SystemServiceGrpc.getGetDataUsageMethod(), request.setHost(host).build());
  }
}
