// Generated from the contract by protos/generate_clients.py.

import type { Calls, CallOptions, Fields, Request, Source } from "./calls.js";
import type { ResumeOptions } from "./resuming.js";
import type { Responses } from "./responses.js";
import type { Session } from "./session.js";
import * as fleet_v1_fleet from "./gen/dockfleet/fleet/v1/fleet_pb.js";
import * as fleet_v1_hosts from "./gen/dockfleet/fleet/v1/hosts_pb.js";
import * as v1_containers from "./gen/dockfleet/v1/containers_pb.js";
import * as v1_distribution from "./gen/dockfleet/v1/distribution_pb.js";
import * as v1_exec from "./gen/dockfleet/v1/exec_pb.js";
import * as v1_images from "./gen/dockfleet/v1/images_pb.js";
import * as v1_networks from "./gen/dockfleet/v1/networks_pb.js";
import * as v1_system from "./gen/dockfleet/v1/system_pb.js";
import * as v1_volumes from "./gen/dockfleet/v1/volumes_pb.js";

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
export class FleetService {
  /** @internal */
  constructor(private readonly calls: Calls) {}

  /**
   * Lists the containers of many hosts.
   */
  listContainers(fields: Request<typeof fleet_v1_fleet.ListContainersRequestSchema> = {}, options?: CallOptions): Responses<fleet_v1_fleet.ListContainersResponse> {
    return this.calls.stream(fleet_v1_fleet.FleetService.method.listContainers, fields, options);
  }

  /**
   * Lists the images of many hosts.
   */
  listImages(fields: Request<typeof fleet_v1_fleet.ListImagesRequestSchema> = {}, options?: CallOptions): Responses<fleet_v1_fleet.ListImagesResponse> {
    return this.calls.stream(fleet_v1_fleet.FleetService.method.listImages, fields, options);
  }

  /**
   * Lists the networks of many hosts.
   */
  listNetworks(fields: Request<typeof fleet_v1_fleet.ListNetworksRequestSchema> = {}, options?: CallOptions): Responses<fleet_v1_fleet.ListNetworksResponse> {
    return this.calls.stream(fleet_v1_fleet.FleetService.method.listNetworks, fields, options);
  }

  /**
   * Lists the volumes of many hosts.
   */
  listVolumes(fields: Request<typeof fleet_v1_fleet.ListVolumesRequestSchema> = {}, options?: CallOptions): Responses<fleet_v1_fleet.ListVolumesResponse> {
    return this.calls.stream(fleet_v1_fleet.FleetService.method.listVolumes, fields, options);
  }

  /**
   * Returns information about many hosts and their engines.
   */
  getInfo(fields: Request<typeof fleet_v1_fleet.GetInfoRequestSchema> = {}, options?: CallOptions): Responses<fleet_v1_fleet.GetInfoResponse> {
    return this.calls.stream(fleet_v1_fleet.FleetService.method.getInfo, fields, options);
  }

  /**
   * Returns the versions of many engines.
   */
  getVersion(fields: Request<typeof fleet_v1_fleet.GetVersionRequestSchema> = {}, options?: CallOptions): Responses<fleet_v1_fleet.GetVersionResponse> {
    return this.calls.stream(fleet_v1_fleet.FleetService.method.getVersion, fields, options);
  }

  /**
   * Returns the disk usage of many hosts.  It is expensive for each engine: set a suitable `host_timeout`.
   */
  getDataUsage(fields: Request<typeof fleet_v1_fleet.GetDataUsageRequestSchema> = {}, options?: CallOptions): Responses<fleet_v1_fleet.GetDataUsageResponse> {
    return this.calls.stream(fleet_v1_fleet.FleetService.method.getDataUsage, fields, options);
  }

  /**
   * Pings many engines.
   */
  ping(fields: Request<typeof fleet_v1_fleet.PingRequestSchema> = {}, options?: CallOptions): Responses<fleet_v1_fleet.PingResponse> {
    return this.calls.stream(fleet_v1_fleet.FleetService.method.ping, fields, options);
  }

  /**
   * Finds containers, by name, id prefix, label, image, state or published port: where is `web-1`?  It answers from the
   * gateway's inventory.
   */
  findContainers(fields: Request<typeof fleet_v1_fleet.FindContainersRequestSchema> = {}, options?: CallOptions): Responses<fleet_v1_fleet.FindContainersResponse> {
    return this.calls.stream(fleet_v1_fleet.FleetService.method.findContainers, fields, options);
  }

