// Generated from the contract by protos/generate_clients.py.
package dockfleet.client;

import java.io.InputStream;
import java.util.function.Consumer;

/**
 * The images in the image store of a host, and the cache of its builds.  Information of a registry about images that
 * are not on the host belongs to DistributionService.
 *
 * Pulls, pushes, builds, imports and loads return a stream of progress.  A failure is never a progress report: it ends
 * the call with a status.  Cancelling a pull, a push or a build cancels the work on the host.
 */
public final class ImageService {
  private final Calls calls;
  private final String host;

  ImageService(Calls calls, String host) {
    this.calls = calls;
    this.host = host;
  }

  /**
   * Lists the images on a host.
   *
   * One response holds all images: there are no pages.
   *
   * Errors:
   *   - INVALID_ARGUMENT (INVALID_FIELD): a filter is unknown, or a value does not fit its filter.
   *   - NOT_FOUND: the image that the filter `before` or `since` names does not exist.
   */
  public dockfleet.v1.ListImagesResponse listImages(Consumer<dockfleet.v1.ListImagesRequest.Builder> fields) {
    var request = dockfleet.v1.ListImagesRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.ImageServiceGrpc.getListImagesMethod(), request.setHost(host).build());
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
  public Responses<dockfleet.v1.BuildImageResponse> buildImage(InputStream bytes, Consumer<dockfleet.v1.BuildImageStart.Builder> fields) {
    var request = dockfleet.v1.BuildImageStart.newBuilder();
    fields.accept(request);
    return calls.uploadStream(dockfleet.v1.ImageServiceGrpc.getBuildImageMethod(), request.setHost(host).build(), bytes);
  }

  /**
   * Removes cached results of builds.  Images stay.  Later builds take longer.  Harmless to repeat.
   *
   * Errors:
   *   - INVALID_ARGUMENT (INVALID_REQUEST): the engine does not know a filter, or a value does not fit its filter.
   */
  public dockfleet.v1.PruneBuildCacheResponse pruneBuildCache(Consumer<dockfleet.v1.PruneBuildCacheRequest.Builder> fields) {
    var request = dockfleet.v1.PruneBuildCacheRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.ImageServiceGrpc.getPruneBuildCacheMethod(), request.setHost(host).build());
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
  public Responses<dockfleet.v1.PullImageResponse> pullImage(Consumer<dockfleet.v1.PullImageRequest.Builder> fields) {
    var request = dockfleet.v1.PullImageRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.v1.ImageServiceGrpc.getPullImageMethod(), request.setHost(host).build());
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
  public Responses<dockfleet.v1.ImportImageResponse> importImage(InputStream bytes, Consumer<dockfleet.v1.ImportImageStart.Builder> fields) {
    var request = dockfleet.v1.ImportImageStart.newBuilder();
    fields.accept(request);
    return calls.uploadStream(dockfleet.v1.ImageServiceGrpc.getImportImageMethod(), request.setHost(host).build(), bytes);
  }

