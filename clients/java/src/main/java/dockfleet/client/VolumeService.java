// Generated from the contract by protos/generate_clients.py.
package dockfleet.client;

import java.util.function.Consumer;

/**
 * The volumes of a host: named storage that exists independently of containers.  On managers of a swarm, also the
 * volumes of its cluster.  Mounting a volume is part of a container's configuration, and belongs to ContainerService.
 */
public final class VolumeService {
  private final Calls calls;
  private final String host;

  VolumeService(Calls calls, String host) {
    this.calls = calls;
    this.host = host;
  }

  /**
   * Lists the volumes of a host; on managers of a swarm, from 1.42 on, also those of the cluster.
   *
   * One response holds all volumes: there are no pages.
   *
   * Errors:
   *   - INVALID_ARGUMENT (INVALID_FIELD): a filter is unknown, or a value does not fit its filter.
   */
  public dockfleet.v1.ListVolumesResponse listVolumes(Consumer<dockfleet.v1.ListVolumesRequest.Builder> fields) {
    var request = dockfleet.v1.ListVolumesRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.VolumeServiceGrpc.getListVolumesMethod(), request.setHost(host).build());
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
  public dockfleet.v1.CreateVolumeResponse createVolume(Consumer<dockfleet.v1.CreateVolumeRequest.Builder> fields) {
    var request = dockfleet.v1.CreateVolumeRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.VolumeServiceGrpc.getCreateVolumeMethod(), request.setHost(host).build());
  }

  /**
   * Returns a volume.
   *
   * Errors:
   *   - NOT_FOUND: there is no such volume.
   */
  public dockfleet.v1.InspectVolumeResponse inspectVolume(Consumer<dockfleet.v1.InspectVolumeRequest.Builder> fields) {
    var request = dockfleet.v1.InspectVolumeRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.VolumeServiceGrpc.getInspectVolumeMethod(), request.setHost(host).build());
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
  public dockfleet.v1.UpdateVolumeResponse updateVolume(Consumer<dockfleet.v1.UpdateVolumeRequest.Builder> fields) {
    var request = dockfleet.v1.UpdateVolumeRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.VolumeServiceGrpc.getUpdateVolumeMethod(), request.setHost(host).build());
  }

  /**
   * Removes a volume with its data.  A repetition fails, unless `force` is set, because the volume does not exist any
   * more.
   *
   * Errors:
   *   - NOT_FOUND: there is no such volume, or its driver is missing.
   *   - FAILED_PRECONDITION (CONFLICT): a container uses it, running or not.
   */
  public dockfleet.v1.RemoveVolumeResponse removeVolume(Consumer<dockfleet.v1.RemoveVolumeRequest.Builder> fields) {
    var request = dockfleet.v1.RemoveVolumeRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.VolumeServiceGrpc.getRemoveVolumeMethod(), request.setHost(host).build());
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
  public dockfleet.v1.PruneVolumesResponse pruneVolumes(Consumer<dockfleet.v1.PruneVolumesRequest.Builder> fields) {
    var request = dockfleet.v1.PruneVolumesRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.VolumeServiceGrpc.getPruneVolumesMethod(), request.setHost(host).build());
  }
}
