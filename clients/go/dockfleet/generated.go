// Code generated from the contract by protos/generate_clients.py. DO NOT EDIT.

package dockfleet

import (
	"context"
	"io"
	"iter"

	"google.golang.org/grpc"

	"dockfleet.internal/go/dockfleetfleetv1"
	"dockfleet.internal/go/dockfleetv1"
)

// stubs are the generated clients of all services.
type stubs struct {
	fleet        dockfleetfleetv1.FleetServiceClient
	hosts        dockfleetfleetv1.HostServiceClient
	containers   dockfleetv1.ContainerServiceClient
	distribution dockfleetv1.DistributionServiceClient
	exec         dockfleetv1.ExecServiceClient
	images       dockfleetv1.ImageServiceClient
	networks     dockfleetv1.NetworkServiceClient
	system       dockfleetv1.SystemServiceClient
	volumes      dockfleetv1.VolumeServiceClient
}

func newStubs(connection grpc.ClientConnInterface) *stubs {
	return &stubs{
		dockfleetfleetv1.NewFleetServiceClient(connection),
		dockfleetfleetv1.NewHostServiceClient(connection),
		dockfleetv1.NewContainerServiceClient(connection),
		dockfleetv1.NewDistributionServiceClient(connection),
		dockfleetv1.NewExecServiceClient(connection),
		dockfleetv1.NewImageServiceClient(connection),
		dockfleetv1.NewNetworkServiceClient(connection),
		dockfleetv1.NewSystemServiceClient(connection),
		dockfleetv1.NewVolumeServiceClient(connection),
	}
}

// ListContainers lists the containers of many hosts.
func (f *Fleet) ListContainers(ctx context.Context, request *dockfleetfleetv1.ListContainersRequest) iter.Seq2[*dockfleetfleetv1.ListContainersResponse, error] {
	return stream(ctx, f.stubs.fleet.ListContainers, request)
}

// ListImages lists the images of many hosts.
func (f *Fleet) ListImages(ctx context.Context, request *dockfleetfleetv1.ListImagesRequest) iter.Seq2[*dockfleetfleetv1.ListImagesResponse, error] {
	return stream(ctx, f.stubs.fleet.ListImages, request)
}

// ListNetworks lists the networks of many hosts.
func (f *Fleet) ListNetworks(ctx context.Context, request *dockfleetfleetv1.ListNetworksRequest) iter.Seq2[*dockfleetfleetv1.ListNetworksResponse, error] {
	return stream(ctx, f.stubs.fleet.ListNetworks, request)
}

// ListVolumes lists the volumes of many hosts.
func (f *Fleet) ListVolumes(ctx context.Context, request *dockfleetfleetv1.ListVolumesRequest) iter.Seq2[*dockfleetfleetv1.ListVolumesResponse, error] {
	return stream(ctx, f.stubs.fleet.ListVolumes, request)
}

// GetInfo returns information about many hosts and their engines.
func (f *Fleet) GetInfo(ctx context.Context, request *dockfleetfleetv1.GetInfoRequest) iter.Seq2[*dockfleetfleetv1.GetInfoResponse, error] {
	return stream(ctx, f.stubs.fleet.GetInfo, request)
}

// GetVersion returns the versions of many engines.
func (f *Fleet) GetVersion(ctx context.Context, request *dockfleetfleetv1.GetVersionRequest) iter.Seq2[*dockfleetfleetv1.GetVersionResponse, error] {
	return stream(ctx, f.stubs.fleet.GetVersion, request)
}

// GetDataUsage returns the disk usage of many hosts.  It is expensive for each engine: set a suitable `host_timeout`.
func (f *Fleet) GetDataUsage(ctx context.Context, request *dockfleetfleetv1.GetDataUsageRequest) iter.Seq2[*dockfleetfleetv1.GetDataUsageResponse, error] {
	return stream(ctx, f.stubs.fleet.GetDataUsage, request)
}

// Ping pings many engines.
func (f *Fleet) Ping(ctx context.Context, request *dockfleetfleetv1.PingRequest) iter.Seq2[*dockfleetfleetv1.PingResponse, error] {
	return stream(ctx, f.stubs.fleet.Ping, request)
}

// FindContainers finds containers, by name, id prefix, label, image, state or published port: where is `web-1`?  It answers from the
// gateway's inventory.
func (f *Fleet) FindContainers(ctx context.Context, request *dockfleetfleetv1.FindContainersRequest) iter.Seq2[*dockfleetfleetv1.FindContainersResponse, error] {
	return stream(ctx, f.stubs.fleet.FindContainers, request)
}

// WatchContainers follows the containers that are selected: first all of them, then every change.
//
// For each host there is one `synced` after its first containers.  While a host does not respond, its containers stay
// as they were, and a `stale` reports it.  When the host responds again, the missed changes follow, and a `synced`.  A
// call with the token of the last response continues there, at this gateway or at another, with the changes since
// then.  When the gateway does not have these any more, it sends a `forget` and all containers of that host.
func (f *Fleet) WatchContainers(ctx context.Context, request *dockfleetfleetv1.WatchContainersRequest) iter.Seq2[*dockfleetfleetv1.WatchContainersResponse, error] {
	return resuming[dockfleetfleetv1.WatchContainersRequest, dockfleetfleetv1.WatchContainersResponse](ctx, f.retry, f.stubs.fleet.WatchContainers, request)
}

// StreamLogs streams the logs of all containers that are selected, in the order of their times.
//
// A record waits for older records of other containers, at most `max_wait`.  A container that sends nothing in this
// time no longer delays the others: a `stalled` names it, and its records come late, after a `resumed`.  Containers
// that are started later join; those that end or are removed leave.  A call with the
// token of the last response continues all logs there, at this gateway or at another.
//
// The engines' clocks order the records: hosts should have the same time.  Where they do not, what was written before
// comes in the order of these times, what is written now comes at once, and nothing is lost or repeated.  `since` and
// `until` are by the clock of each host.
//
// With `request.until`, the stream does not wait for hosts that are down then, nor, for longer than
// `limits.fan_out_timeout_seconds`, for hosts that do not answer: their logs end with a failure.
func (f *Fleet) StreamLogs(ctx context.Context, request *dockfleetfleetv1.StreamLogsRequest) iter.Seq2[*dockfleetfleetv1.StreamLogsResponse, error] {
	return resuming[dockfleetfleetv1.StreamLogsRequest, dockfleetfleetv1.StreamLogsResponse](ctx, f.retry, f.stubs.fleet.StreamLogs, request)
}

// StreamStats streams samples of all running containers that are selected.  Containers that are started later join.
func (f *Fleet) StreamStats(ctx context.Context, request *dockfleetfleetv1.StreamStatsRequest) iter.Seq2[*dockfleetfleetv1.StreamStatsResponse, error] {
	return resuming[dockfleetfleetv1.StreamStatsRequest, dockfleetfleetv1.StreamStatsResponse](ctx, f.retry, f.stubs.fleet.StreamStats, request)
}

// StreamEvents streams the events of all hosts that are selected, in the order of their times, as StreamLogs does.  Hosts that are
// added later join.  After the headers of the call, no event is missed of a host that has answered within `max_wait`.
// With `request.until`, the stream does not wait for hosts that do not answer: see StreamLogs.
func (f *Fleet) StreamEvents(ctx context.Context, request *dockfleetfleetv1.StreamEventsRequest) iter.Seq2[*dockfleetfleetv1.StreamEventsResponse, error] {
	return resuming[dockfleetfleetv1.StreamEventsRequest, dockfleetfleetv1.StreamEventsResponse](ctx, f.retry, f.stubs.fleet.StreamEvents, request)
}

// StartContainers starts containers.
func (f *Fleet) StartContainers(ctx context.Context, request *dockfleetfleetv1.StartContainersRequest) iter.Seq2[*dockfleetfleetv1.StartContainersResponse, error] {
	return stream(ctx, f.stubs.fleet.StartContainers, request)
}

// StopContainers stops containers.
func (f *Fleet) StopContainers(ctx context.Context, request *dockfleetfleetv1.StopContainersRequest) iter.Seq2[*dockfleetfleetv1.StopContainersResponse, error] {
	return stream(ctx, f.stubs.fleet.StopContainers, request)
}

// RestartContainers restarts containers.
func (f *Fleet) RestartContainers(ctx context.Context, request *dockfleetfleetv1.RestartContainersRequest) iter.Seq2[*dockfleetfleetv1.RestartContainersResponse, error] {
	return stream(ctx, f.stubs.fleet.RestartContainers, request)
}

