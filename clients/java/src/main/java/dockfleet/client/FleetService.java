// Generated from the contract by protos/generate_clients.py.
package dockfleet.client;

import java.util.function.Consumer;

/**
 * Calls that concern many hosts.
 *
 * Three rules hold for all of them:
 *   - a host that does not answer delays no other: it has a failure after at most `host_timeout`;
 *   - no host is left out: each selected host has an answer or a failure, and the `summary` in the last response names
 *     all hosts that failed.  `incomplete_sources` has the sources of hosts that the gateway does not know completely;
 *   - a call ends with OK even when hosts or operations failed.  It fails only when it is malformed, when the client's
 *     deadline runs out, or when the gateway stops.
 *
 * Most RPCs call an RPC of one host for each host or container: the option `fan_out` names it.  `request` is the
 * request of that RPC; its `host`, and its `id` when a container selector selects the containers, must be empty.  The
 * deadline and the errors of each answer are those of that RPC.
 *
 * Questions.  Each response has the answers of one or more hosts, in order of arrival.  ListContainers, ListImages,
 * ListNetworks and ListVolumes answer from the gateway's inventory, at once.  A host that does not respond at the moment
 * then has both a response, whose `freshness` is its largest possible age, and a failure.  With `request.max_age`, the
 * gateway asks the hosts whose inventory is older.  All other questions ask every host.
 *
 * Batches.  The targets are the containers, or the hosts, that the selectors select when the call begins.  Every target
 * has a result, or several results when the RPC of one host is a stream; the last result is marked.  `batch` says how
 * many targets are changed at once, and when to stop.
 *
 * Errors:
 *   - NOT_FOUND (UNKNOWN_HOST): the host selector names a host that the gateway does not know.
 *   - INVALID_ARGUMENT (INVALID_FIELD): a selector is malformed, or a field of `request` is set that must be empty.
 */
public final class FleetService {
  private final Calls calls;

  FleetService(Calls calls) {
    this.calls = calls;
  }

