// Generated from the contract by protos/generate_clients.py.
package dockfleet.client;

import java.util.function.Consumer;

/**
 * The networks of a host, and the connections of its containers to them.  The networks that a container gets at its
 * creation, and its published ports, belong to ContainerService.
 *
 * Every RPC that takes a network accepts its id, a unique prefix of the id, or its name.  The host's own networks
 * (`bridge`, `host` and `none` on Linux, `nat` and `none` on Windows) can be neither created nor removed.
 *
 * Errors:
 *   - FAILED_PRECONDITION (AMBIGUOUS_ID): the prefix or the name fits several networks.
 */
public final class NetworkService {
  private final Calls calls;
  private final String host;

  NetworkService(Calls calls, String host) {
    this.calls = calls;
    this.host = host;
  }

  /**
   * Lists networks; without filters, all of them.
   *
   * The response has neither what is connected to the networks (`containers`, `services`) nor their `status`:
   * InspectNetwork returns these.
   *
   * Errors:
   *   - INVALID_ARGUMENT (INVALID_FIELD): a filter is unknown, or a value does not fit its filter.
   */
  public dockfleet.v1.ListNetworksResponse listNetworks(Consumer<dockfleet.v1.ListNetworksRequest.Builder> fields) {
    var request = dockfleet.v1.ListNetworksRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.NetworkServiceGrpc.getListNetworksMethod(), request.setHost(host).build());
  }

  /**
   * Returns a network with the containers that are connected to it.
   *
   * Errors:
   *   - NOT_FOUND: there is no such network, or not in the requested scope.
   */
  public dockfleet.v1.InspectNetworkResponse inspectNetwork(Consumer<dockfleet.v1.InspectNetworkRequest.Builder> fields) {
    var request = dockfleet.v1.InspectNetworkRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.NetworkServiceGrpc.getInspectNetworkMethod(), request.setHost(host).build());
  }

  /**
   * Removes a network.  A repetition fails, because the network does not exist any more.
   *
   * Stopped containers do not prevent the removal.  They cannot be started again without the network.
   *
   * Errors:
   *   - NOT_FOUND: there is no such network.
   *   - FAILED_PRECONDITION (CONFLICT): a running container or a service uses the network, or it is one of the host's
   *     own networks.
   */
  public dockfleet.v1.RemoveNetworkResponse removeNetwork(Consumer<dockfleet.v1.RemoveNetworkRequest.Builder> fields) {
    var request = dockfleet.v1.RemoveNetworkRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.NetworkServiceGrpc.getRemoveNetworkMethod(), request.setHost(host).build());
  }

  /**
   * Creates a network.
   *
   * Engines before API 1.44 check for a taken name only with `check_duplicate`.  Without it, a repetition of the call
   * creates a second network of the same name.
   *
   * Errors:
   *   - ALREADY_EXISTS (NAME_IN_USE): another network has the name.
   *   - INVALID_ARGUMENT (INVALID_REQUEST): the settings contradict each other, or an address is malformed.
   *   - NOT_FOUND: there is no such driver.
   *   - FAILED_PRECONDITION (CONFLICT): the name is that of one of the host's own networks, the subnet overlaps with
   *     another, or the driver has all the networks that it can have.
   *   - FAILED_PRECONDITION (NOT_SWARM_MANAGER): the driver is `overlay` and the host is not a manager of a swarm.
   */
  public dockfleet.v1.CreateNetworkResponse createNetwork(Consumer<dockfleet.v1.CreateNetworkRequest.Builder> fields) {
    var request = dockfleet.v1.CreateNetworkRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.NetworkServiceGrpc.getCreateNetworkMethod(), request.setHost(host).build());
  }

  /**
   * Connects a container, running or not, to a network.  A running container gets its address at once, a stopped one
   * when it starts.
   *
   * The network must be local to the host, or a swarm's network that is `attachable`.
   *
   * Errors:
   *   - NOT_FOUND: there is no such network or container.
   *   - INVALID_ARGUMENT (INVALID_REQUEST): the settings do not fit the network.
   *   - FAILED_PRECONDITION (CONFLICT): the running container is connected to the network already, for example because
   *     the call is repeated, or the network does not allow the connection.
   */
  public dockfleet.v1.ConnectNetworkResponse connectNetwork(Consumer<dockfleet.v1.ConnectNetworkRequest.Builder> fields) {
    var request = dockfleet.v1.ConnectNetworkRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.NetworkServiceGrpc.getConnectNetworkMethod(), request.setHost(host).build());
  }

  /**
   * Disconnects a container, running or not, from a network.  A repetition does no harm, but fails, because the
   * container is not connected any more.
   *
   * Errors:
   *   - NOT_FOUND: there is no such network or container.
   *   - FAILED_PRECONDITION (CONFLICT): the container is not connected to the network.
   *   - INVALID_ARGUMENT (INVALID_REQUEST): the network is `host`.
   */
  public dockfleet.v1.DisconnectNetworkResponse disconnectNetwork(Consumer<dockfleet.v1.DisconnectNetworkRequest.Builder> fields) {
    var request = dockfleet.v1.DisconnectNetworkRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.NetworkServiceGrpc.getDisconnectNetworkMethod(), request.setHost(host).build());
  }

  /**
   * Removes all networks that no running container is connected to, except the host's own.  Harmless to repeat.
   *
   * A network that cannot be removed is skipped.  Stopped containers do not prevent the removal.  They cannot be
   * started again without the network.
   *
   * Errors:
   *   - INVALID_ARGUMENT (INVALID_REQUEST): the engine does not know a filter, or a value does not fit its filter.
   */
  public dockfleet.v1.PruneNetworksResponse pruneNetworks(Consumer<dockfleet.v1.PruneNetworksRequest.Builder> fields) {
    var request = dockfleet.v1.PruneNetworksRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.NetworkServiceGrpc.getPruneNetworksMethod(), request.setHost(host).build());
  }
}