// KillContainers sends a signal to containers.
func (f *Fleet) KillContainers(ctx context.Context, request *dockfleetfleetv1.KillContainersRequest) iter.Seq2[*dockfleetfleetv1.KillContainersResponse, error] {
	return stream(ctx, f.stubs.fleet.KillContainers, request)
}

// PauseContainers suspends the processes of containers.
func (f *Fleet) PauseContainers(ctx context.Context, request *dockfleetfleetv1.PauseContainersRequest) iter.Seq2[*dockfleetfleetv1.PauseContainersResponse, error] {
	return stream(ctx, f.stubs.fleet.PauseContainers, request)
}

// UnpauseContainers lets the processes of paused containers run again.
func (f *Fleet) UnpauseContainers(ctx context.Context, request *dockfleetfleetv1.UnpauseContainersRequest) iter.Seq2[*dockfleetfleetv1.UnpauseContainersResponse, error] {
	return stream(ctx, f.stubs.fleet.UnpauseContainers, request)
}

// UpdateContainers changes the resources or the restart policy of containers.
func (f *Fleet) UpdateContainers(ctx context.Context, request *dockfleetfleetv1.UpdateContainersRequest) iter.Seq2[*dockfleetfleetv1.UpdateContainersResponse, error] {
	return stream(ctx, f.stubs.fleet.UpdateContainers, request)
}

// RemoveContainers removes containers.
func (f *Fleet) RemoveContainers(ctx context.Context, request *dockfleetfleetv1.RemoveContainersRequest) iter.Seq2[*dockfleetfleetv1.RemoveContainersResponse, error] {
	return stream(ctx, f.stubs.fleet.RemoveContainers, request)
}

// RunContainers runs one container on every host: an agent, for example.  Images are pulled as `request.pull` says.
func (f *Fleet) RunContainers(ctx context.Context, request *dockfleetfleetv1.RunContainersRequest) iter.Seq2[*dockfleetfleetv1.RunContainersResponse, error] {
	return stream(ctx, f.stubs.fleet.RunContainers, request)
}

// PullImages pulls an image on every host.
func (f *Fleet) PullImages(ctx context.Context, request *dockfleetfleetv1.PullImagesRequest) iter.Seq2[*dockfleetfleetv1.PullImagesResponse, error] {
	return stream(ctx, f.stubs.fleet.PullImages, request)
}

// RemoveImages removes an image from every host.
func (f *Fleet) RemoveImages(ctx context.Context, request *dockfleetfleetv1.RemoveImagesRequest) iter.Seq2[*dockfleetfleetv1.RemoveImagesResponse, error] {
	return stream(ctx, f.stubs.fleet.RemoveImages, request)
}

// TagImages gives an image another name on every host.
func (f *Fleet) TagImages(ctx context.Context, request *dockfleetfleetv1.TagImagesRequest) iter.Seq2[*dockfleetfleetv1.TagImagesResponse, error] {
	return stream(ctx, f.stubs.fleet.TagImages, request)
}

// PruneContainers removes the stopped containers of every host.
func (f *Fleet) PruneContainers(ctx context.Context, request *dockfleetfleetv1.PruneContainersRequest) iter.Seq2[*dockfleetfleetv1.PruneContainersResponse, error] {
	return stream(ctx, f.stubs.fleet.PruneContainers, request)
}

// PruneImages removes the unused images of every host.
func (f *Fleet) PruneImages(ctx context.Context, request *dockfleetfleetv1.PruneImagesRequest) iter.Seq2[*dockfleetfleetv1.PruneImagesResponse, error] {
	return stream(ctx, f.stubs.fleet.PruneImages, request)
}

// PruneNetworks removes the unused networks of every host.
func (f *Fleet) PruneNetworks(ctx context.Context, request *dockfleetfleetv1.PruneNetworksRequest) iter.Seq2[*dockfleetfleetv1.PruneNetworksResponse, error] {
	return stream(ctx, f.stubs.fleet.PruneNetworks, request)
}

// PruneVolumes removes the unused volumes of every host.
func (f *Fleet) PruneVolumes(ctx context.Context, request *dockfleetfleetv1.PruneVolumesRequest) iter.Seq2[*dockfleetfleetv1.PruneVolumesResponse, error] {
	return stream(ctx, f.stubs.fleet.PruneVolumes, request)
}

// PruneBuildCaches removes the unused build cache of every host.
func (f *Fleet) PruneBuildCaches(ctx context.Context, request *dockfleetfleetv1.PruneBuildCachesRequest) iter.Seq2[*dockfleetfleetv1.PruneBuildCachesResponse, error] {
	return stream(ctx, f.stubs.fleet.PruneBuildCaches, request)
}

// CreateNetworks creates a network on every host.
func (f *Fleet) CreateNetworks(ctx context.Context, request *dockfleetfleetv1.CreateNetworksRequest) iter.Seq2[*dockfleetfleetv1.CreateNetworksResponse, error] {
	return stream(ctx, f.stubs.fleet.CreateNetworks, request)
}

// RemoveNetworks removes a network from every host.
func (f *Fleet) RemoveNetworks(ctx context.Context, request *dockfleetfleetv1.RemoveNetworksRequest) iter.Seq2[*dockfleetfleetv1.RemoveNetworksResponse, error] {
	return stream(ctx, f.stubs.fleet.RemoveNetworks, request)
}

// CreateVolumes creates a volume on every host.
func (f *Fleet) CreateVolumes(ctx context.Context, request *dockfleetfleetv1.CreateVolumesRequest) iter.Seq2[*dockfleetfleetv1.CreateVolumesResponse, error] {
	return stream(ctx, f.stubs.fleet.CreateVolumes, request)
}

// RemoveVolumes removes a volume from every host.
func (f *Fleet) RemoveVolumes(ctx context.Context, request *dockfleetfleetv1.RemoveVolumesRequest) iter.Seq2[*dockfleetfleetv1.RemoveVolumesResponse, error] {
	return stream(ctx, f.stubs.fleet.RemoveVolumes, request)
}

// RunContainer runs a container on the host that fits best, among those that are selected: see Placement.
//
// The first response says which host that is, and why; the others are those of RunContainer of ContainerService.
//
// Errors:
//
//   - FAILED_PRECONDITION (NO_HOST_FITS): no selected host can take the container.  The message says why, host by host.
func (f *Fleet) RunContainer(ctx context.Context, request *dockfleetfleetv1.RunContainerRequest) iter.Seq2[*dockfleetfleetv1.RunContainerResponse, error] {
	return stream(ctx, f.stubs.fleet.RunContainer, request)
}

// CopyImage copies an image from one host to others, without a registry.
//
// The image streams through the gateway, which stores nothing.  Hosts that have the image already are skipped.
// After the load, the gateway compares the id of the image with that of the source.  An engine that keeps images in
// containerd gives an image another id than one that does not: there, the gateway compares layers, platform, time and
// configuration.  Such an image must be copied by its name.  A draining host has the failure HOST_DRAINING.
//
// Errors:
//
//   - NOT_FOUND: the source does not have the image.
//   - UNAVAILABLE (HOST_UNREACHABLE): the source cannot be reached.
func (f *Fleet) CopyImage(ctx context.Context, request *dockfleetfleetv1.CopyImageRequest) iter.Seq2[*dockfleetfleetv1.CopyImageResponse, error] {
	return stream(ctx, f.stubs.fleet.CopyImage, request)
}

// DiscoverServices finds the endpoints of services: running containers, with addresses, ports and health.
func (f *Fleet) DiscoverServices(ctx context.Context, request *dockfleetfleetv1.DiscoverServicesRequest) (*dockfleetfleetv1.DiscoverServicesResponse, error) {
	return unary(ctx, f.stubs.fleet.DiscoverServices, request)
}

// WatchServices follows the endpoints of services: all endpoints at first, then every change.  The endpoints of a host that is
// down are removed.
func (f *Fleet) WatchServices(ctx context.Context, request *dockfleetfleetv1.WatchServicesRequest) iter.Seq2[*dockfleetfleetv1.WatchServicesResponse, error] {
	return resuming[dockfleetfleetv1.WatchServicesRequest, dockfleetfleetv1.WatchServicesResponse](ctx, f.retry, f.stubs.fleet.WatchServices, request)
}

// ListHosts lists hosts, reachable or not, by name.
//
// Errors:
//
//   - NOT_FOUND (UNKNOWN_HOST): the selector names a host that the gateway does not know.
//   - INVALID_ARGUMENT (INVALID_FIELD): the selector is malformed.
func (f *Fleet) ListHosts(ctx context.Context, request *dockfleetfleetv1.ListHostsRequest) (*dockfleetfleetv1.ListHostsResponse, error) {
	return unary(ctx, f.stubs.hosts.ListHosts, request)
}

