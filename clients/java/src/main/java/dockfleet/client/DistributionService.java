// Generated from the contract by protos/generate_clients.py.
package dockfleet.client;

import java.util.function.Consumer;

/**
 * Images in registries, as a host sees them.  They need not be on that host.  Images on a host, and pulls and pushes,
 * belong to ImageService.
 */
public final class DistributionService {
  private final Calls calls;
  private final String host;

  DistributionService(Calls calls, String host) {
    this.calls = calls;
    this.host = host;
  }

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
  public dockfleet.v1.InspectDistributionResponse inspectDistribution(Consumer<dockfleet.v1.InspectDistributionRequest.Builder> fields) {
    var request = dockfleet.v1.InspectDistributionRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.DistributionServiceGrpc.getInspectDistributionMethod(), request.setHost(host).build());
  }
}