  /**
   * Follows the containers that are selected: first all of them, then every change.
   *
   * For each host there is one `synced` after its first containers.  While a host does not respond, its containers stay
   * as they were, and a `stale` reports it.  When the host responds again, the missed changes follow, and a `synced`.  A
   * call with the token of the last response continues there, at this gateway or at another, with the changes since
   * then.  When the gateway does not have these any more, it sends a `forget` and all containers of that host.
   */
  watchContainers(fields: Request<typeof fleet_v1_fleet.WatchContainersRequestSchema> = {}, options?: ResumeOptions): Responses<fleet_v1_fleet.WatchContainersResponse> {
    return this.calls.resuming(fleet_v1_fleet.FleetService.method.watchContainers, fields, options);
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
  streamLogs(fields: Request<typeof fleet_v1_fleet.StreamLogsRequestSchema> = {}, options?: ResumeOptions): Responses<fleet_v1_fleet.StreamLogsResponse> {
    return this.calls.resuming(fleet_v1_fleet.FleetService.method.streamLogs, fields, options);
  }

  /**
   * Streams samples of all running containers that are selected.  Containers that are started later join.
   */
  streamStats(fields: Request<typeof fleet_v1_fleet.StreamStatsRequestSchema> = {}, options?: ResumeOptions): Responses<fleet_v1_fleet.StreamStatsResponse> {
    return this.calls.resuming(fleet_v1_fleet.FleetService.method.streamStats, fields, options);
  }

  /**
   * Streams the events of all hosts that are selected, in the order of their times, as StreamLogs does.  Hosts that are
   * added later join.  After the headers of the call, no event is missed of a host that has answered within `max_wait`.
   * With `request.until`, the stream does not wait for hosts that do not answer: see StreamLogs.
   */
  streamEvents(fields: Request<typeof fleet_v1_fleet.StreamEventsRequestSchema> = {}, options?: ResumeOptions): Responses<fleet_v1_fleet.StreamEventsResponse> {
    return this.calls.resuming(fleet_v1_fleet.FleetService.method.streamEvents, fields, options);
  }

  /**
   * Starts containers.
   */
  startContainers(fields: Request<typeof fleet_v1_fleet.StartContainersRequestSchema> = {}, options?: CallOptions): Responses<fleet_v1_fleet.StartContainersResponse> {
    return this.calls.stream(fleet_v1_fleet.FleetService.method.startContainers, fields, options);
  }

  /**
   * Stops containers.
   */
  stopContainers(fields: Request<typeof fleet_v1_fleet.StopContainersRequestSchema> = {}, options?: CallOptions): Responses<fleet_v1_fleet.StopContainersResponse> {
    return this.calls.stream(fleet_v1_fleet.FleetService.method.stopContainers, fields, options);
  }

  /**
   * Restarts containers.
   */
  restartContainers(fields: Request<typeof fleet_v1_fleet.RestartContainersRequestSchema> = {}, options?: CallOptions): Responses<fleet_v1_fleet.RestartContainersResponse> {
    return this.calls.stream(fleet_v1_fleet.FleetService.method.restartContainers, fields, options);
  }

  /**
   * Sends a signal to containers.
   */
  killContainers(fields: Request<typeof fleet_v1_fleet.KillContainersRequestSchema> = {}, options?: CallOptions): Responses<fleet_v1_fleet.KillContainersResponse> {
    return this.calls.stream(fleet_v1_fleet.FleetService.method.killContainers, fields, options);
  }

  /**
   * Suspends the processes of containers.
   */
  pauseContainers(fields: Request<typeof fleet_v1_fleet.PauseContainersRequestSchema> = {}, options?: CallOptions): Responses<fleet_v1_fleet.PauseContainersResponse> {
    return this.calls.stream(fleet_v1_fleet.FleetService.method.pauseContainers, fields, options);
  }

  /**
   * Lets the processes of paused containers run again.
   */
  unpauseContainers(fields: Request<typeof fleet_v1_fleet.UnpauseContainersRequestSchema> = {}, options?: CallOptions): Responses<fleet_v1_fleet.UnpauseContainersResponse> {
    return this.calls.stream(fleet_v1_fleet.FleetService.method.unpauseContainers, fields, options);
  }

  /**
   * Changes the resources or the restart policy of containers.
   */
  updateContainers(fields: Request<typeof fleet_v1_fleet.UpdateContainersRequestSchema> = {}, options?: CallOptions): Responses<fleet_v1_fleet.UpdateContainersResponse> {
    return this.calls.stream(fleet_v1_fleet.FleetService.method.updateContainers, fields, options);
  }

  /**
   * Removes containers.
   */
  removeContainers(fields: Request<typeof fleet_v1_fleet.RemoveContainersRequestSchema> = {}, options?: CallOptions): Responses<fleet_v1_fleet.RemoveContainersResponse> {
    return this.calls.stream(fleet_v1_fleet.FleetService.method.removeContainers, fields, options);
  }

  /**
   * Runs one container on every host: an agent, for example.  Images are pulled as `request.pull` says.
   */
  runContainers(fields: Request<typeof fleet_v1_fleet.RunContainersRequestSchema> = {}, options?: CallOptions): Responses<fleet_v1_fleet.RunContainersResponse> {
    return this.calls.stream(fleet_v1_fleet.FleetService.method.runContainers, fields, options);
  }

  /**
   * Pulls an image on every host.
   */
  pullImages(fields: Request<typeof fleet_v1_fleet.PullImagesRequestSchema> = {}, options?: CallOptions): Responses<fleet_v1_fleet.PullImagesResponse> {
    return this.calls.stream(fleet_v1_fleet.FleetService.method.pullImages, fields, options);
  }

  /**
   * Removes an image from every host.
   */
  removeImages(fields: Request<typeof fleet_v1_fleet.RemoveImagesRequestSchema> = {}, options?: CallOptions): Responses<fleet_v1_fleet.RemoveImagesResponse> {
    return this.calls.stream(fleet_v1_fleet.FleetService.method.removeImages, fields, options);
  }

  /**
   * Gives an image another name on every host.
   */
  tagImages(fields: Request<typeof fleet_v1_fleet.TagImagesRequestSchema> = {}, options?: CallOptions): Responses<fleet_v1_fleet.TagImagesResponse> {
    return this.calls.stream(fleet_v1_fleet.FleetService.method.tagImages, fields, options);
  }

  /**
   * Removes the stopped containers of every host.
   */
  pruneContainers(fields: Request<typeof fleet_v1_fleet.PruneContainersRequestSchema> = {}, options?: CallOptions): Responses<fleet_v1_fleet.PruneContainersResponse> {
    return this.calls.stream(fleet_v1_fleet.FleetService.method.pruneContainers, fields, options);
  }

  /**
   * Removes the unused images of every host.
   */
  pruneImages(fields: Request<typeof fleet_v1_fleet.PruneImagesRequestSchema> = {}, options?: CallOptions): Responses<fleet_v1_fleet.PruneImagesResponse> {
    return this.calls.stream(fleet_v1_fleet.FleetService.method.pruneImages, fields, options);
  }

  /**
   * Removes the unused networks of every host.
   */
  pruneNetworks(fields: Request<typeof fleet_v1_fleet.PruneNetworksRequestSchema> = {}, options?: CallOptions): Responses<fleet_v1_fleet.PruneNetworksResponse> {
    return this.calls.stream(fleet_v1_fleet.FleetService.method.pruneNetworks, fields, options);
  }

  /**
   * Removes the unused volumes of every host.
   */
  pruneVolumes(fields: Request<typeof fleet_v1_fleet.PruneVolumesRequestSchema> = {}, options?: CallOptions): Responses<fleet_v1_fleet.PruneVolumesResponse> {
    return this.calls.stream(fleet_v1_fleet.FleetService.method.pruneVolumes, fields, options);
  }

  /**
   * Removes the unused build cache of every host.
   */
  pruneBuildCaches(fields: Request<typeof fleet_v1_fleet.PruneBuildCachesRequestSchema> = {}, options?: CallOptions): Responses<fleet_v1_fleet.PruneBuildCachesResponse> {
    return this.calls.stream(fleet_v1_fleet.FleetService.method.pruneBuildCaches, fields, options);
  }

  /**
   * Creates a network on every host.
   */
  createNetworks(fields: Request<typeof fleet_v1_fleet.CreateNetworksRequestSchema> = {}, options?: CallOptions): Responses<fleet_v1_fleet.CreateNetworksResponse> {
    return this.calls.stream(fleet_v1_fleet.FleetService.method.createNetworks, fields, options);
  }

  /**
   * Removes a network from every host.
   */
  removeNetworks(fields: Request<typeof fleet_v1_fleet.RemoveNetworksRequestSchema> = {}, options?: CallOptions): Responses<fleet_v1_fleet.RemoveNetworksResponse> {
    return this.calls.stream(fleet_v1_fleet.FleetService.method.removeNetworks, fields, options);
  }

  /**
   * Creates a volume on every host.
   */
  createVolumes(fields: Request<typeof fleet_v1_fleet.CreateVolumesRequestSchema> = {}, options?: CallOptions): Responses<fleet_v1_fleet.CreateVolumesResponse> {
    return this.calls.stream(fleet_v1_fleet.FleetService.method.createVolumes, fields, options);
  }

  /**
   * Removes a volume from every host.
   */
  removeVolumes(fields: Request<typeof fleet_v1_fleet.RemoveVolumesRequestSchema> = {}, options?: CallOptions): Responses<fleet_v1_fleet.RemoveVolumesResponse> {
    return this.calls.stream(fleet_v1_fleet.FleetService.method.removeVolumes, fields, options);
  }

  /**
   * Runs a container on the host that fits best, among those that are selected: see Placement.
   *
   * The first response says which host that is, and why; the others are those of RunContainer of ContainerService.
   *
   * Errors:
   *   - FAILED_PRECONDITION (NO_HOST_FITS): no selected host can take the container.  The message says why, host by host.
   */
  runContainer(fields: Request<typeof fleet_v1_fleet.RunContainerRequestSchema> = {}, options?: CallOptions): Responses<fleet_v1_fleet.RunContainerResponse> {
    return this.calls.stream(fleet_v1_fleet.FleetService.method.runContainer, fields, options);
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
  copyImage(fields: Request<typeof fleet_v1_fleet.CopyImageRequestSchema> = {}, options?: CallOptions): Responses<fleet_v1_fleet.CopyImageResponse> {
    return this.calls.stream(fleet_v1_fleet.FleetService.method.copyImage, fields, options);
  }

  /**
   * Finds the endpoints of services: running containers, with addresses, ports and health.
   */
  discoverServices(fields: Request<typeof fleet_v1_fleet.DiscoverServicesRequestSchema> = {}, options?: CallOptions): Promise<fleet_v1_fleet.DiscoverServicesResponse> {
    return this.calls.unary(fleet_v1_fleet.FleetService.method.discoverServices, fields, options);
  }

  /**
   * Follows the endpoints of services: all endpoints at first, then every change.  The endpoints of a host that is
   * down are removed.
   */
  watchServices(fields: Request<typeof fleet_v1_fleet.WatchServicesRequestSchema> = {}, options?: ResumeOptions): Responses<fleet_v1_fleet.WatchServicesResponse> {
    return this.calls.resuming(fleet_v1_fleet.FleetService.method.watchServices, fields, options);
  }
}

/**
 * The hosts of the fleet and their states.  The gateway answers from its memory: no call here but ProbeHost waits for a
 * host.
 *
 * Hosts come from sources: the configuration, the calls of this service, a directory, docker contexts, etcd, Consul and
 * DNS.  When two sources have a host of the same name, the first in this order counts.  A host that calls have added can
 * be changed and removed by calls; any host can be drained.  A source that does not answer keeps the hosts that it had.
 */
export class HostService {
  /** @internal */
  constructor(private readonly calls: Calls) {}

  /**
   * Lists hosts, reachable or not, by name.
   *
   * Errors:
   *   - NOT_FOUND (UNKNOWN_HOST): the selector names a host that the gateway does not know.
   *   - INVALID_ARGUMENT (INVALID_FIELD): the selector is malformed.
   */
  listHosts(fields: Request<typeof fleet_v1_hosts.ListHostsRequestSchema> = {}, options?: CallOptions): Promise<fleet_v1_hosts.ListHostsResponse> {
    return this.calls.unary(fleet_v1_hosts.HostService.method.listHosts, fields, options);
  }

  /**
   * Returns one host.
   *
   * Errors:
   *   - NOT_FOUND (UNKNOWN_HOST): the gateway knows no host of this name.
   *   - INVALID_ARGUMENT (INVALID_FIELD): the name is missing.
   */
  getHost(fields: Request<typeof fleet_v1_hosts.GetHostRequestSchema> = {}, options?: CallOptions): Promise<fleet_v1_hosts.GetHostResponse> {
    return this.calls.unary(fleet_v1_hosts.HostService.method.getHost, fields, options);
  }

  /**
   * Follows the hosts that are selected: all of them at first, then every change.  A host that changes often while the
   * client does not read is sent once, in its latest state.
   *
   * Errors:
   *   - INVALID_ARGUMENT (INVALID_FIELD): the selector is malformed.
   */
  watchHosts(fields: Request<typeof fleet_v1_hosts.WatchHostsRequestSchema> = {}, options?: ResumeOptions): Responses<fleet_v1_hosts.WatchHostsResponse> {
    return this.calls.resuming(fleet_v1_hosts.HostService.method.watchHosts, fields, options);
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
  addHost(fields: Request<typeof fleet_v1_hosts.AddHostRequestSchema> = {}, options?: CallOptions): Promise<fleet_v1_hosts.AddHostResponse> {
    return this.calls.unary(fleet_v1_hosts.HostService.method.addHost, fields, options);
  }

  /**
   * Replaces the settings of a host that AddHost has stored.  With the same address its calls and streams continue.
   *
   * Errors:
   *   - NOT_FOUND (UNKNOWN_HOST): the gateway knows no host of this name.
   *   - FAILED_PRECONDITION (HOST_READ_ONLY): the host comes from a source that calls cannot change.
   *   - INVALID_ARGUMENT (INVALID_FIELD): the name, the address, the labels or the credentials are malformed.
   */
  updateHost(fields: Request<typeof fleet_v1_hosts.UpdateHostRequestSchema> = {}, options?: CallOptions): Promise<fleet_v1_hosts.UpdateHostResponse> {
    return this.calls.unary(fleet_v1_hosts.HostService.method.updateHost, fields, options);
  }

  /**
   * Removes a host that AddHost has added.  Its open calls and streams end with FAILED_PRECONDITION, reason HOST_REMOVED.
   * Nothing changes on the host itself.
   *
   * Errors:
   *   - NOT_FOUND (UNKNOWN_HOST): the gateway knows no host of this name.
   *   - FAILED_PRECONDITION (HOST_READ_ONLY): the host comes from a source that calls cannot change.
   */
  removeHost(fields: Request<typeof fleet_v1_hosts.RemoveHostRequestSchema> = {}, options?: CallOptions): Promise<fleet_v1_hosts.RemoveHostResponse> {
    return this.calls.unary(fleet_v1_hosts.HostService.method.removeHost, fields, options);
  }

  /**
   * Stops new work on a host.  RPCs with the option `new_work`, which create or start something there, fail with
   * FAILED_PRECONDITION, reason HOST_DRAINING.  Everything else continues.  The gateway stores the name of the host until
   * UndrainHost.
   *
   * Errors:
   *   - NOT_FOUND (UNKNOWN_HOST): the gateway knows no host of this name.
   */
  drainHost(fields: Request<typeof fleet_v1_hosts.DrainHostRequestSchema> = {}, options?: CallOptions): Promise<fleet_v1_hosts.DrainHostResponse> {
    return this.calls.unary(fleet_v1_hosts.HostService.method.drainHost, fields, options);
  }

  /**
   * Allows new work on a drained host again.
   *
   * Errors:
   *   - NOT_FOUND (UNKNOWN_HOST): the gateway knows no host of this name.
   */
  undrainHost(fields: Request<typeof fleet_v1_hosts.UndrainHostRequestSchema> = {}, options?: CallOptions): Promise<fleet_v1_hosts.UndrainHostResponse> {
    return this.calls.unary(fleet_v1_hosts.HostService.method.undrainHost, fields, options);
  }

  /**
   * Probes a host now, and returns it with the state that it has after the probe.
   *
   * Errors:
   *   - NOT_FOUND (UNKNOWN_HOST): the gateway knows no host of this name.
   */
  probeHost(fields: Request<typeof fleet_v1_hosts.ProbeHostRequestSchema> = {}, options?: CallOptions): Promise<fleet_v1_hosts.ProbeHostResponse> {
    return this.calls.unary(fleet_v1_hosts.HostService.method.probeHost, fields, options);
  }
}

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
export class ContainerService {
  /** @internal */
  constructor(private readonly calls: Calls, private readonly host: string) {}

  /**
   * Lists containers, the newest first.  Without `all` it lists running containers only.
   *
   * One response holds all containers: there are no pages.
   *
   * Errors:
   *   - INVALID_ARGUMENT (INVALID_FIELD): a filter is unknown, or a value does not fit its filter.
   *   - NOT_FOUND: the container that the filter `before` or `since` names does not exist.
   */
  listContainers(fields: Fields<typeof v1_containers.ListContainersRequestSchema> = {}, options?: CallOptions): Promise<v1_containers.ListContainersResponse> {
    return this.calls.unary(v1_containers.ContainerService.method.listContainers, { ...fields, host: this.host }, options);
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
  createContainer(fields: Fields<typeof v1_containers.CreateContainerRequestSchema> = {}, options?: CallOptions): Promise<v1_containers.CreateContainerResponse> {
    return this.calls.unary(v1_containers.ContainerService.method.createContainer, { ...fields, host: this.host }, options);
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
  runContainer(fields: Fields<typeof v1_containers.RunContainerRequestSchema> = {}, options?: CallOptions): Responses<v1_containers.RunContainerResponse> {
    return this.calls.stream(v1_containers.ContainerService.method.runContainer, { ...fields, host: this.host }, options);
  }

  /**
   * Returns everything that the engine knows about a container.
   */
  inspectContainer(fields: Fields<typeof v1_containers.InspectContainerRequestSchema> = {}, options?: CallOptions): Promise<v1_containers.InspectContainerResponse> {
    return this.calls.unary(v1_containers.ContainerService.method.inspectContainer, { ...fields, host: this.host }, options);
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
  topContainer(fields: Fields<typeof v1_containers.TopContainerRequestSchema> = {}, options?: CallOptions): Promise<v1_containers.TopContainerResponse> {
    return this.calls.unary(v1_containers.ContainerService.method.topContainer, { ...fields, host: this.host }, options);
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
  streamLogs(fields: Fields<typeof v1_containers.StreamLogsRequestSchema> = {}, options?: ResumeOptions): Responses<v1_containers.StreamLogsResponse> {
    return this.calls.resuming(v1_containers.ContainerService.method.streamLogs, { ...fields, host: this.host }, options);
  }

  /**
   * Lists the files that were added, changed or deleted in a container since it was created from its image.
   */
  getContainerChanges(fields: Fields<typeof v1_containers.GetContainerChangesRequestSchema> = {}, options?: CallOptions): Promise<v1_containers.GetContainerChangesResponse> {
    return this.calls.unary(v1_containers.ContainerService.method.getContainerChanges, { ...fields, host: this.host }, options);
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
  exportContainer(fields: Fields<typeof v1_containers.ExportContainerRequestSchema> = {}, options?: CallOptions): Responses<v1_containers.ExportContainerResponse> {
    return this.calls.stream(v1_containers.ContainerService.method.exportContainer, { ...fields, host: this.host }, options);
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
  streamStats(fields: Fields<typeof v1_containers.StreamStatsRequestSchema> = {}, options?: ResumeOptions): Responses<v1_containers.StreamStatsResponse> {
    return this.calls.resuming(v1_containers.ContainerService.method.streamStats, { ...fields, host: this.host }, options);
  }

  /**
   * Sets the size of a container's terminal.  Harmless to repeat.  Within AttachContainer, send `resize` instead.
   *
   * Errors:
   *   - FAILED_PRECONDITION (CONFLICT): the container is not running.
   */
  resizeContainer(fields: Fields<typeof v1_containers.ResizeContainerRequestSchema> = {}, options?: CallOptions): Promise<v1_containers.ResizeContainerResponse> {
    return this.calls.unary(v1_containers.ContainerService.method.resizeContainer, { ...fields, host: this.host }, options);
  }

  /**
   * Starts a container.  A container that runs already stays as it is, and the response says so in `already`.
   *
   * Errors:
   *   - FAILED_PRECONDITION (START_FAILED): the process could not be started, or something that the container needs is
   *     missing or taken: a user, a device, a network, a port, a log server.
   *   - FAILED_PRECONDITION (CONFLICT): the container is paused, or one whose network it shares is not running.
   */
  startContainer(fields: Fields<typeof v1_containers.StartContainerRequestSchema> = {}, options?: CallOptions): Promise<v1_containers.StartContainerResponse> {
    return this.calls.unary(v1_containers.ContainerService.method.startContainer, { ...fields, host: this.host }, options);
  }

  /**
   * Stops a container: asks its process to end, and kills it if it has not ended within the timeout.  A container that
   * is stopped already stays as it is, and the response says so in `already`.
   *
   * The call returns when the container has stopped, so it may take as long as the timeout.
   */
  stopContainer(fields: Fields<typeof v1_containers.StopContainerRequestSchema> = {}, options?: CallOptions): Promise<v1_containers.StopContainerResponse> {
    return this.calls.unary(v1_containers.ContainerService.method.stopContainer, { ...fields, host: this.host }, options);
  }

  /**
   * Stops a container as StopContainer does, if it runs, and starts it.  Each call restarts it again.
   *
   * Errors:
   *   - FAILED_PRECONDITION (START_FAILED): the process could not be started again.
   */
  restartContainer(fields: Fields<typeof v1_containers.RestartContainerRequestSchema> = {}, options?: CallOptions): Promise<v1_containers.RestartContainerResponse> {
    return this.calls.unary(v1_containers.ContainerService.method.restartContainer, { ...fields, host: this.host }, options);
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
  killContainer(fields: Fields<typeof v1_containers.KillContainerRequestSchema> = {}, options?: CallOptions): Promise<v1_containers.KillContainerResponse> {
    return this.calls.unary(v1_containers.ContainerService.method.killContainer, { ...fields, host: this.host }, options);
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
  updateContainer(fields: Fields<typeof v1_containers.UpdateContainerRequestSchema> = {}, options?: CallOptions): Promise<v1_containers.UpdateContainerResponse> {
    return this.calls.unary(v1_containers.ContainerService.method.updateContainer, { ...fields, host: this.host }, options);
  }

  /**
   * Changes the name of a container.
   *
   * Errors:
   *   - ALREADY_EXISTS (NAME_IN_USE): another container has the name.
   *   - INVALID_ARGUMENT (INVALID_REQUEST): the container has the name already.
   */
  renameContainer(fields: Fields<typeof v1_containers.RenameContainerRequestSchema> = {}, options?: CallOptions): Promise<v1_containers.RenameContainerResponse> {
    return this.calls.unary(v1_containers.ContainerService.method.renameContainer, { ...fields, host: this.host }, options);
  }

  /**
   * Suspends all processes of a container.  The processes do not notice it.
   *
   * Errors:
   *   - FAILED_PRECONDITION (CONFLICT): the container is not running, or is paused already.
   */
  pauseContainer(fields: Fields<typeof v1_containers.PauseContainerRequestSchema> = {}, options?: CallOptions): Promise<v1_containers.PauseContainerResponse> {
    return this.calls.unary(v1_containers.ContainerService.method.pauseContainer, { ...fields, host: this.host }, options);
  }

  /**
   * Resumes all processes of a paused container.
   *
   * Errors:
   *   - FAILED_PRECONDITION (CONFLICT): the container is not paused.
   */
  unpauseContainer(fields: Fields<typeof v1_containers.UnpauseContainerRequestSchema> = {}, options?: CallOptions): Promise<v1_containers.UnpauseContainerResponse> {
    return this.calls.unary(v1_containers.ContainerService.method.unpauseContainer, { ...fields, host: this.host }, options);
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
  attachContainer(fields: Fields<typeof v1_containers.AttachContainerStartSchema> = {}, options?: CallOptions): Session {
    return this.calls.session(v1_containers.ContainerService.method.attachContainer, { ...fields, host: this.host }, options);
  }

  /**
   * Waits until a container has stopped, or until what `condition` names, and returns its exit code.
   *
   * It waits as long as the call's deadline allows.
   *
   * Errors:
   *   - INVALID_ARGUMENT (INVALID_REQUEST): the condition is unknown.  Old engines, such as 20.10, ignore it.
   */
  waitContainer(fields: Fields<typeof v1_containers.WaitContainerRequestSchema> = {}, options?: CallOptions): Promise<v1_containers.WaitContainerResponse> {
    return this.calls.unary(v1_containers.ContainerService.method.waitContainer, { ...fields, host: this.host }, options);
  }

  /**
   * Removes a container and everything that it has written outside its volumes.
   *
   * Errors:
   *   - FAILED_PRECONDITION (CONFLICT): the container is running, and `force` is not set, or `link` is set for the
   *     container's own name.
   *   - ABORTED (BEING_CHANGED): the container is being removed already.
   */
  removeContainer(fields: Fields<typeof v1_containers.RemoveContainerRequestSchema> = {}, options?: CallOptions): Promise<v1_containers.RemoveContainerResponse> {
    return this.calls.unary(v1_containers.ContainerService.method.removeContainer, { ...fields, host: this.host }, options);
  }

  /**
   * Returns name, size, mode and time of a path in a container's file system.
   *
   * Errors:
   *   - NOT_FOUND: there is no such container, or nothing at the path.
   */
  statContainerArchive(fields: Fields<typeof v1_containers.StatContainerArchiveRequestSchema> = {}, options?: CallOptions): Promise<v1_containers.StatContainerArchiveResponse> {
    return this.calls.unary(v1_containers.ContainerService.method.statContainerArchive, { ...fields, host: this.host }, options);
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
  getContainerArchive(fields: Fields<typeof v1_containers.GetContainerArchiveRequestSchema> = {}, options?: CallOptions): Responses<v1_containers.GetContainerArchiveResponse> {
    return this.calls.stream(v1_containers.ContainerService.method.getContainerArchive, { ...fields, host: this.host }, options);
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
  putContainerArchive(source: Source, fields: Fields<typeof v1_containers.PutContainerArchiveStartSchema> = {}, options?: CallOptions): Promise<v1_containers.PutContainerArchiveResponse> {
    return this.calls.upload(v1_containers.ContainerService.method.putContainerArchive, source, { ...fields, host: this.host }, options);
  }

  /**
   * Removes all stopped containers that fit the filters; without filters, all stopped containers.  Harmless to repeat.
   *
   * Errors:
   *   - INVALID_ARGUMENT (INVALID_REQUEST): the engine does not know a filter, or a value does not fit its filter.
   *   - ABORTED (BEING_CHANGED): another prune of containers is running on the host.
   */
  pruneContainers(fields: Fields<typeof v1_containers.PruneContainersRequestSchema> = {}, options?: CallOptions): Promise<v1_containers.PruneContainersResponse> {
    return this.calls.unary(v1_containers.ContainerService.method.pruneContainers, { ...fields, host: this.host }, options);
  }
}

/**
 * Images in registries, as a host sees them.  They need not be on that host.  Images on a host, and pulls and pushes,
 * belong to ImageService.
 */
export class DistributionService {
  /** @internal */
  constructor(private readonly calls: Calls, private readonly host: string) {}

  /**
   * Looks up an image in its registry, without a pull.
   *
   * The host asks the registry with every call.  If a mirror is configured, it asks the mirror first.  The host stores
   * nothing.  Harmless to repeat, but a registry may count it against its limits.
   *
   * Errors:
   *   - NOT_FOUND: the registry has no such image.
   *   - FAILED_PRECONDITION (REGISTRY_AUTH): the registry refused the credentials, or requires some.  Many answer so for
   *     an image that they do not have.
   *   - INVALID_ARGUMENT (INVALID_FIELD): the name is not a reference.
   *   - INVALID_ARGUMENT (INVALID_REQUEST): the name is the id of an image.
   *   - RESOURCE_EXHAUSTED (REGISTRY_LIMIT): the rate limit of the registry is reached.
   *   - UNAVAILABLE (REGISTRY_UNREACHABLE): the host cannot reach the registry.
   */
  inspectDistribution(fields: Fields<typeof v1_distribution.InspectDistributionRequestSchema> = {}, options?: CallOptions): Promise<v1_distribution.InspectDistributionResponse> {
    return this.calls.unary(v1_distribution.DistributionService.method.inspectDistribution, { ...fields, host: this.host }, options);
  }
}

/**
 * Runs further processes, called execs, in a running container.  Most clients need only `Exec`; the other RPCs are its
 * single steps.  The main process of a container belongs to ContainerService.
 *
 * An exec exists on its engine only.  The engine removes it together with its container, and some minutes after its
 * process has ended.
 */
export class ExecService {
  /** @internal */
  constructor(private readonly calls: Calls, private readonly host: string) {}

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
  exec(fields: Fields<typeof v1_exec.ExecStartSchema> = {}, options?: CallOptions): Session {
    return this.calls.session(v1_exec.ExecService.method.exec, { ...fields, host: this.host }, options);
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
  createExec(fields: Fields<typeof v1_exec.CreateExecRequestSchema> = {}, options?: CallOptions): Promise<v1_exec.CreateExecResponse> {
    return this.calls.unary(v1_exec.ExecService.method.createExec, { ...fields, host: this.host }, options);
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
  startExec(fields: Fields<typeof v1_exec.StartExecStartSchema> = {}, options?: CallOptions): Session {
    return this.calls.session(v1_exec.ExecService.method.startExec, { ...fields, host: this.host }, options);
  }

  /**
   * Sets the size of the terminal of a running exec.  Harmless to repeat.  Within a session, send `resize` instead.
   *
   * Errors:
   *   - NOT_FOUND: there is no such exec, or its process has ended.
   *   - FAILED_PRECONDITION (CONFLICT): the exec has not been started.
   */
  resizeExec(fields: Fields<typeof v1_exec.ResizeExecRequestSchema> = {}, options?: CallOptions): Promise<v1_exec.ResizeExecResponse> {
    return this.calls.unary(v1_exec.ExecService.method.resizeExec, { ...fields, host: this.host }, options);
  }

  /**
   * Returns the state of an exec, and its exit code when it has ended.
   *
   * Errors:
   *   - NOT_FOUND: there is no such exec, or the engine has removed it already.
   */
  inspectExec(fields: Fields<typeof v1_exec.InspectExecRequestSchema> = {}, options?: CallOptions): Promise<v1_exec.InspectExecResponse> {
    return this.calls.unary(v1_exec.ExecService.method.inspectExec, { ...fields, host: this.host }, options);
  }
}

/**
 * The images in the image store of a host, and the cache of its builds.  Information of a registry about images that
 * are not on the host belongs to DistributionService.
 *
 * Pulls, pushes, builds, imports and loads return a stream of progress.  A failure is never a progress report: it ends
 * the call with a status.  Cancelling a pull, a push or a build cancels the work on the host.
 */
export class ImageService {
  /** @internal */
  constructor(private readonly calls: Calls, private readonly host: string) {}

  /**
   * Lists the images on a host.
   *
   * One response holds all images: there are no pages.
   *
   * Errors:
   *   - INVALID_ARGUMENT (INVALID_FIELD): a filter is unknown, or a value does not fit its filter.
   *   - NOT_FOUND: the image that the filter `before` or `since` names does not exist.
   */
  listImages(fields: Fields<typeof v1_images.ListImagesRequestSchema> = {}, options?: CallOptions): Promise<v1_images.ListImagesResponse> {
    return this.calls.unary(v1_images.ImageService.method.listImages, { ...fields, host: this.host }, options);
  }

  /**
   * Builds an image from a Dockerfile and the files around it.  Each call builds again, but takes steps that have not
   * changed from the cache.
   *
   * The first request is `start`.  After it come requests with `data`, which together are a tar of the build context:
   * plain, or compressed with gzip, bzip2 or xz.  The id of the image comes in `progress.result.id`.
   *
   * Errors:
   *   - INVALID_ARGUMENT (INVALID_REQUEST): a parameter, the Dockerfile or the tar is malformed, or there is no
   *     Dockerfile.
   *   - RESOURCE_EXHAUSTED (HOST_DISK_FULL): the disk of the host is full.
   *   - FAILED_PRECONDITION (OPERATION_FAILED): a step failed, or the base image could not be pulled.
   */
  buildImage(source: Source, fields: Fields<typeof v1_images.BuildImageStartSchema> = {}, options?: CallOptions): Responses<v1_images.BuildImageResponse> {
    return this.calls.uploadStream(v1_images.ImageService.method.buildImage, source, { ...fields, host: this.host }, options);
  }

  /**
   * Removes cached results of builds.  Images stay.  Later builds take longer.  Harmless to repeat.
   *
   * Errors:
   *   - INVALID_ARGUMENT (INVALID_REQUEST): the engine does not know a filter, or a value does not fit its filter.
   */
  pruneBuildCache(fields: Fields<typeof v1_images.PruneBuildCacheRequestSchema> = {}, options?: CallOptions): Promise<v1_images.PruneBuildCacheResponse> {
    return this.calls.unary(v1_images.ImageService.method.pruneBuildCache, { ...fields, host: this.host }, options);
  }

  /**
   * Pulls an image from a registry.  Harmless to repeat: layers that are on the host are not downloaded again.
   *
   * A reference that has neither a tag nor a digest pulls all tags of the repository.
   *
   * Errors:
   *   - NOT_FOUND: the registry has no such image.
   *   - NOT_FOUND (REGISTRY_AUTH): the registry has no such repository, or does not show it without credentials.
   *   - FAILED_PRECONDITION (REGISTRY_AUTH): the registry refused the credentials, or requires some.
   *   - UNAVAILABLE (REGISTRY_UNREACHABLE): the host cannot reach the registry.
   *   - RESOURCE_EXHAUSTED (REGISTRY_LIMIT): the rate limit of the registry is reached.
   *   - RESOURCE_EXHAUSTED (HOST_DISK_FULL): the disk of the host is full.
   */
  pullImage(fields: Fields<typeof v1_images.PullImageRequestSchema> = {}, options?: CallOptions): Responses<v1_images.PullImageResponse> {
    return this.calls.stream(v1_images.ImageService.method.pullImage, { ...fields, host: this.host }, options);
  }

  /**
   * Creates an image of one layer from the tar of a file system, such as ExportContainer returns.  Each call creates a
   * new image.
   *
   * The first request is `start`.  After it come requests with `data`, which together are the tar, plain or compressed.
   * The `status` of the last response's `progress` is the id of the image.
   *
   * Errors:
   *   - INVALID_ARGUMENT (INVALID_REQUEST): a parameter, an instruction or the tar is malformed.
   *   - RESOURCE_EXHAUSTED (HOST_DISK_FULL): the disk of the host is full.
   *   - FAILED_PRECONDITION (OPERATION_FAILED): the host cannot download the tar, or cannot unpack it.
   */
  importImage(source: Source, fields: Fields<typeof v1_images.ImportImageStartSchema> = {}, options?: CallOptions): Responses<v1_images.ImportImageResponse> {
    return this.calls.uploadStream(v1_images.ImageService.method.importImage, source, { ...fields, host: this.host }, options);
  }

  /**
   * Returns everything that a host knows about an image.
   *
   * Errors:
   *   - NOT_FOUND: there is no such image, or not for the requested platform.
   *   - INVALID_ARGUMENT (INVALID_REQUEST): both `manifests` and `platform` are set.
   */
  inspectImage(fields: Fields<typeof v1_images.InspectImageRequestSchema> = {}, options?: CallOptions): Promise<v1_images.InspectImageResponse> {
    return this.calls.unary(v1_images.ImageService.method.inspectImage, { ...fields, host: this.host }, options);
  }

  /**
   * Lists the attestations of an image, such as its provenance and its bill of materials.  The list is empty when there
   * are none.
   *
   * Errors:
   *   - NOT_FOUND: there is no such image, or not for the requested platform.
   *   - INVALID_ARGUMENT (INVALID_REQUEST): the request has more than one platform.
   *   - UNIMPLEMENTED (NOT_SUPPORTED): the image store of the host does not keep attestations.  The containerd store
   *     does.
   */
  listImageAttestations(fields: Fields<typeof v1_images.ListImageAttestationsRequestSchema> = {}, options?: CallOptions): Promise<v1_images.ListImageAttestationsResponse> {
    return this.calls.unary(v1_images.ImageService.method.listImageAttestations, { ...fields, host: this.host }, options);
  }

  /**
   * Returns the steps that created an image, the latest first.
   *
   * Errors:
   *   - NOT_FOUND: there is no such image, or not for the requested platform.
   */
  getImageHistory(fields: Fields<typeof v1_images.GetImageHistoryRequestSchema> = {}, options?: CallOptions): Promise<v1_images.GetImageHistoryResponse> {
    return this.calls.unary(v1_images.ImageService.method.getImageHistory, { ...fields, host: this.host }, options);
  }

  /**
   * Pushes an image to the registry that its name begins with; without one, to Docker Hub.  Harmless to repeat: layers
   * that the registry has are not sent again.
   *
   * The image must have a name for that registry: see TagImage.
   *
   * Errors:
   *   - NOT_FOUND: there is no such image.
   *   - FAILED_PRECONDITION (REGISTRY_AUTH): the registry refused the credentials, requires some, or does not allow the
   *     push.
   *   - UNAVAILABLE (REGISTRY_UNREACHABLE): the host cannot reach the registry.
   *   - RESOURCE_EXHAUSTED (REGISTRY_LIMIT): the rate limit of the registry is reached.
   */
  pushImage(fields: Fields<typeof v1_images.PushImageRequestSchema> = {}, options?: CallOptions): Responses<v1_images.PushImageResponse> {
    return this.calls.stream(v1_images.ImageService.method.pushImage, { ...fields, host: this.host }, options);
  }

  /**
   * Adds a name to an image.  Harmless to repeat.  If another image has the name, that image loses it.
   *
   * Errors:
   *   - NOT_FOUND: there is no such image.
   *   - INVALID_ARGUMENT (INVALID_FIELD): the new name is missing or malformed.
   *   - INVALID_ARGUMENT (INVALID_REQUEST): the new name could be taken for an id or a digest.
   */
  tagImage(fields: Fields<typeof v1_images.TagImageRequestSchema> = {}, options?: CallOptions): Promise<v1_images.TagImageResponse> {
    return this.calls.unary(v1_images.ImageService.method.tagImage, { ...fields, host: this.host }, options);
  }

  /**
   * Removes a name from an image.  Together with its last name it removes the image, and those of its parents that have
   * no name.  When the request has an id, it removes the image itself.  A repetition fails, because there is nothing to
   * remove any more.
   *
   * Errors:
   *   - NOT_FOUND: there is no such image.
   *   - FAILED_PRECONDITION (CONFLICT): a container uses the image, another image is built on it, or the request has an
   *     id and the image has names in several repositories.  `force` overrides some of this.
   */
  removeImage(fields: Fields<typeof v1_images.RemoveImageRequestSchema> = {}, options?: CallOptions): Promise<v1_images.RemoveImageResponse> {
    return this.calls.unary(v1_images.ImageService.method.removeImage, { ...fields, host: this.host }, options);
  }

  /**
   * Searches Docker Hub for images, from the host.
   *
   * Errors:
   *   - INVALID_ARGUMENT (INVALID_REQUEST): the engine does not know a filter, or the limit is out of range.
   *   - UNAVAILABLE (REGISTRY_UNREACHABLE): the host cannot reach Docker Hub.
   */
  searchImages(fields: Fields<typeof v1_images.SearchImagesRequestSchema> = {}, options?: CallOptions): Promise<v1_images.SearchImagesResponse> {
    return this.calls.unary(v1_images.ImageService.method.searchImages, { ...fields, host: this.host }, options);
  }

  /**
   * Removes images that no container uses.  Unless filters say otherwise, it removes only images without a name.
   * Harmless to repeat.
   *
   * Errors:
   *   - INVALID_ARGUMENT (INVALID_REQUEST): the engine does not know a filter, or a value does not fit its filter.
   *   - ABORTED (BEING_CHANGED): another prune of images is running on the host.
   */
  pruneImages(fields: Fields<typeof v1_images.PruneImagesRequestSchema> = {}, options?: CallOptions): Promise<v1_images.PruneImagesResponse> {
    return this.calls.unary(v1_images.ImageService.method.pruneImages, { ...fields, host: this.host }, options);
  }

  /**
   * Creates an image from the present state of a container, without its volumes.  Each call creates a new image.
   *
   * Errors:
   *   - NOT_FOUND: there is no such container.
   *   - FAILED_PRECONDITION (AMBIGUOUS_ID): the prefix fits several containers.
   *   - INVALID_ARGUMENT (INVALID_FIELD): the name of the image is malformed.
   *   - INVALID_ARGUMENT (INVALID_REQUEST): an instruction is malformed.
   */
  commitContainer(fields: Fields<typeof v1_images.CommitContainerRequestSchema> = {}, options?: CallOptions): Promise<v1_images.CommitContainerResponse> {
    return this.calls.unary(v1_images.ImageService.method.commitContainer, { ...fields, host: this.host }, options);
  }

  /**
   * Returns an image with its layers, as a tar that LoadImages accepts.
   *
   * A repository without a tag means all its tags on the host.  With an id, the tar holds the image without names.  The
   * tar is an OCI image layout or the older layout of `docker save`; the engine decides.
   *
   * Errors:
   *   - NOT_FOUND: there is no such image.
   */
  saveImage(fields: Fields<typeof v1_images.SaveImageRequestSchema> = {}, options?: CallOptions): Responses<v1_images.SaveImageResponse> {
    return this.calls.stream(v1_images.ImageService.method.saveImage, { ...fields, host: this.host }, options);
  }

  /**
   * Returns several images in one tar.  Layers that they share are in it only once.  Otherwise it works like SaveImage.
   *
   * Errors:
   *   - NOT_FOUND: one of the images does not exist.
   */
  saveImages(fields: Fields<typeof v1_images.SaveImagesRequestSchema> = {}, options?: CallOptions): Responses<v1_images.SaveImagesResponse> {
    return this.calls.stream(v1_images.ImageService.method.saveImages, { ...fields, host: this.host }, options);
  }

  /**
   * Loads the images of a tar, with their names, as SaveImage and SaveImages return it.  Loading the same tar again
   * changes nothing.
   *
   * The first request is `start`.  After it come requests with `data`, which together are the tar, plain or compressed
   * with gzip, bzip2 or xz.  If another image has one of the names, that image loses it.
   *
   * Errors:
   *   - RESOURCE_EXHAUSTED (HOST_DISK_FULL): the disk of the host is full.
   *   - INVALID_ARGUMENT (INVALID_REQUEST): the tar is malformed.
   *   - FAILED_PRECONDITION (OPERATION_FAILED): the tar holds no images, or the host cannot unpack it.
   */
  loadImages(source: Source, fields: Fields<typeof v1_images.LoadImagesStartSchema> = {}, options?: CallOptions): Responses<v1_images.LoadImagesResponse> {
    return this.calls.uploadStream(v1_images.ImageService.method.loadImages, source, { ...fields, host: this.host }, options);
  }
}

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
export class NetworkService {
  /** @internal */
  constructor(private readonly calls: Calls, private readonly host: string) {}

  /**
   * Lists networks; without filters, all of them.
   *
   * The response has neither what is connected to the networks (`containers`, `services`) nor their `status`:
   * InspectNetwork returns these.
   *
   * Errors:
   *   - INVALID_ARGUMENT (INVALID_FIELD): a filter is unknown, or a value does not fit its filter.
   */
  listNetworks(fields: Fields<typeof v1_networks.ListNetworksRequestSchema> = {}, options?: CallOptions): Promise<v1_networks.ListNetworksResponse> {
    return this.calls.unary(v1_networks.NetworkService.method.listNetworks, { ...fields, host: this.host }, options);
  }

  /**
   * Returns a network with the containers that are connected to it.
   *
   * Errors:
   *   - NOT_FOUND: there is no such network, or not in the requested scope.
   */
  inspectNetwork(fields: Fields<typeof v1_networks.InspectNetworkRequestSchema> = {}, options?: CallOptions): Promise<v1_networks.InspectNetworkResponse> {
    return this.calls.unary(v1_networks.NetworkService.method.inspectNetwork, { ...fields, host: this.host }, options);
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
  removeNetwork(fields: Fields<typeof v1_networks.RemoveNetworkRequestSchema> = {}, options?: CallOptions): Promise<v1_networks.RemoveNetworkResponse> {
    return this.calls.unary(v1_networks.NetworkService.method.removeNetwork, { ...fields, host: this.host }, options);
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
  createNetwork(fields: Fields<typeof v1_networks.CreateNetworkRequestSchema> = {}, options?: CallOptions): Promise<v1_networks.CreateNetworkResponse> {
    return this.calls.unary(v1_networks.NetworkService.method.createNetwork, { ...fields, host: this.host }, options);
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
  connectNetwork(fields: Fields<typeof v1_networks.ConnectNetworkRequestSchema> = {}, options?: CallOptions): Promise<v1_networks.ConnectNetworkResponse> {
    return this.calls.unary(v1_networks.NetworkService.method.connectNetwork, { ...fields, host: this.host }, options);
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
  disconnectNetwork(fields: Fields<typeof v1_networks.DisconnectNetworkRequestSchema> = {}, options?: CallOptions): Promise<v1_networks.DisconnectNetworkResponse> {
    return this.calls.unary(v1_networks.NetworkService.method.disconnectNetwork, { ...fields, host: this.host }, options);
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
  pruneNetworks(fields: Fields<typeof v1_networks.PruneNetworksRequestSchema> = {}, options?: CallOptions): Promise<v1_networks.PruneNetworksResponse> {
    return this.calls.unary(v1_networks.NetworkService.method.pruneNetworks, { ...fields, host: this.host }, options);
  }
}

/**
 * The engine of a host as a whole.  Every RPC asks the host and changes nothing there.  What the gateway itself knows
 * about its hosts belongs to HostService.
 */
export class SystemService {
  /** @internal */
  constructor(private readonly calls: Calls, private readonly host: string) {}

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
  checkAuth(fields: Fields<typeof v1_system.CheckAuthRequestSchema> = {}, options?: CallOptions): Promise<v1_system.CheckAuthResponse> {
    return this.calls.unary(v1_system.SystemService.method.checkAuth, { ...fields, host: this.host }, options);
  }

  /**
   * Returns the state and the settings of an engine and its machine.
   */
  getInfo(fields: Fields<typeof v1_system.GetInfoRequestSchema> = {}, options?: CallOptions): Promise<v1_system.GetInfoResponse> {
    return this.calls.unary(v1_system.SystemService.method.getInfo, { ...fields, host: this.host }, options);
  }

  /**
   * Returns the versions of an engine and its components.
   */
  getVersion(fields: Fields<typeof v1_system.GetVersionRequestSchema> = {}, options?: CallOptions): Promise<v1_system.GetVersionResponse> {
    return this.calls.unary(v1_system.SystemService.method.getVersion, { ...fields, host: this.host }, options);
  }

  /**
   * Checks whether an engine responds, with the least work.  HostService returns the same information without asking
   * the host.
   *
   * Errors:
   *   - UNAVAILABLE (HOST_UNREACHABLE): the host cannot be reached.
   *   - DEADLINE_EXCEEDED (HOST_TIMEOUT): the engine does not respond in time.
   */
  ping(fields: Fields<typeof v1_system.PingRequestSchema> = {}, options?: CallOptions): Promise<v1_system.PingResponse> {
    return this.calls.unary(v1_system.SystemService.method.ping, { ...fields, host: this.host }, options);
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
  streamEvents(fields: Fields<typeof v1_system.StreamEventsRequestSchema> = {}, options?: ResumeOptions): Responses<v1_system.StreamEventsResponse> {
    return this.calls.resuming(v1_system.SystemService.method.streamEvents, { ...fields, host: this.host }, options);
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
  getDataUsage(fields: Fields<typeof v1_system.GetDataUsageRequestSchema> = {}, options?: CallOptions): Promise<v1_system.GetDataUsageResponse> {
    return this.calls.unary(v1_system.SystemService.method.getDataUsage, { ...fields, host: this.host }, options);
  }
}

/**
 * The volumes of a host: named storage that exists independently of containers.  On managers of a swarm, also the
 * volumes of its cluster.  Mounting a volume is part of a container's configuration, and belongs to ContainerService.
 */
export class VolumeService {
  /** @internal */
  constructor(private readonly calls: Calls, private readonly host: string) {}

  /**
   * Lists the volumes of a host; on managers of a swarm, from 1.42 on, also those of the cluster.
   *
   * One response holds all volumes: there are no pages.
   *
   * Errors:
   *   - INVALID_ARGUMENT (INVALID_FIELD): a filter is unknown, or a value does not fit its filter.
   */
  listVolumes(fields: Fields<typeof v1_volumes.ListVolumesRequestSchema> = {}, options?: CallOptions): Promise<v1_volumes.ListVolumesResponse> {
    return this.calls.unary(v1_volumes.VolumeService.method.listVolumes, { ...fields, host: this.host }, options);
  }

  /**
   * Creates a volume.  Harmless to repeat with a name: if a volume of the same driver has the name, the response holds
   * that volume, unchanged.  Without a name, each call creates another volume.
   *
   * Errors:
   *   - ALREADY_EXISTS (NAME_IN_USE): a volume of another driver has the name.
   *   - NOT_FOUND: there is no such driver.
   *   - INVALID_ARGUMENT (INVALID_FIELD): the name is malformed.
   *   - INVALID_ARGUMENT (INVALID_REQUEST): an option is malformed.
   */
  createVolume(fields: Fields<typeof v1_volumes.CreateVolumeRequestSchema> = {}, options?: CallOptions): Promise<v1_volumes.CreateVolumeResponse> {
    return this.calls.unary(v1_volumes.VolumeService.method.createVolume, { ...fields, host: this.host }, options);
  }

  /**
   * Returns a volume.
   *
   * Errors:
   *   - NOT_FOUND: there is no such volume.
   */
  inspectVolume(fields: Fields<typeof v1_volumes.InspectVolumeRequestSchema> = {}, options?: CallOptions): Promise<v1_volumes.InspectVolumeResponse> {
    return this.calls.unary(v1_volumes.VolumeService.method.inspectVolume, { ...fields, host: this.host }, options);
  }

  /**
   * Changes the availability of a cluster volume.  Everything else in its spec must stay the same.  A repetition fails:
   * a change creates a new version, and the engine refuses the old one.
   *
   * Errors:
   *   - NOT_FOUND: there is no such volume.
   *   - FAILED_PRECONDITION (NOT_SWARM_MANAGER): the host is not a manager of a swarm.
   *   - INVALID_ARGUMENT (INVALID_FIELD): the version is missing.
   *   - INVALID_ARGUMENT (INVALID_REQUEST): the request changes something else.
   */
  updateVolume(fields: Fields<typeof v1_volumes.UpdateVolumeRequestSchema> = {}, options?: CallOptions): Promise<v1_volumes.UpdateVolumeResponse> {
    return this.calls.unary(v1_volumes.VolumeService.method.updateVolume, { ...fields, host: this.host }, options);
  }

  /**
   * Removes a volume with its data.  A repetition fails, unless `force` is set, because the volume does not exist any
   * more.
   *
   * Errors:
   *   - NOT_FOUND: there is no such volume, or its driver is missing.
   *   - FAILED_PRECONDITION (CONFLICT): a container uses it, running or not.
   */
  removeVolume(fields: Fields<typeof v1_volumes.RemoveVolumeRequestSchema> = {}, options?: CallOptions): Promise<v1_volumes.RemoveVolumeResponse> {
    return this.calls.unary(v1_volumes.VolumeService.method.removeVolume, { ...fields, host: this.host }, options);
  }

  /**
   * Removes the local volumes that no container uses, with their data.  Harmless to repeat.
   *
   * From 1.42 on it removes only anonymous volumes, unless the filter `all` is set.  Hosts below 1.42 remove named
   * volumes too.
   *
   * Errors:
   *   - INVALID_ARGUMENT (INVALID_REQUEST): the engine does not know a filter, or a value does not fit its filter.
   *   - ABORTED (BEING_CHANGED): another prune of volumes is running on the host.
   */
  pruneVolumes(fields: Fields<typeof v1_volumes.PruneVolumesRequestSchema> = {}, options?: CallOptions): Promise<v1_volumes.PruneVolumesResponse> {
    return this.calls.unary(v1_volumes.VolumeService.method.pruneVolumes, { ...fields, host: this.host }, options);
  }
}

/** The services of one host. */
export class HostServices {
  readonly containers: ContainerService;
  readonly distribution: DistributionService;
  readonly exec: ExecService;
  readonly images: ImageService;
  readonly networks: NetworkService;
  readonly system: SystemService;
  readonly volumes: VolumeService;

  /** @internal */
  constructor(calls: Calls, readonly name: string) {
    this.containers = new ContainerService(calls, name);
    this.distribution = new DistributionService(calls, name);
    this.exec = new ExecService(calls, name);
    this.images = new ImageService(calls, name);
    this.networks = new NetworkService(calls, name);
    this.system = new SystemService(calls, name);
    this.volumes = new VolumeService(calls, name);
  }
}