// GetHost returns one host.
//
// Errors:
//
//   - NOT_FOUND (UNKNOWN_HOST): the gateway knows no host of this name.
//   - INVALID_ARGUMENT (INVALID_FIELD): the name is missing.
func (f *Fleet) GetHost(ctx context.Context, request *dockfleetfleetv1.GetHostRequest) (*dockfleetfleetv1.GetHostResponse, error) {
	return unary(ctx, f.stubs.hosts.GetHost, request)
}

// WatchHosts follows the hosts that are selected: all of them at first, then every change.  A host that changes often while the
// client does not read is sent once, in its latest state.
//
// Errors:
//
//   - INVALID_ARGUMENT (INVALID_FIELD): the selector is malformed.
func (f *Fleet) WatchHosts(ctx context.Context, request *dockfleetfleetv1.WatchHostsRequest) iter.Seq2[*dockfleetfleetv1.WatchHostsResponse, error] {
	return resuming[dockfleetfleetv1.WatchHostsRequest, dockfleetfleetv1.WatchHostsResponse](ctx, f.retry, f.stubs.hosts.WatchHosts, request)
}

// AddHost adds a host.  The gateway stores it, so that it exists after a restart.  The call does not wait for the host: its
// state is HOST_STATE_CONNECTING at first.
//
// Errors:
//
//   - ALREADY_EXISTS (NAME_IN_USE): another host has the name.
//   - INVALID_ARGUMENT (INVALID_FIELD): the name, the address, the labels or the credentials are malformed.
//   - UNAVAILABLE (HOST_STORE_UNAVAILABLE): the gateway cannot store the host.
func (f *Fleet) AddHost(ctx context.Context, request *dockfleetfleetv1.AddHostRequest) (*dockfleetfleetv1.AddHostResponse, error) {
	return unary(ctx, f.stubs.hosts.AddHost, request)
}

// UpdateHost replaces the settings of a host that AddHost has stored.  With the same address its calls and streams continue.
//
// Errors:
//
//   - NOT_FOUND (UNKNOWN_HOST): the gateway knows no host of this name.
//   - FAILED_PRECONDITION (HOST_READ_ONLY): the host comes from a source that calls cannot change.
//   - INVALID_ARGUMENT (INVALID_FIELD): the name, the address, the labels or the credentials are malformed.
func (f *Fleet) UpdateHost(ctx context.Context, request *dockfleetfleetv1.UpdateHostRequest) (*dockfleetfleetv1.UpdateHostResponse, error) {
	return unary(ctx, f.stubs.hosts.UpdateHost, request)
}

// RemoveHost removes a host that AddHost has added.  Its open calls and streams end with FAILED_PRECONDITION, reason HOST_REMOVED.
// Nothing changes on the host itself.
//
// Errors:
//
//   - NOT_FOUND (UNKNOWN_HOST): the gateway knows no host of this name.
//   - FAILED_PRECONDITION (HOST_READ_ONLY): the host comes from a source that calls cannot change.
func (f *Fleet) RemoveHost(ctx context.Context, request *dockfleetfleetv1.RemoveHostRequest) (*dockfleetfleetv1.RemoveHostResponse, error) {
	return unary(ctx, f.stubs.hosts.RemoveHost, request)
}

// DrainHost stops new work on a host.  RPCs with the option `new_work`, which create or start something there, fail with
// FAILED_PRECONDITION, reason HOST_DRAINING.  Everything else continues.  The gateway stores the name of the host until
// UndrainHost.
//
// Errors:
//
//   - NOT_FOUND (UNKNOWN_HOST): the gateway knows no host of this name.
func (f *Fleet) DrainHost(ctx context.Context, request *dockfleetfleetv1.DrainHostRequest) (*dockfleetfleetv1.DrainHostResponse, error) {
	return unary(ctx, f.stubs.hosts.DrainHost, request)
}

// UndrainHost allows new work on a drained host again.
//
// Errors:
//
//   - NOT_FOUND (UNKNOWN_HOST): the gateway knows no host of this name.
func (f *Fleet) UndrainHost(ctx context.Context, request *dockfleetfleetv1.UndrainHostRequest) (*dockfleetfleetv1.UndrainHostResponse, error) {
	return unary(ctx, f.stubs.hosts.UndrainHost, request)
}

// ProbeHost probes a host now, and returns it with the state that it has after the probe.
//
// Errors:
//
//   - NOT_FOUND (UNKNOWN_HOST): the gateway knows no host of this name.
func (f *Fleet) ProbeHost(ctx context.Context, request *dockfleetfleetv1.ProbeHostRequest) (*dockfleetfleetv1.ProbeHostResponse, error) {
	return unary(ctx, f.stubs.hosts.ProbeHost, request)
}

// ListContainers lists containers, the newest first.  Without `all` it lists running containers only.
//
// One response holds all containers: there are no pages.
//
// Errors:
//
//   - INVALID_ARGUMENT (INVALID_FIELD): a filter is unknown, or a value does not fit its filter.
//   - NOT_FOUND: the container that the filter `before` or `since` names does not exist.
func (h *Host) ListContainers(ctx context.Context, request *dockfleetv1.ListContainersRequest) (*dockfleetv1.ListContainersResponse, error) {
	return unary(ctx, h.fleet.stubs.containers.ListContainers, bound(h, request))
}

// CreateContainer creates a container and does not start it.  Each call creates another container.
//
// The image must be on the host: this call does not pull it.
//
// Errors:
//
//   - NOT_FOUND: the image is not on the host.
//   - ALREADY_EXISTS (NAME_IN_USE): another container has the name.
//   - INVALID_ARGUMENT (INVALID_FIELD): `config.image` is missing.
//   - INVALID_ARGUMENT (INVALID_REQUEST): the engine refuses the configuration.
//   - ABORTED (OUTCOME_UNKNOWN): the connection broke; the container may or may not exist.  Look it up by its name.
func (h *Host) CreateContainer(ctx context.Context, request *dockfleetv1.CreateContainerRequest) (*dockfleetv1.CreateContainerResponse, error) {
	return unary(ctx, h.fleet.stubs.containers.CreateContainer, bound(h, request))
}

// RunContainer pulls the image if necessary, creates a container, starts it, and returns its output and exit code.
//
// The responses are any number of `pull`, one `created`, one `started`, any number of `output`, and one `end` as the
// last.  The gateway connects to the output before it starts the container: no output is missed.  With `detach` the
// call ends after `started`.  A process that fails does not fail the call: its exit code is in `end`.  There is no
// input; for that use CreateContainer, AttachContainer and StartContainer.
//
// When the client cancels the call or disconnects before the start, the gateway removes the container.  After the
// start, the container continues to run.  `config.host_config.auto_remove` works as in CreateContainer.
//
// When the process cannot be started, the container remains as created, unless `auto_remove` is set.
//
// Errors:
//
//   - NOT_FOUND: the image is not on the host and, where pulling is allowed, not in the registry.
//   - ALREADY_EXISTS (NAME_IN_USE): another container has the name.
//   - INVALID_ARGUMENT (INVALID_FIELD): `config.image` is missing.
//   - INVALID_ARGUMENT (INVALID_REQUEST): the engine refuses the configuration.
//   - FAILED_PRECONDITION (START_FAILED): the process could not be started.
//   - FAILED_PRECONDITION (REGISTRY_AUTH): the registry refused the credentials, or requires some.
//   - UNAVAILABLE (REGISTRY_UNREACHABLE): the host cannot reach the registry.
//   - ABORTED (OUTCOME_UNKNOWN): the connection broke; the container may or may not exist, or run.
func (h *Host) RunContainer(ctx context.Context, request *dockfleetv1.RunContainerRequest) iter.Seq2[*dockfleetv1.RunContainerResponse, error] {
	return stream(ctx, h.fleet.stubs.containers.RunContainer, bound(h, request))
}

// InspectContainer returns everything that the engine knows about a container.
func (h *Host) InspectContainer(ctx context.Context, request *dockfleetv1.InspectContainerRequest) (*dockfleetv1.InspectContainerResponse, error) {
	return unary(ctx, h.fleet.stubs.containers.InspectContainer, bound(h, request))
}

// TopContainer lists the processes of a container, as `ps` on the host shows them.
//
// Windows hosts return other columns and do not accept `ps_args`.
//
// Errors:
//
//   - FAILED_PRECONDITION (CONFLICT): the container is not running.
//   - INVALID_ARGUMENT (INVALID_REQUEST): `ps` refuses `ps_args`, or they leave out the ids of the processes.
func (h *Host) TopContainer(ctx context.Context, request *dockfleetv1.TopContainerRequest) (*dockfleetv1.TopContainerResponse, error) {
	return unary(ctx, h.fleet.stubs.containers.TopContainer, bound(h, request))
}

