// Generated from the contract by protos/generate_clients.py.
package dockfleet.client;

import java.util.function.Consumer;

/**
 * The hosts of the fleet and their states.  The gateway answers from its memory: no call here but ProbeHost waits for a
 * host.
 *
 * Hosts come from sources: the configuration, the calls of this service, a directory, docker contexts, etcd, Consul and
 * DNS.  When two sources have a host of the same name, the first in this order counts.  A host that calls have added can
 * be changed and removed by calls; any host can be drained.  A source that does not answer keeps the hosts that it had.
 */
public final class HostService {
  private final Calls calls;

  HostService(Calls calls) {
    this.calls = calls;
  }

  /**
   * Lists hosts, reachable or not, by name.
   *
   * Errors:
   *   - NOT_FOUND (UNKNOWN_HOST): the selector names a host that the gateway does not know.
   *   - INVALID_ARGUMENT (INVALID_FIELD): the selector is malformed.
   */
  public dockfleet.fleet.v1.ListHostsResponse listHosts(Consumer<dockfleet.fleet.v1.ListHostsRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.ListHostsRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.fleet.v1.HostServiceGrpc.getListHostsMethod(), request.build());
  }

  /**
   * Returns one host.
   *
   * Errors:
   *   - NOT_FOUND (UNKNOWN_HOST): the gateway knows no host of this name.
   *   - INVALID_ARGUMENT (INVALID_FIELD): the name is missing.
   */
  public dockfleet.fleet.v1.GetHostResponse getHost(Consumer<dockfleet.fleet.v1.GetHostRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.GetHostRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.fleet.v1.HostServiceGrpc.getGetHostMethod(), request.build());
  }

  /**
   * Follows the hosts that are selected: all of them at first, then every change.  A host that changes often while the
   * client does not read is sent once, in its latest state.
   *
   * Errors:
   *   - INVALID_ARGUMENT (INVALID_FIELD): the selector is malformed.
   */
  public Responses<dockfleet.fleet.v1.WatchHostsResponse> watchHosts(Consumer<dockfleet.fleet.v1.WatchHostsRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.WatchHostsRequest.newBuilder();
    fields.accept(request);
    return calls.resuming(dockfleet.fleet.v1.HostServiceGrpc.getWatchHostsMethod(), request.build());
  }

  /**
   * Adds a host.  The gateway stores it, so that it exists after a restart.  The call does not wait for the host: its
   * state is HOST_STATE_CONNECTING at first.
   *
   * Errors:
   *   - ALREADY_EXISTS (NAME_IN_USE): another host has the name.
   *   - INVALID_ARGUMENT (INVALID_FIELD): the name, the address, the labels or the credentials are malformed.
   *   - UNAVAILABLE (HOST_STORE_UNAVAILABLE): the gateway cannot store the host.
   */
  public dockfleet.fleet.v1.AddHostResponse addHost(Consumer<dockfleet.fleet.v1.AddHostRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.AddHostRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.fleet.v1.HostServiceGrpc.getAddHostMethod(), request.build());
  }

  /**
   * Replaces the settings of a host that AddHost has stored.  With the same address its calls and streams continue.
   *
   * Errors:
   *   - NOT_FOUND (UNKNOWN_HOST): the gateway knows no host of this name.
   *   - FAILED_PRECONDITION (HOST_READ_ONLY): the host comes from a source that calls cannot change.
   *   - INVALID_ARGUMENT (INVALID_FIELD): the name, the address, the labels or the credentials are malformed.
   */
  public dockfleet.fleet.v1.UpdateHostResponse updateHost(Consumer<dockfleet.fleet.v1.UpdateHostRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.UpdateHostRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.fleet.v1.HostServiceGrpc.getUpdateHostMethod(), request.build());
  }

  /**
   * Removes a host that AddHost has added.  Its open calls and streams end with FAILED_PRECONDITION, reason HOST_REMOVED.
   * Nothing changes on the host itself.
   *
   * Errors:
   *   - NOT_FOUND (UNKNOWN_HOST): the gateway knows no host of this name.
   *   - FAILED_PRECONDITION (HOST_READ_ONLY): the host comes from a source that calls cannot change.
   */
  public dockfleet.fleet.v1.RemoveHostResponse removeHost(Consumer<dockfleet.fleet.v1.RemoveHostRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.RemoveHostRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.fleet.v1.HostServiceGrpc.getRemoveHostMethod(), request.build());
  }

  /**
   * Stops new work on a host.  RPCs with the option `new_work`, which create or start something there, fail with
   * FAILED_PRECONDITION, reason HOST_DRAINING.  Everything else continues.  The gateway stores the name of the host until
   * UndrainHost.
   *
   * Errors:
   *   - NOT_FOUND (UNKNOWN_HOST): the gateway knows no host of this name.
   */
  public dockfleet.fleet.v1.DrainHostResponse drainHost(Consumer<dockfleet.fleet.v1.DrainHostRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.DrainHostRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.fleet.v1.HostServiceGrpc.getDrainHostMethod(), request.build());
  }

  /**
   * Allows new work on a drained host again.
   *
   * Errors:
   *   - NOT_FOUND (UNKNOWN_HOST): the gateway knows no host of this name.
   */
  public dockfleet.fleet.v1.UndrainHostResponse undrainHost(Consumer<dockfleet.fleet.v1.UndrainHostRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.UndrainHostRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.fleet.v1.HostServiceGrpc.getUndrainHostMethod(), request.build());
  }

  /**
   * Probes a host now, and returns it with the state that it has after the probe.
   *
   * Errors:
   *   - NOT_FOUND (UNKNOWN_HOST): the gateway knows no host of this name.
   */
  public dockfleet.fleet.v1.ProbeHostResponse probeHost(Consumer<dockfleet.fleet.v1.ProbeHostRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.ProbeHostRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.fleet.v1.HostServiceGrpc.getProbeHostMethod(), request.build());
  }
}