  /**
   * Lists the containers of many hosts.
   */
  public Responses<dockfleet.fleet.v1.ListContainersResponse> listContainers(Consumer<dockfleet.fleet.v1.ListContainersRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.ListContainersRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.fleet.v1.FleetServiceGrpc.getListContainersMethod(), request.build());
  }

  /**
   * Lists the images of many hosts.
   */
  public Responses<dockfleet.fleet.v1.ListImagesResponse> listImages(Consumer<dockfleet.fleet.v1.ListImagesRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.ListImagesRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.fleet.v1.FleetServiceGrpc.getListImagesMethod(), request.build());
  }

  /**
   * Lists the networks of many hosts.
   */
  public Responses<dockfleet.fleet.v1.ListNetworksResponse> listNetworks(Consumer<dockfleet.fleet.v1.ListNetworksRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.ListNetworksRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.fleet.v1.FleetServiceGrpc.getListNetworksMethod(), request.build());
  }

  /**
   * Lists the volumes of many hosts.
   */
  public Responses<dockfleet.fleet.v1.ListVolumesResponse> listVolumes(Consumer<dockfleet.fleet.v1.ListVolumesRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.ListVolumesRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.fleet.v1.FleetServiceGrpc.getListVolumesMethod(), request.build());
  }

  /**
   * Returns information about many hosts and their engines.
   */
  public Responses<dockfleet.fleet.v1.GetInfoResponse> getInfo(Consumer<dockfleet.fleet.v1.GetInfoRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.GetInfoRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.fleet.v1.FleetServiceGrpc.getGetInfoMethod(), request.build());
  }

  /**
   * Returns the versions of many engines.
   */
  public Responses<dockfleet.fleet.v1.GetVersionResponse> getVersion(Consumer<dockfleet.fleet.v1.GetVersionRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.GetVersionRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.fleet.v1.FleetServiceGrpc.getGetVersionMethod(), request.build());
  }

  /**
   * Returns the disk usage of many hosts.  It is expensive for each engine: set a suitable `host_timeout`.
   */
  public Responses<dockfleet.fleet.v1.GetDataUsageResponse> getDataUsage(Consumer<dockfleet.fleet.v1.GetDataUsageRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.GetDataUsageRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.fleet.v1.FleetServiceGrpc.getGetDataUsageMethod(), request.build());
  }

  /**
   * Pings many engines.
   */
  public Responses<dockfleet.fleet.v1.PingResponse> ping(Consumer<dockfleet.fleet.v1.PingRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.PingRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.fleet.v1.FleetServiceGrpc.getPingMethod(), request.build());
  }

  /**
   * Finds containers, by name, id prefix, label, image, state or published port: where is `web-1`?  It answers from the
   * gateway's inventory.
   */
  public Responses<dockfleet.fleet.v1.FindContainersResponse> findContainers(Consumer<dockfleet.fleet.v1.FindContainersRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.FindContainersRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.fleet.v1.FleetServiceGrpc.getFindContainersMethod(), request.build());
  }

  /**
   * Follows the containers that are selected: first all of them, then every change.
   *
   * For each host there is one `synced` after its first containers.  While a host does not respond, its containers stay
   * as they were, and a `stale` reports it.  When the host responds again, the missed changes follow, and a `synced`.  A
   * call with the token of the last response continues there, at this gateway or at another, with the changes since
   * then.  When the gateway does not have these any more, it sends a `forget` and all containers of that host.
   */
  public Responses<dockfleet.fleet.v1.WatchContainersResponse> watchContainers(Consumer<dockfleet.fleet.v1.WatchContainersRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.WatchContainersRequest.newBuilder();
    fields.accept(request);
    return calls.resuming(dockfleet.fleet.v1.FleetServiceGrpc.getWatchContainersMethod(), request.build());
  }

  /**
   * Streams the logs of all containers that are selected, in the order of their times.
   *
   * A record waits for older records of other containers, at most `max_wait`.  A container that sends nothing in this
   * time no longer delays the others: a `stalled` names it, and its records come late, after a `resumed`.  Containers
   * that are started later join; those that end or are removed leave.  A call with the
   * token of the last response continues all logs there, at this gateway or at another.
   *
   * The engines' clocks order the records: hosts should have the same time.  Where they do not, what was written before
   * comes in the order of these times, what is written now comes at once, and nothing is lost or repeated.  `since` and
   * `until` are by the clock of each host.
   *
   * With `request.until`, the stream does not wait for hosts that are down then, nor, for longer than
   * `limits.fan_out_timeout_seconds`, for hosts that do not answer: their logs end with a failure.
   */
  public Responses<dockfleet.fleet.v1.StreamLogsResponse> streamLogs(Consumer<dockfleet.fleet.v1.StreamLogsRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.StreamLogsRequest.newBuilder();
    fields.accept(request);
    return calls.resuming(dockfleet.fleet.v1.FleetServiceGrpc.getStreamLogsMethod(), request.build());
  }

  /**
   * Streams samples of all running containers that are selected.  Containers that are started later join.
   */
  public Responses<dockfleet.fleet.v1.StreamStatsResponse> streamStats(Consumer<dockfleet.fleet.v1.StreamStatsRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.StreamStatsRequest.newBuilder();
    fields.accept(request);
    return calls.resuming(dockfleet.fleet.v1.FleetServiceGrpc.getStreamStatsMethod(), request.build());
  }

  /**
   * Streams the events of all hosts that are selected, in the order of their times, as StreamLogs does.  Hosts that are
   * added later join.  After the headers of the call, no event is missed of a host that has answered within `max_wait`.
   * With `request.until`, the stream does not wait for hosts that do not answer: see StreamLogs.
   */
  public Responses<dockfleet.fleet.v1.StreamEventsResponse> streamEvents(Consumer<dockfleet.fleet.v1.StreamEventsRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.StreamEventsRequest.newBuilder();
    fields.accept(request);
    return calls.resuming(dockfleet.fleet.v1.FleetServiceGrpc.getStreamEventsMethod(), request.build());
  }

  /**
   * Starts containers.
   */
  public Responses<dockfleet.fleet.v1.StartContainersResponse> startContainers(Consumer<dockfleet.fleet.v1.StartContainersRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.StartContainersRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.fleet.v1.FleetServiceGrpc.getStartContainersMethod(), request.build());
  }

  /**
   * Stops containers.
   */
  public Responses<dockfleet.fleet.v1.StopContainersResponse> stopContainers(Consumer<dockfleet.fleet.v1.StopContainersRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.StopContainersRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.fleet.v1.FleetServiceGrpc.getStopContainersMethod(), request.build());
  }

  /**
   * Restarts containers.
   */
  public Responses<dockfleet.fleet.v1.RestartContainersResponse> restartContainers(Consumer<dockfleet.fleet.v1.RestartContainersRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.RestartContainersRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.fleet.v1.FleetServiceGrpc.getRestartContainersMethod(), request.build());
  }

  /**
   * Sends a signal to containers.
   */
  public Responses<dockfleet.fleet.v1.KillContainersResponse> killContainers(Consumer<dockfleet.fleet.v1.KillContainersRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.KillContainersRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.fleet.v1.FleetServiceGrpc.getKillContainersMethod(), request.build());
  }

  /**
   * Suspends the processes of containers.
   */
  public Responses<dockfleet.fleet.v1.PauseContainersResponse> pauseContainers(Consumer<dockfleet.fleet.v1.PauseContainersRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.PauseContainersRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.fleet.v1.FleetServiceGrpc.getPauseContainersMethod(), request.build());
  }

  /**
   * Lets the processes of paused containers run again.
   */
  public Responses<dockfleet.fleet.v1.UnpauseContainersResponse> unpauseContainers(Consumer<dockfleet.fleet.v1.UnpauseContainersRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.UnpauseContainersRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.fleet.v1.FleetServiceGrpc.getUnpauseContainersMethod(), request.build());
  }

  /**
   * Changes the resources or the restart policy of containers.
   */
  public Responses<dockfleet.fleet.v1.UpdateContainersResponse> updateContainers(Consumer<dockfleet.fleet.v1.UpdateContainersRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.UpdateContainersRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.fleet.v1.FleetServiceGrpc.getUpdateContainersMethod(), request.build());
  }

  /**
   * Removes containers.
   */
  public Responses<dockfleet.fleet.v1.RemoveContainersResponse> removeContainers(Consumer<dockfleet.fleet.v1.RemoveContainersRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.RemoveContainersRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.fleet.v1.FleetServiceGrpc.getRemoveContainersMethod(), request.build());
  }

  /**
   * Runs one container on every host: an agent, for example.  Images are pulled as `request.pull` says.
   */
  public Responses<dockfleet.fleet.v1.RunContainersResponse> runContainers(Consumer<dockfleet.fleet.v1.RunContainersRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.RunContainersRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.fleet.v1.FleetServiceGrpc.getRunContainersMethod(), request.build());
  }

  /**
   * Pulls an image on every host.
   */
  public Responses<dockfleet.fleet.v1.PullImagesResponse> pullImages(Consumer<dockfleet.fleet.v1.PullImagesRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.PullImagesRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.fleet.v1.FleetServiceGrpc.getPullImagesMethod(), request.build());
  }

  /**
   * Removes an image from every host.
   */
  public Responses<dockfleet.fleet.v1.RemoveImagesResponse> removeImages(Consumer<dockfleet.fleet.v1.RemoveImagesRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.RemoveImagesRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.fleet.v1.FleetServiceGrpc.getRemoveImagesMethod(), request.build());
  }

  /**
   * Gives an image another name on every host.
   */
  public Responses<dockfleet.fleet.v1.TagImagesResponse> tagImages(Consumer<dockfleet.fleet.v1.TagImagesRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.TagImagesRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.fleet.v1.FleetServiceGrpc.getTagImagesMethod(), request.build());
  }

  /**
   * Removes the stopped containers of every host.
   */
  public Responses<dockfleet.fleet.v1.PruneContainersResponse> pruneContainers(Consumer<dockfleet.fleet.v1.PruneContainersRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.PruneContainersRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.fleet.v1.FleetServiceGrpc.getPruneContainersMethod(), request.build());
  }

  /**
   * Removes the unused images of every host.
   */
  public Responses<dockfleet.fleet.v1.PruneImagesResponse> pruneImages(Consumer<dockfleet.fleet.v1.PruneImagesRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.PruneImagesRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.fleet.v1.FleetServiceGrpc.getPruneImagesMethod(), request.build());
  }

  /**
   * Removes the unused networks of every host.
   */
  public Responses<dockfleet.fleet.v1.PruneNetworksResponse> pruneNetworks(Consumer<dockfleet.fleet.v1.PruneNetworksRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.PruneNetworksRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.fleet.v1.FleetServiceGrpc.getPruneNetworksMethod(), request.build());
  }

  /**
   * Removes the unused volumes of every host.
   */
  public Responses<dockfleet.fleet.v1.PruneVolumesResponse> pruneVolumes(Consumer<dockfleet.fleet.v1.PruneVolumesRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.PruneVolumesRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.fleet.v1.FleetServiceGrpc.getPruneVolumesMethod(), request.build());
  }

  /**
   * Removes the unused build cache of every host.
   */
  public Responses<dockfleet.fleet.v1.PruneBuildCachesResponse> pruneBuildCaches(Consumer<dockfleet.fleet.v1.PruneBuildCachesRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.PruneBuildCachesRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.fleet.v1.FleetServiceGrpc.getPruneBuildCachesMethod(), request.build());
  }

  /**
   * Creates a network on every host.
   */
  public Responses<dockfleet.fleet.v1.CreateNetworksResponse> createNetworks(Consumer<dockfleet.fleet.v1.CreateNetworksRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.CreateNetworksRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.fleet.v1.FleetServiceGrpc.getCreateNetworksMethod(), request.build());
  }

  /**
   * Removes a network from every host.
   */
  public Responses<dockfleet.fleet.v1.RemoveNetworksResponse> removeNetworks(Consumer<dockfleet.fleet.v1.RemoveNetworksRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.RemoveNetworksRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.fleet.v1.FleetServiceGrpc.getRemoveNetworksMethod(), request.build());
  }

  /**
   * Creates a volume on every host.
   */
  public Responses<dockfleet.fleet.v1.CreateVolumesResponse> createVolumes(Consumer<dockfleet.fleet.v1.CreateVolumesRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.CreateVolumesRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.fleet.v1.FleetServiceGrpc.getCreateVolumesMethod(), request.build());
  }

  /**
   * Removes a volume from every host.
   */
  public Responses<dockfleet.fleet.v1.RemoveVolumesResponse> removeVolumes(Consumer<dockfleet.fleet.v1.RemoveVolumesRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.RemoveVolumesRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.fleet.v1.FleetServiceGrpc.getRemoveVolumesMethod(), request.build());
  }

  /**
   * Runs a container on the host that fits best, among those that are selected: see Placement.
   *
   * The first response says which host that is, and why; the others are those of RunContainer of ContainerService.
   *
   * Errors:
   *   - FAILED_PRECONDITION (NO_HOST_FITS): no selected host can take the container.  The message says why, host by host.
   */
  public Responses<dockfleet.fleet.v1.RunContainerResponse> runContainer(Consumer<dockfleet.fleet.v1.RunContainerRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.RunContainerRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.fleet.v1.FleetServiceGrpc.getRunContainerMethod(), request.build());
  }

  /**
   * Copies an image from one host to others, without a registry.
   *
   * The image streams through the gateway, which stores nothing.  Hosts that have the image already are skipped.
   * After the load, the gateway compares the id of the image with that of the source.  An engine that keeps images in
   * containerd gives an image another id than one that does not: there, the gateway compares layers, platform, time and
   * configuration.  Such an image must be copied by its name.  A draining host has the failure HOST_DRAINING.
   *
   * Errors:
   *   - NOT_FOUND: the source does not have the image.
   *   - UNAVAILABLE (HOST_UNREACHABLE): the source cannot be reached.
   */
  public Responses<dockfleet.fleet.v1.CopyImageResponse> copyImage(Consumer<dockfleet.fleet.v1.CopyImageRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.CopyImageRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.fleet.v1.FleetServiceGrpc.getCopyImageMethod(), request.build());
  }

  /**
   * Finds the endpoints of services: running containers, with addresses, ports and health.
   */
  public dockfleet.fleet.v1.DiscoverServicesResponse discoverServices(Consumer<dockfleet.fleet.v1.DiscoverServicesRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.DiscoverServicesRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.fleet.v1.FleetServiceGrpc.getDiscoverServicesMethod(), request.build());
  }

  /**
   * Follows the endpoints of services: all endpoints at first, then every change.  The endpoints of a host that is
   * down are removed.
   */
  public Responses<dockfleet.fleet.v1.WatchServicesResponse> watchServices(Consumer<dockfleet.fleet.v1.WatchServicesRequest.Builder> fields) {
    var request = dockfleet.fleet.v1.WatchServicesRequest.newBuilder();
    fields.accept(request);
    return calls.resuming(dockfleet.fleet.v1.FleetServiceGrpc.getWatchServicesMethod(), request.build());
  }
}