// StreamLogs streams what a container has written, and with `follow` what it writes from then on.
//
// Lines come in batches, in the engine's order.  A call that ends with OK has an `end` as its last response; it says
// why the log ended.  All entries that the engine had come before it: without `follow` up to now, with `follow` up to
// the end of the container.
//
// When the connection to the host breaks, the gateway reconnects, and the stream continues at the same line.  When
// this fails for a minute (the gateway's `limits.reconnect_timeout_seconds`), the call ends.  A new call with the token of the
// last response continues there, at this gateway or at another.  A `gap` says that the engine itself has lost
// entries, or has left them out.  It can come a little late; its times say where the entries are missing.
//
// Subscribers of the same log share one connection to the host.  A subscriber that reads more slowly than the others
// gets a connection of its own and the whole log, at its own pace.  The container never waits.
//
// Errors:
//
//   - UNAVAILABLE (HOST_UNREACHABLE): the host cannot be reached, or could not be reached for a minute.
//   - UNAVAILABLE (CONNECTION_LOST): the connection to the host broke, and broke again for a minute.
//   - FAILED_PRECONDITION (NOT_SUPPORTED): the container's log driver cannot be read, such as `none`.
//   - INVALID_ARGUMENT (BAD_RESUME_TOKEN): the token is malformed.
func (h *Host) StreamLogs(ctx context.Context, request *dockfleetv1.StreamLogsRequest) iter.Seq2[*dockfleetv1.StreamLogsResponse, error] {
	return resuming[dockfleetv1.StreamLogsRequest, dockfleetv1.StreamLogsResponse](ctx, h.fleet.retry, h.fleet.stubs.containers.StreamLogs, bound(h, request))
}

// GetContainerChanges lists the files that were added, changed or deleted in a container since it was created from its image.
func (h *Host) GetContainerChanges(ctx context.Context, request *dockfleetv1.GetContainerChangesRequest) (*dockfleetv1.GetContainerChangesResponse, error) {
	return unary(ctx, h.fleet.stubs.containers.GetContainerChanges, bound(h, request))
}

// ExportContainer returns a container's whole file system, without its volumes, as a tar archive.
//
// The container may run during the call; the archive is then not a snapshot of one instant.  A call that ends with OK
// has returned the whole archive.
//
// Errors:
//
//   - UNAVAILABLE (CONNECTION_LOST): the connection to the host broke.
//   - DATA_LOSS (BAD_ENGINE_RESPONSE): the engine's answer is cut off or malformed.
func (h *Host) ExportContainer(ctx context.Context, request *dockfleetv1.ExportContainerRequest) io.ReadCloser {
	return download(ctx, h.fleet.stubs.containers.ExportContainer, bound(h, request))
}

// StreamStats streams how much CPU, memory, network and disk a container uses: about one sample per second.
//
// A sample holds the engine's counters, and a summary of them with the numbers that `docker stats` shows.
// Subscribers of the same container share one stream of samples.  Each gets the newest sample.
//
// For a container that is not running there is one `not_running`.  The samples begin when it starts, and again after
// every restart: the stream covers all runs of the container.  For the same reason the call ends with OK when the
// container is removed: no sample was missed.  With `stream` false the call ends after one response.
//
// Errors:
//
//   - NOT_FOUND: there is no such container when the call begins.
//   - UNAVAILABLE (HOST_UNREACHABLE): the host cannot be reached, or could not be reached for a minute.
//   - UNAVAILABLE (CONNECTION_LOST): the connection to the host broke, and broke again for a minute.
func (h *Host) StreamStats(ctx context.Context, request *dockfleetv1.StreamStatsRequest) iter.Seq2[*dockfleetv1.StreamStatsResponse, error] {
	return resuming[dockfleetv1.StreamStatsRequest, dockfleetv1.StreamStatsResponse](ctx, h.fleet.retry, h.fleet.stubs.containers.StreamStats, bound(h, request))
}

// ResizeContainer sets the size of a container's terminal.  Harmless to repeat.  Within AttachContainer, send `resize` instead.
//
// Errors:
//
//   - FAILED_PRECONDITION (CONFLICT): the container is not running.
func (h *Host) ResizeContainer(ctx context.Context, request *dockfleetv1.ResizeContainerRequest) (*dockfleetv1.ResizeContainerResponse, error) {
	return unary(ctx, h.fleet.stubs.containers.ResizeContainer, bound(h, request))
}

// StartContainer starts a container.  A container that runs already stays as it is, and the response says so in `already`.
//
// Errors:
//
//   - FAILED_PRECONDITION (START_FAILED): the process could not be started, or something that the container needs is
//     missing or taken: a user, a device, a network, a port, a log server.
//   - FAILED_PRECONDITION (CONFLICT): the container is paused, or one whose network it shares is not running.
func (h *Host) StartContainer(ctx context.Context, request *dockfleetv1.StartContainerRequest) (*dockfleetv1.StartContainerResponse, error) {
	return unary(ctx, h.fleet.stubs.containers.StartContainer, bound(h, request))
}

// StopContainer stops a container: asks its process to end, and kills it if it has not ended within the timeout.  A container that
// is stopped already stays as it is, and the response says so in `already`.
//
// The call returns when the container has stopped, so it may take as long as the timeout.
func (h *Host) StopContainer(ctx context.Context, request *dockfleetv1.StopContainerRequest) (*dockfleetv1.StopContainerResponse, error) {
	return unary(ctx, h.fleet.stubs.containers.StopContainer, bound(h, request))
}

// RestartContainer stops a container as StopContainer does, if it runs, and starts it.  Each call restarts it again.
//
// Errors:
//
//   - FAILED_PRECONDITION (START_FAILED): the process could not be started again.
func (h *Host) RestartContainer(ctx context.Context, request *dockfleetv1.RestartContainerRequest) (*dockfleetv1.RestartContainerResponse, error) {
	return unary(ctx, h.fleet.stubs.containers.RestartContainer, bound(h, request))
}

// KillContainer sends a signal to a container's main process.  Each call sends the signal again.
//
// With SIGKILL the call returns when the container has ended, with any other signal at once.
//
// Errors:
//
//   - FAILED_PRECONDITION (CONFLICT): the container is not running.
//   - INVALID_ARGUMENT (INVALID_REQUEST): there is no such signal.
func (h *Host) KillContainer(ctx context.Context, request *dockfleetv1.KillContainerRequest) (*dockfleetv1.KillContainerResponse, error) {
	return unary(ctx, h.fleet.stubs.containers.KillContainer, bound(h, request))
}

// UpdateContainer changes the limits and the restart policy of a container, running or not.  What is absent stays as it is.  Harmless
// to repeat.
//
// Errors:
//
//   - INVALID_ARGUMENT (INVALID_REQUEST): the engine refuses a value.
//   - FAILED_PRECONDITION (CONFLICT): a value contradicts the container's settings, such as a restart policy together
//     with `auto_remove`, or its state, such as less memory than it uses.
func (h *Host) UpdateContainer(ctx context.Context, request *dockfleetv1.UpdateContainerRequest) (*dockfleetv1.UpdateContainerResponse, error) {
	return unary(ctx, h.fleet.stubs.containers.UpdateContainer, bound(h, request))
}

// RenameContainer changes the name of a container.
//
// Errors:
//
//   - ALREADY_EXISTS (NAME_IN_USE): another container has the name.
//   - INVALID_ARGUMENT (INVALID_REQUEST): the container has the name already.
func (h *Host) RenameContainer(ctx context.Context, request *dockfleetv1.RenameContainerRequest) (*dockfleetv1.RenameContainerResponse, error) {
	return unary(ctx, h.fleet.stubs.containers.RenameContainer, bound(h, request))
}

// PauseContainer suspends all processes of a container.  The processes do not notice it.
//
// Errors:
//
//   - FAILED_PRECONDITION (CONFLICT): the container is not running, or is paused already.
func (h *Host) PauseContainer(ctx context.Context, request *dockfleetv1.PauseContainerRequest) (*dockfleetv1.PauseContainerResponse, error) {
	return unary(ctx, h.fleet.stubs.containers.PauseContainer, bound(h, request))
}

// UnpauseContainer resumes all processes of a paused container.
//
// Errors:
//
//   - FAILED_PRECONDITION (CONFLICT): the container is not paused.
func (h *Host) UnpauseContainer(ctx context.Context, request *dockfleetv1.UnpauseContainerRequest) (*dockfleetv1.UnpauseContainerResponse, error) {
	return unary(ctx, h.fleet.stubs.containers.UnpauseContainer, bound(h, request))
}