  /**
   * Returns everything that a host knows about an image.
   *
   * Errors:
   *   - NOT_FOUND: there is no such image, or not for the requested platform.
   *   - INVALID_ARGUMENT (INVALID_REQUEST): both `manifests` and `platform` are set.
   */
  public dockfleet.v1.InspectImageResponse inspectImage(Consumer<dockfleet.v1.InspectImageRequest.Builder> fields) {
    var request = dockfleet.v1.InspectImageRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.ImageServiceGrpc.getInspectImageMethod(), request.setHost(host).build());
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
  public dockfleet.v1.ListImageAttestationsResponse listImageAttestations(Consumer<dockfleet.v1.ListImageAttestationsRequest.Builder> fields) {
    var request = dockfleet.v1.ListImageAttestationsRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.ImageServiceGrpc.getListImageAttestationsMethod(), request.setHost(host).build());
  }

  /**
   * Returns the steps that created an image, the latest first.
   *
   * Errors:
   *   - NOT_FOUND: there is no such image, or not for the requested platform.
   */
  public dockfleet.v1.GetImageHistoryResponse getImageHistory(Consumer<dockfleet.v1.GetImageHistoryRequest.Builder> fields) {
    var request = dockfleet.v1.GetImageHistoryRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.ImageServiceGrpc.getGetImageHistoryMethod(), request.setHost(host).build());
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
  public Responses<dockfleet.v1.PushImageResponse> pushImage(Consumer<dockfleet.v1.PushImageRequest.Builder> fields) {
    var request = dockfleet.v1.PushImageRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.v1.ImageServiceGrpc.getPushImageMethod(), request.setHost(host).build());
  }

  /**
   * Adds a name to an image.  Harmless to repeat.  If another image has the name, that image loses it.
   *
   * Errors:
   *   - NOT_FOUND: there is no such image.
   *   - INVALID_ARGUMENT (INVALID_FIELD): the new name is missing or malformed.
   *   - INVALID_ARGUMENT (INVALID_REQUEST): the new name could be taken for an id or a digest.
   */
  public dockfleet.v1.TagImageResponse tagImage(Consumer<dockfleet.v1.TagImageRequest.Builder> fields) {
    var request = dockfleet.v1.TagImageRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.ImageServiceGrpc.getTagImageMethod(), request.setHost(host).build());
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
  public dockfleet.v1.RemoveImageResponse removeImage(Consumer<dockfleet.v1.RemoveImageRequest.Builder> fields) {
    var request = dockfleet.v1.RemoveImageRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.ImageServiceGrpc.getRemoveImageMethod(), request.setHost(host).build());
  }

  /**
   * Searches Docker Hub for images, from the host.
   *
   * Errors:
   *   - INVALID_ARGUMENT (INVALID_REQUEST): the engine does not know a filter, or the limit is out of range.
   *   - UNAVAILABLE (REGISTRY_UNREACHABLE): the host cannot reach Docker Hub.
   */
  public dockfleet.v1.SearchImagesResponse searchImages(Consumer<dockfleet.v1.SearchImagesRequest.Builder> fields) {
    var request = dockfleet.v1.SearchImagesRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.ImageServiceGrpc.getSearchImagesMethod(), request.setHost(host).build());
  }

  /**
   * Removes images that no container uses.  Unless filters say otherwise, it removes only images without a name.
   * Harmless to repeat.
   *
   * Errors:
   *   - INVALID_ARGUMENT (INVALID_REQUEST): the engine does not know a filter, or a value does not fit its filter.
   *   - ABORTED (BEING_CHANGED): another prune of images is running on the host.
   */
  public dockfleet.v1.PruneImagesResponse pruneImages(Consumer<dockfleet.v1.PruneImagesRequest.Builder> fields) {
    var request = dockfleet.v1.PruneImagesRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.ImageServiceGrpc.getPruneImagesMethod(), request.setHost(host).build());
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
  public dockfleet.v1.CommitContainerResponse commitContainer(Consumer<dockfleet.v1.CommitContainerRequest.Builder> fields) {
    var request = dockfleet.v1.CommitContainerRequest.newBuilder();
    fields.accept(request);
    return calls.unary(dockfleet.v1.ImageServiceGrpc.getCommitContainerMethod(), request.setHost(host).build());
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
  public Responses<dockfleet.v1.SaveImageResponse> saveImage(Consumer<dockfleet.v1.SaveImageRequest.Builder> fields) {
    var request = dockfleet.v1.SaveImageRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.v1.ImageServiceGrpc.getSaveImageMethod(), request.setHost(host).build());
  }

  /**
   * Returns several images in one tar.  Layers that they share are in it only once.  Otherwise it works like SaveImage.
   *
   * Errors:
   *   - NOT_FOUND: one of the images does not exist.
   */
  public Responses<dockfleet.v1.SaveImagesResponse> saveImages(Consumer<dockfleet.v1.SaveImagesRequest.Builder> fields) {
    var request = dockfleet.v1.SaveImagesRequest.newBuilder();
    fields.accept(request);
    return calls.stream(dockfleet.v1.ImageServiceGrpc.getSaveImagesMethod(), request.setHost(host).build());
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
  public Responses<dockfleet.v1.LoadImagesResponse> loadImages(InputStream bytes, Consumer<dockfleet.v1.LoadImagesStart.Builder> fields) {
    var request = dockfleet.v1.LoadImagesStart.newBuilder();
    fields.accept(request);
    return calls.uploadStream(dockfleet.v1.ImageServiceGrpc.getLoadImagesMethod(), request.setHost(host).build(), bytes);
  }
}