// AttachContainer connects to the input and output of a container's main process.
//
// The first request is `start`.  After it come `stdin`, `resize` and at most one `close_stdin`, in any order.  The
// end of the requests counts as `close_stdin`.  The responses are one `started`, any number of `output`, and one
// `end` as the last.  Several clients may be attached at the same time.  A client may attach to a container before it
// is started.
//
// Cancelling the call ends the session and not the container.  When the connection to the host breaks, there is no
// `end`.
//
// Errors:
//
//   - UNAVAILABLE (CONNECTION_LOST): the connection to the host broke before the session began, or at its end.
//   - ABORTED (OUTCOME_UNKNOWN): the connection to the host broke during the session; input may or may not have
//     arrived.
//   - FAILED_PRECONDITION (CONFLICT): the container is paused or restarting.
//   - INVALID_ARGUMENT (INVALID_FIELD): `slow_reader` is SLOW_READER_WAIT.
func (h *Host) AttachContainer(ctx context.Context, start *dockfleetv1.AttachContainerStart) (*Session, error) {
	return session[dockfleetv1.AttachContainerRequest, dockfleetv1.AttachContainerResponse](ctx, h.fleet.stubs.containers.AttachContainer, bound(h, start))
}

// WaitContainer waits until a container has stopped, or until what `condition` names, and returns its exit code.
//
// It waits as long as the call's deadline allows.
//
// Errors:
//
//   - INVALID_ARGUMENT (INVALID_REQUEST): the condition is unknown.  Old engines, such as 20.10, ignore it.
func (h *Host) WaitContainer(ctx context.Context, request *dockfleetv1.WaitContainerRequest) (*dockfleetv1.WaitContainerResponse, error) {
	return unary(ctx, h.fleet.stubs.containers.WaitContainer, bound(h, request))
}

// RemoveContainer removes a container and everything that it has written outside its volumes.
//
// Errors:
//
//   - FAILED_PRECONDITION (CONFLICT): the container is running, and `force` is not set, or `link` is set for the
//     container's own name.
//   - ABORTED (BEING_CHANGED): the container is being removed already.
func (h *Host) RemoveContainer(ctx context.Context, request *dockfleetv1.RemoveContainerRequest) (*dockfleetv1.RemoveContainerResponse, error) {
	return unary(ctx, h.fleet.stubs.containers.RemoveContainer, bound(h, request))
}

// StatContainerArchive returns name, size, mode and time of a path in a container's file system.
//
// Errors:
//
//   - NOT_FOUND: there is no such container, or nothing at the path.
func (h *Host) StatContainerArchive(ctx context.Context, request *dockfleetv1.StatContainerArchiveRequest) (*dockfleetv1.StatContainerArchiveResponse, error) {
	return unary(ctx, h.fleet.stubs.containers.StatContainerArchive, bound(h, request))
}

// GetContainerArchive returns a file or a directory of a container, running or not, as a tar archive.
//
// The first response says what the path is; the others hold the archive.  A call that ends with OK has returned the
// whole archive.
//
// Errors:
//
//   - NOT_FOUND: there is no such container, or nothing at the path.
//   - UNAVAILABLE (CONNECTION_LOST): the connection to the host broke.
//   - DATA_LOSS (BAD_ENGINE_RESPONSE): the engine's answer is cut off or malformed.
func (h *Host) GetContainerArchive(ctx context.Context, request *dockfleetv1.GetContainerArchiveRequest) io.ReadCloser {
	return download(ctx, h.fleet.stubs.containers.GetContainerArchive, bound(h, request))
}

// PutContainerArchive unpacks a tar archive into a directory of a container, running or not.
//
// The first request is `start`; the archive follows as `data`.  A compressed one is refused: an engine may decompress
// it with a program of the container, as root on the host.  An upload that breaks off may leave incomplete files.
//
// Errors:
//
//   - NOT_FOUND: there is no such container, or no such path.
//   - INVALID_ARGUMENT (INVALID_REQUEST): the path is not a directory, or the archive is not readable.
//   - FAILED_PRECONDITION (CONFLICT): `no_overwrite_dir_non_dir` is set, and a file would replace a directory, or a
//     directory a file.
//   - PERMISSION_DENIED (CONFLICT): the container's file system, or the volume, is read-only.
func (h *Host) PutContainerArchive(ctx context.Context, start *dockfleetv1.PutContainerArchiveStart, data io.Reader) (*dockfleetv1.PutContainerArchiveResponse, error) {
	return upload[dockfleetv1.PutContainerArchiveRequest, dockfleetv1.PutContainerArchiveResponse](ctx, h.fleet.stubs.containers.PutContainerArchive, bound(h, start), data)
}

// PruneContainers removes all stopped containers that fit the filters; without filters, all stopped containers.  Harmless to repeat.
//
// Errors:
//
//   - INVALID_ARGUMENT (INVALID_REQUEST): the engine does not know a filter, or a value does not fit its filter.
//   - ABORTED (BEING_CHANGED): another prune of containers is running on the host.
func (h *Host) PruneContainers(ctx context.Context, request *dockfleetv1.PruneContainersRequest) (*dockfleetv1.PruneContainersResponse, error) {
	return unary(ctx, h.fleet.stubs.containers.PruneContainers, bound(h, request))
}

// InspectDistribution looks up an image in its registry, without a pull.
//
// The host asks the registry with every call.  If a mirror is configured, it asks the mirror first.  The host stores
// nothing.  Harmless to repeat, but a registry may count it against its limits.
//
// Errors:
//
//   - NOT_FOUND: the registry has no such image.
//   - FAILED_PRECONDITION (REGISTRY_AUTH): the registry refused the credentials, or requires some.  Many answer so for
//     an image that they do not have.
//   - INVALID_ARGUMENT (INVALID_FIELD): the name is not a reference.
//   - INVALID_ARGUMENT (INVALID_REQUEST): the name is the id of an image.
//   - RESOURCE_EXHAUSTED (REGISTRY_LIMIT): the rate limit of the registry is reached.
//   - UNAVAILABLE (REGISTRY_UNREACHABLE): the host cannot reach the registry.
func (h *Host) InspectDistribution(ctx context.Context, request *dockfleetv1.InspectDistributionRequest) (*dockfleetv1.InspectDistributionResponse, error) {
	return unary(ctx, h.fleet.stubs.distribution.InspectDistribution, bound(h, request))
}

// Exec runs a command in a container and returns its output and exit code.
//
// The first request is `start`.  After it come `stdin`, `resize` and at most one `close_stdin`, in any order.  The
// end of the requests counts as `close_stdin`.  The responses are one `started`, any number of `output`, and one
// `end` as the last.  A command that fails does not fail the call: its exit code is in `end`.  Each call runs the
// command again.
//
// When the call is cancelled, loses its connection or fails before the process has ended, `on_disconnect` decides
// what happens to the process.
//
// When the client does not read and the buffers are full, the process waits, as it does for a full pipe.  It waits at
// most a minute (the gateway's `limits.stall_seconds`), unless `slow_reader` says otherwise.
//
// Errors:
//
//   - NOT_FOUND: there is no such container.
//   - FAILED_PRECONDITION (CONFLICT): the container is stopped or paused.
//   - FAILED_PRECONDITION (AMBIGUOUS_ID): the prefix fits several containers.
//   - FAILED_PRECONDITION (EXEC_START_FAILED): the command could not be started.
//   - INVALID_ARGUMENT (INVALID_REQUEST): there is no command.
//   - ABORTED (OUTCOME_UNKNOWN): the connection broke; the process may or may not be running.
//   - RESOURCE_EXHAUSTED (SLOW_READER): the client read nothing for too long.
func (h *Host) Exec(ctx context.Context, start *dockfleetv1.ExecStart) (*Session, error) {
	return session[dockfleetv1.ExecRequest, dockfleetv1.ExecResponse](ctx, h.fleet.stubs.exec.Exec, bound(h, start))
}

// CreateExec creates an exec, which StartExec starts.  Nothing runs yet.  Each call creates another exec.
//
// Errors:
//
//   - NOT_FOUND: there is no such container.
//   - FAILED_PRECONDITION (CONFLICT): the container is stopped or paused.
//   - FAILED_PRECONDITION (AMBIGUOUS_ID): the prefix fits several containers.
//   - INVALID_ARGUMENT (INVALID_REQUEST): there is no command, or `detach_keys` is malformed.
func (h *Host) CreateExec(ctx context.Context, request *dockfleetv1.CreateExecRequest) (*dockfleetv1.CreateExecResponse, error) {
	return unary(ctx, h.fleet.stubs.exec.CreateExec, bound(h, request))
}

// StartExec starts an exec that CreateExec has created, and connects to it.  Works once for each exec.
//
// The requests and responses are those of `Exec`.  With `detach` the only response is `started`.  The call then ends
// and the process continues to run; InspectExec returns its exit code.
//
// Errors:
//
//   - NOT_FOUND: there is no such exec, or its container is stopped.
//   - FAILED_PRECONDITION (CONFLICT): the exec was started before, or its container is paused.
//   - FAILED_PRECONDITION (EXEC_START_FAILED): the command could not be started.
func (h *Host) StartExec(ctx context.Context, start *dockfleetv1.StartExecStart) (*Session, error) {
	return session[dockfleetv1.StartExecRequest, dockfleetv1.StartExecResponse](ctx, h.fleet.stubs.exec.StartExec, bound(h, start))
}

// ResizeExec sets the size of the terminal of a running exec.  Harmless to repeat.  Within a session, send `resize` instead.
//
// Errors:
//
//   - NOT_FOUND: there is no such exec, or its process has ended.
//   - FAILED_PRECONDITION (CONFLICT): the exec has not been started.
func (h *Host) ResizeExec(ctx context.Context, request *dockfleetv1.ResizeExecRequest) (*dockfleetv1.ResizeExecResponse, error) {
	return unary(ctx, h.fleet.stubs.exec.ResizeExec, bound(h, request))
}

// InspectExec returns the state of an exec, and its exit code when it has ended.
//
// Errors:
//
//   - NOT_FOUND: there is no such exec, or the engine has removed it already.
func (h *Host) InspectExec(ctx context.Context, request *dockfleetv1.InspectExecRequest) (*dockfleetv1.InspectExecResponse, error) {
	return unary(ctx, h.fleet.stubs.exec.InspectExec, bound(h, request))
}

// ListImages lists the images on a host.
//
// One response holds all images: there are no pages.
//
// Errors:
//
//   - INVALID_ARGUMENT (INVALID_FIELD): a filter is unknown, or a value does not fit its filter.
//   - NOT_FOUND: the image that the filter `before` or `since` names does not exist.
func (h *Host) ListImages(ctx context.Context, request *dockfleetv1.ListImagesRequest) (*dockfleetv1.ListImagesResponse, error) {
	return unary(ctx, h.fleet.stubs.images.ListImages, bound(h, request))
}

// BuildImage builds an image from a Dockerfile and the files around it.  Each call builds again, but takes steps that have not
// changed from the cache.
//
// The first request is `start`.  After it come requests with `data`, which together are a tar of the build context:
// plain, or compressed with gzip, bzip2 or xz.  The id of the image comes in `progress.result.id`.
//
// Errors:
//
//   - INVALID_ARGUMENT (INVALID_REQUEST): a parameter, the Dockerfile or the tar is malformed, or there is no
//     Dockerfile.
//   - RESOURCE_EXHAUSTED (HOST_DISK_FULL): the disk of the host is full.
//   - FAILED_PRECONDITION (OPERATION_FAILED): a step failed, or the base image could not be pulled.
func (h *Host) BuildImage(ctx context.Context, start *dockfleetv1.BuildImageStart, data io.Reader) iter.Seq2[*dockfleetv1.BuildImageResponse, error] {
	return uploadStream[dockfleetv1.BuildImageRequest, dockfleetv1.BuildImageResponse](ctx, h.fleet.stubs.images.BuildImage, bound(h, start), data)
}

// PruneBuildCache removes cached results of builds.  Images stay.  Later builds take longer.  Harmless to repeat.
//
// Errors:
//
//   - INVALID_ARGUMENT (INVALID_REQUEST): the engine does not know a filter, or a value does not fit its filter.
func (h *Host) PruneBuildCache(ctx context.Context, request *dockfleetv1.PruneBuildCacheRequest) (*dockfleetv1.PruneBuildCacheResponse, error) {
	return unary(ctx, h.fleet.stubs.images.PruneBuildCache, bound(h, request))
}

// PullImage pulls an image from a registry.  Harmless to repeat: layers that are on the host are not downloaded again.
//
// A reference that has neither a tag nor a digest pulls all tags of the repository.
//
// Errors:
//
//   - NOT_FOUND: the registry has no such image.
//   - NOT_FOUND (REGISTRY_AUTH): the registry has no such repository, or does not show it without credentials.
//   - FAILED_PRECONDITION (REGISTRY_AUTH): the registry refused the credentials, or requires some.
//   - UNAVAILABLE (REGISTRY_UNREACHABLE): the host cannot reach the registry.
//   - RESOURCE_EXHAUSTED (REGISTRY_LIMIT): the rate limit of the registry is reached.
//   - RESOURCE_EXHAUSTED (HOST_DISK_FULL): the disk of the host is full.
func (h *Host) PullImage(ctx context.Context, request *dockfleetv1.PullImageRequest) iter.Seq2[*dockfleetv1.PullImageResponse, error] {
	return stream(ctx, h.fleet.stubs.images.PullImage, bound(h, request))
}

// ImportImage creates an image of one layer from the tar of a file system, such as ExportContainer returns.  Each call creates a
// new image.
//
// The first request is `start`.  After it come requests with `data`, which together are the tar, plain or compressed.
// The `status` of the last response's `progress` is the id of the image.
//
// Errors:
//
//   - INVALID_ARGUMENT (INVALID_REQUEST): a parameter, an instruction or the tar is malformed.
//   - RESOURCE_EXHAUSTED (HOST_DISK_FULL): the disk of the host is full.
//   - FAILED_PRECONDITION (OPERATION_FAILED): the host cannot download the tar, or cannot unpack it.
func (h *Host) ImportImage(ctx context.Context, start *dockfleetv1.ImportImageStart, data io.Reader) iter.Seq2[*dockfleetv1.ImportImageResponse, error] {
	return uploadStream[dockfleetv1.ImportImageRequest, dockfleetv1.ImportImageResponse](ctx, h.fleet.stubs.images.ImportImage, bound(h, start), data)
}

// InspectImage returns everything that a host knows about an image.
//
// Errors:
//
//   - NOT_FOUND: there is no such image, or not for the requested platform.
//   - INVALID_ARGUMENT (INVALID_REQUEST): both `manifests` and `platform` are set.
func (h *Host) InspectImage(ctx context.Context, request *dockfleetv1.InspectImageRequest) (*dockfleetv1.InspectImageResponse, error) {
	return unary(ctx, h.fleet.stubs.images.InspectImage, bound(h, request))
}

// ListImageAttestations lists the attestations of an image, such as its provenance and its bill of materials.  The list is empty when there
// are none.
//
// Errors:
//
//   - NOT_FOUND: there is no such image, or not for the requested platform.
//   - INVALID_ARGUMENT (INVALID_REQUEST): the request has more than one platform.
//   - UNIMPLEMENTED (NOT_SUPPORTED): the image store of the host does not keep attestations.  The containerd store
//     does.
func (h *Host) ListImageAttestations(ctx context.Context, request *dockfleetv1.ListImageAttestationsRequest) (*dockfleetv1.ListImageAttestationsResponse, error) {
	return unary(ctx, h.fleet.stubs.images.ListImageAttestations, bound(h, request))
}

// GetImageHistory returns the steps that created an image, the latest first.
//
// Errors:
//
//   - NOT_FOUND: there is no such image, or not for the requested platform.
func (h *Host) GetImageHistory(ctx context.Context, request *dockfleetv1.GetImageHistoryRequest) (*dockfleetv1.GetImageHistoryResponse, error) {
	return unary(ctx, h.fleet.stubs.images.GetImageHistory, bound(h, request))
}

// PushImage pushes an image to the registry that its name begins with; without one, to Docker Hub.  Harmless to repeat: layers
// that the registry has are not sent again.
//
// The image must have a name for that registry: see TagImage.
//
// Errors:
//
//   - NOT_FOUND: there is no such image.
//   - FAILED_PRECONDITION (REGISTRY_AUTH): the registry refused the credentials, requires some, or does not allow the
//     push.
//   - UNAVAILABLE (REGISTRY_UNREACHABLE): the host cannot reach the registry.
//   - RESOURCE_EXHAUSTED (REGISTRY_LIMIT): the rate limit of the registry is reached.
func (h *Host) PushImage(ctx context.Context, request *dockfleetv1.PushImageRequest) iter.Seq2[*dockfleetv1.PushImageResponse, error] {
	return stream(ctx, h.fleet.stubs.images.PushImage, bound(h, request))
}

// TagImage adds a name to an image.  Harmless to repeat.  If another image has the name, that image loses it.
//
// Errors:
//
//   - NOT_FOUND: there is no such image.
//   - INVALID_ARGUMENT (INVALID_FIELD): the new name is missing or malformed.
//   - INVALID_ARGUMENT (INVALID_REQUEST): the new name could be taken for an id or a digest.
func (h *Host) TagImage(ctx context.Context, request *dockfleetv1.TagImageRequest) (*dockfleetv1.TagImageResponse, error) {
	return unary(ctx, h.fleet.stubs.images.TagImage, bound(h, request))
}

// RemoveImage removes a name from an image.  Together with its last name it removes the image, and those of its parents that have
// no name.  When the request has an id, it removes the image itself.  A repetition fails, because there is nothing to
// remove any more.
//
// Errors:
//
//   - NOT_FOUND: there is no such image.
//   - FAILED_PRECONDITION (CONFLICT): a container uses the image, another image is built on it, or the request has an
//     id and the image has names in several repositories.  `force` overrides some of this.
func (h *Host) RemoveImage(ctx context.Context, request *dockfleetv1.RemoveImageRequest) (*dockfleetv1.RemoveImageResponse, error) {
	return unary(ctx, h.fleet.stubs.images.RemoveImage, bound(h, request))
}

// SearchImages searches Docker Hub for images, from the host.
//
// Errors:
//
//   - INVALID_ARGUMENT (INVALID_REQUEST): the engine does not know a filter, or the limit is out of range.
//   - UNAVAILABLE (REGISTRY_UNREACHABLE): the host cannot reach Docker Hub.
func (h *Host) SearchImages(ctx context.Context, request *dockfleetv1.SearchImagesRequest) (*dockfleetv1.SearchImagesResponse, error) {
	return unary(ctx, h.fleet.stubs.images.SearchImages, bound(h, request))
}

// PruneImages removes images that no container uses.  Unless filters say otherwise, it removes only images without a name.
// Harmless to repeat.
//
// Errors:
//
//   - INVALID_ARGUMENT (INVALID_REQUEST): the engine does not know a filter, or a value does not fit its filter.
//   - ABORTED (BEING_CHANGED): another prune of images is running on the host.
func (h *Host) PruneImages(ctx context.Context, request *dockfleetv1.PruneImagesRequest) (*dockfleetv1.PruneImagesResponse, error) {
	return unary(ctx, h.fleet.stubs.images.PruneImages, bound(h, request))
}

// CommitContainer creates an image from the present state of a container, without its volumes.  Each call creates a new image.
//
// Errors:
//
//   - NOT_FOUND: there is no such container.
//   - FAILED_PRECONDITION (AMBIGUOUS_ID): the prefix fits several containers.
//   - INVALID_ARGUMENT (INVALID_FIELD): the name of the image is malformed.
//   - INVALID_ARGUMENT (INVALID_REQUEST): an instruction is malformed.
func (h *Host) CommitContainer(ctx context.Context, request *dockfleetv1.CommitContainerRequest) (*dockfleetv1.CommitContainerResponse, error) {
	return unary(ctx, h.fleet.stubs.images.CommitContainer, bound(h, request))
}

// SaveImage returns an image with its layers, as a tar that LoadImages accepts.
//
// A repository without a tag means all its tags on the host.  With an id, the tar holds the image without names.  The
// tar is an OCI image layout or the older layout of `docker save`; the engine decides.
//
// Errors:
//
//   - NOT_FOUND: there is no such image.
func (h *Host) SaveImage(ctx context.Context, request *dockfleetv1.SaveImageRequest) io.ReadCloser {
	return download(ctx, h.fleet.stubs.images.SaveImage, bound(h, request))
}

// SaveImages returns several images in one tar.  Layers that they share are in it only once.  Otherwise it works like SaveImage.
//
// Errors:
//
//   - NOT_FOUND: one of the images does not exist.
func (h *Host) SaveImages(ctx context.Context, request *dockfleetv1.SaveImagesRequest) io.ReadCloser {
	return download(ctx, h.fleet.stubs.images.SaveImages, bound(h, request))
}

// LoadImages loads the images of a tar, with their names, as SaveImage and SaveImages return it.  Loading the same tar again
// changes nothing.
//
// The first request is `start`.  After it come requests with `data`, which together are the tar, plain or compressed
// with gzip, bzip2 or xz.  If another image has one of the names, that image loses it.
//
// Errors:
//
//   - RESOURCE_EXHAUSTED (HOST_DISK_FULL): the disk of the host is full.
//   - INVALID_ARGUMENT (INVALID_REQUEST): the tar is malformed.
//   - FAILED_PRECONDITION (OPERATION_FAILED): the tar holds no images, or the host cannot unpack it.
func (h *Host) LoadImages(ctx context.Context, start *dockfleetv1.LoadImagesStart, data io.Reader) iter.Seq2[*dockfleetv1.LoadImagesResponse, error] {
	return uploadStream[dockfleetv1.LoadImagesRequest, dockfleetv1.LoadImagesResponse](ctx, h.fleet.stubs.images.LoadImages, bound(h, start), data)
}

// ListNetworks lists networks; without filters, all of them.
//
// The response has neither what is connected to the networks (`containers`, `services`) nor their `status`:
// InspectNetwork returns these.
//
// Errors:
//
//   - INVALID_ARGUMENT (INVALID_FIELD): a filter is unknown, or a value does not fit its filter.
func (h *Host) ListNetworks(ctx context.Context, request *dockfleetv1.ListNetworksRequest) (*dockfleetv1.ListNetworksResponse, error) {
	return unary(ctx, h.fleet.stubs.networks.ListNetworks, bound(h, request))
}

// InspectNetwork returns a network with the containers that are connected to it.
//
// Errors:
//
//   - NOT_FOUND: there is no such network, or not in the requested scope.
func (h *Host) InspectNetwork(ctx context.Context, request *dockfleetv1.InspectNetworkRequest) (*dockfleetv1.InspectNetworkResponse, error) {
	return unary(ctx, h.fleet.stubs.networks.InspectNetwork, bound(h, request))
}

// RemoveNetwork removes a network.  A repetition fails, because the network does not exist any more.
//
// Stopped containers do not prevent the removal.  They cannot be started again without the network.
//
// Errors:
//
//   - NOT_FOUND: there is no such network.
//   - FAILED_PRECONDITION (CONFLICT): a running container or a service uses the network, or it is one of the host's
//     own networks.
func (h *Host) RemoveNetwork(ctx context.Context, request *dockfleetv1.RemoveNetworkRequest) (*dockfleetv1.RemoveNetworkResponse, error) {
	return unary(ctx, h.fleet.stubs.networks.RemoveNetwork, bound(h, request))
}

// CreateNetwork creates a network.
//
// Engines before API 1.44 check for a taken name only with `check_duplicate`.  Without it, a repetition of the call
// creates a second network of the same name.
//
// Errors:
//
//   - ALREADY_EXISTS (NAME_IN_USE): another network has the name.
//   - INVALID_ARGUMENT (INVALID_REQUEST): the settings contradict each other, or an address is malformed.
//   - NOT_FOUND: there is no such driver.
//   - FAILED_PRECONDITION (CONFLICT): the name is that of one of the host's own networks, the subnet overlaps with
//     another, or the driver has all the networks that it can have.
//   - FAILED_PRECONDITION (NOT_SWARM_MANAGER): the driver is `overlay` and the host is not a manager of a swarm.
func (h *Host) CreateNetwork(ctx context.Context, request *dockfleetv1.CreateNetworkRequest) (*dockfleetv1.CreateNetworkResponse, error) {
	return unary(ctx, h.fleet.stubs.networks.CreateNetwork, bound(h, request))
}

// ConnectNetwork connects a container, running or not, to a network.  A running container gets its address at once, a stopped one
// when it starts.
//
// The network must be local to the host, or a swarm's network that is `attachable`.
//
// Errors:
//
//   - NOT_FOUND: there is no such network or container.
//   - INVALID_ARGUMENT (INVALID_REQUEST): the settings do not fit the network.
//   - FAILED_PRECONDITION (CONFLICT): the running container is connected to the network already, for example because
//     the call is repeated, or the network does not allow the connection.
func (h *Host) ConnectNetwork(ctx context.Context, request *dockfleetv1.ConnectNetworkRequest) (*dockfleetv1.ConnectNetworkResponse, error) {
	return unary(ctx, h.fleet.stubs.networks.ConnectNetwork, bound(h, request))
}

// DisconnectNetwork disconnects a container, running or not, from a network.  A repetition does no harm, but fails, because the
// container is not connected any more.
//
// Errors:
//
//   - NOT_FOUND: there is no such network or container.
//   - FAILED_PRECONDITION (CONFLICT): the container is not connected to the network.
//   - INVALID_ARGUMENT (INVALID_REQUEST): the network is `host`.
func (h *Host) DisconnectNetwork(ctx context.Context, request *dockfleetv1.DisconnectNetworkRequest) (*dockfleetv1.DisconnectNetworkResponse, error) {
	return unary(ctx, h.fleet.stubs.networks.DisconnectNetwork, bound(h, request))
}

// PruneNetworks removes all networks that no running container is connected to, except the host's own.  Harmless to repeat.
//
// A network that cannot be removed is skipped.  Stopped containers do not prevent the removal.  They cannot be
// started again without the network.
//
// Errors:
//
//   - INVALID_ARGUMENT (INVALID_REQUEST): the engine does not know a filter, or a value does not fit its filter.
func (h *Host) PruneNetworks(ctx context.Context, request *dockfleetv1.PruneNetworksRequest) (*dockfleetv1.PruneNetworksResponse, error) {
	return unary(ctx, h.fleet.stubs.networks.PruneNetworks, bound(h, request))
}

// CheckAuth tries credentials at a registry, from the host.
//
// Some registries return a token; the client then uses it in place of the password.  Neither the host nor the gateway
// stores the credentials.  Harmless to repeat, but a registry may count it against its limits.
//
// Errors:
//
//   - FAILED_PRECONDITION (REGISTRY_AUTH): the registry refused the credentials.
//   - UNAVAILABLE (REGISTRY_UNREACHABLE): the host cannot reach the registry.
func (h *Host) CheckAuth(ctx context.Context, request *dockfleetv1.CheckAuthRequest) (*dockfleetv1.CheckAuthResponse, error) {
	return unary(ctx, h.fleet.stubs.system.CheckAuth, bound(h, request))
}

// GetInfo returns the state and the settings of an engine and its machine.
func (h *Host) GetInfo(ctx context.Context, request *dockfleetv1.GetInfoRequest) (*dockfleetv1.GetInfoResponse, error) {
	return unary(ctx, h.fleet.stubs.system.GetInfo, bound(h, request))
}

// GetVersion returns the versions of an engine and its components.
func (h *Host) GetVersion(ctx context.Context, request *dockfleetv1.GetVersionRequest) (*dockfleetv1.GetVersionResponse, error) {
	return unary(ctx, h.fleet.stubs.system.GetVersion, bound(h, request))
}

// Ping checks whether an engine responds, with the least work.  HostService returns the same information without asking
// the host.
//
// Errors:
//
//   - UNAVAILABLE (HOST_UNREACHABLE): the host cannot be reached.
//   - DEADLINE_EXCEEDED (HOST_TIMEOUT): the engine does not respond in time.
func (h *Host) Ping(ctx context.Context, request *dockfleetv1.PingRequest) (*dockfleetv1.PingResponse, error) {
	return unary(ctx, h.fleet.stubs.system.Ping, bound(h, request))
}

// StreamEvents streams what happens to the objects of a host, as it happens.
//
// With `since`, past events come first: the engine keeps its last 256 events, and the gateway keeps up to 10,000
// while it is connected.  Then come new events, until the time in `until` or without limit.  After the headers of the
// call have come, no event is missed.
//
// Subscribers share one connection to the host.  When it breaks, the gateway reconnects and the stream continues at
// the same event.  A `gap` says that the engine itself has lost events.  After the gap come `synthetic` events: the
// differences between the containers, images, networks and volumes before and after.  A client that does not read for
// long also gets a gap, but no synthetic events: it must list the objects again.
//
// When the call ends because the host cannot be reached, a new call with the last `resume_token` continues there.
//
// Errors:
//
//   - INVALID_ARGUMENT (INVALID_FIELD): a filter or a time is malformed.
//   - INVALID_ARGUMENT (BAD_RESUME_TOKEN): the token is malformed.
//   - UNAVAILABLE (HOST_UNREACHABLE): the host cannot be reached, or could not be reached for a minute.
func (h *Host) StreamEvents(ctx context.Context, request *dockfleetv1.StreamEventsRequest) iter.Seq2[*dockfleetv1.StreamEventsResponse, error] {
	return resuming[dockfleetv1.StreamEventsRequest, dockfleetv1.StreamEventsResponse](ctx, h.fleet.retry, h.fleet.stubs.system.StreamEvents, bound(h, request))
}

// GetDataUsage returns how much disk space the images, containers, volumes and the build cache of a host use.
//
// It may take minutes, because the engine adds up file sizes.  An engine before API 1.42 may refuse a second call
// during the first.  The response has two layouts: see GetDataUsageResponse.
//
// Errors:
//
//   - ABORTED (BEING_CHANGED): another call is running on the host, whose engine refuses a second one.
func (h *Host) GetDataUsage(ctx context.Context, request *dockfleetv1.GetDataUsageRequest) (*dockfleetv1.GetDataUsageResponse, error) {
	return unary(ctx, h.fleet.stubs.system.GetDataUsage, bound(h, request))
}

// ListVolumes lists the volumes of a host; on managers of a swarm, from 1.42 on, also those of the cluster.
//
// One response holds all volumes: there are no pages.
//
// Errors:
//
//   - INVALID_ARGUMENT (INVALID_FIELD): a filter is unknown, or a value does not fit its filter.
func (h *Host) ListVolumes(ctx context.Context, request *dockfleetv1.ListVolumesRequest) (*dockfleetv1.ListVolumesResponse, error) {
	return unary(ctx, h.fleet.stubs.volumes.ListVolumes, bound(h, request))
}

// CreateVolume creates a volume.  Harmless to repeat with a name: if a volume of the same driver has the name, the response holds
// that volume, unchanged.  Without a name, each call creates another volume.
//
// Errors:
//
//   - ALREADY_EXISTS (NAME_IN_USE): a volume of another driver has the name.
//   - NOT_FOUND: there is no such driver.
//   - INVALID_ARGUMENT (INVALID_FIELD): the name is malformed.
//   - INVALID_ARGUMENT (INVALID_REQUEST): an option is malformed.
func (h *Host) CreateVolume(ctx context.Context, request *dockfleetv1.CreateVolumeRequest) (*dockfleetv1.CreateVolumeResponse, error) {
	return unary(ctx, h.fleet.stubs.volumes.CreateVolume, bound(h, request))
}

// InspectVolume returns a volume.
//
// Errors:
//
//   - NOT_FOUND: there is no such volume.
func (h *Host) InspectVolume(ctx context.Context, request *dockfleetv1.InspectVolumeRequest) (*dockfleetv1.InspectVolumeResponse, error) {
	return unary(ctx, h.fleet.stubs.volumes.InspectVolume, bound(h, request))
}

// UpdateVolume changes the availability of a cluster volume.  Everything else in its spec must stay the same.  A repetition fails:
// a change creates a new version, and the engine refuses the old one.
//
// Errors:
//
//   - NOT_FOUND: there is no such volume.
//   - FAILED_PRECONDITION (NOT_SWARM_MANAGER): the host is not a manager of a swarm.
//   - INVALID_ARGUMENT (INVALID_FIELD): the version is missing.
//   - INVALID_ARGUMENT (INVALID_REQUEST): the request changes something else.
func (h *Host) UpdateVolume(ctx context.Context, request *dockfleetv1.UpdateVolumeRequest) (*dockfleetv1.UpdateVolumeResponse, error) {
	return unary(ctx, h.fleet.stubs.volumes.UpdateVolume, bound(h, request))
}

// RemoveVolume removes a volume with its data.  A repetition fails, unless `force` is set, because the volume does not exist any
// more.
//
// Errors:
//
//   - NOT_FOUND: there is no such volume, or its driver is missing.
//   - FAILED_PRECONDITION (CONFLICT): a container uses it, running or not.
func (h *Host) RemoveVolume(ctx context.Context, request *dockfleetv1.RemoveVolumeRequest) (*dockfleetv1.RemoveVolumeResponse, error) {
	return unary(ctx, h.fleet.stubs.volumes.RemoveVolume, bound(h, request))
}

// PruneVolumes removes the local volumes that no container uses, with their data.  Harmless to repeat.
//
// From 1.42 on it removes only anonymous volumes, unless the filter `all` is set.  Hosts below 1.42 remove named
// volumes too.
//
// Errors:
//
//   - INVALID_ARGUMENT (INVALID_REQUEST): the engine does not know a filter, or a value does not fit its filter.
//   - ABORTED (BEING_CHANGED): another prune of volumes is running on the host.
func (h *Host) PruneVolumes(ctx context.Context, request *dockfleetv1.PruneVolumesRequest) (*dockfleetv1.PruneVolumesResponse, error) {
	return unary(ctx, h.fleet.stubs.volumes.PruneVolumes, bound(h, request))
}
