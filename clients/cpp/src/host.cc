// Generated from the contract by protos/generate_clients.py.

#include "dockfleet/host.h"

#include "calls.h"
#include "resuming.h"
#include "stubs.h"

namespace dockfleet {

v1::ListContainersResponse Host::ListContainers(const v1::ListContainersRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->container, &v1::ContainerService::Stub::ListContainers, internal::WithHost(request, name_), options);
}

v1::CreateContainerResponse Host::CreateContainer(const v1::CreateContainerRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->container, &v1::ContainerService::Stub::CreateContainer, internal::WithHost(request, name_), options);
}

Stream<v1::RunContainerResponse> Host::RunContainer(const v1::RunContainerRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->container, &v1::ContainerService::Stub::RunContainer, internal::WithHost(request, name_), options);
}

v1::InspectContainerResponse Host::InspectContainer(const v1::InspectContainerRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->container, &v1::ContainerService::Stub::InspectContainer, internal::WithHost(request, name_), options);
}

v1::TopContainerResponse Host::TopContainer(const v1::TopContainerRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->container, &v1::ContainerService::Stub::TopContainer, internal::WithHost(request, name_), options);
}

Stream<v1::StreamLogsResponse> Host::StreamLogs(const v1::StreamLogsRequest& request, const CallOptions& options) const {
  return internal::Resuming(streams_->container, &v1::ContainerService::Stub::StreamLogs, internal::WithHost(request, name_), retry_, options);
}

v1::GetContainerChangesResponse Host::GetContainerChanges(const v1::GetContainerChangesRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->container, &v1::ContainerService::Stub::GetContainerChanges, internal::WithHost(request, name_), options);
}

void Host::ExportContainer(const v1::ExportContainerRequest& request, std::ostream& out, const CallOptions& options) const {
  internal::Download(*streams_->container, &v1::ContainerService::Stub::ExportContainer, internal::WithHost(request, name_), out, options);
}

Stream<v1::StreamStatsResponse> Host::StreamStats(const v1::StreamStatsRequest& request, const CallOptions& options) const {
  return internal::Resuming(streams_->container, &v1::ContainerService::Stub::StreamStats, internal::WithHost(request, name_), retry_, options);
}

v1::ResizeContainerResponse Host::ResizeContainer(const v1::ResizeContainerRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->container, &v1::ContainerService::Stub::ResizeContainer, internal::WithHost(request, name_), options);
}

v1::StartContainerResponse Host::StartContainer(const v1::StartContainerRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->container, &v1::ContainerService::Stub::StartContainer, internal::WithHost(request, name_), options);
}

v1::StopContainerResponse Host::StopContainer(const v1::StopContainerRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->container, &v1::ContainerService::Stub::StopContainer, internal::WithHost(request, name_), options);
}

v1::RestartContainerResponse Host::RestartContainer(const v1::RestartContainerRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->container, &v1::ContainerService::Stub::RestartContainer, internal::WithHost(request, name_), options);
}

v1::KillContainerResponse Host::KillContainer(const v1::KillContainerRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->container, &v1::ContainerService::Stub::KillContainer, internal::WithHost(request, name_), options);
}

v1::UpdateContainerResponse Host::UpdateContainer(const v1::UpdateContainerRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->container, &v1::ContainerService::Stub::UpdateContainer, internal::WithHost(request, name_), options);
}

v1::RenameContainerResponse Host::RenameContainer(const v1::RenameContainerRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->container, &v1::ContainerService::Stub::RenameContainer, internal::WithHost(request, name_), options);
}

v1::PauseContainerResponse Host::PauseContainer(const v1::PauseContainerRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->container, &v1::ContainerService::Stub::PauseContainer, internal::WithHost(request, name_), options);
}

v1::UnpauseContainerResponse Host::UnpauseContainer(const v1::UnpauseContainerRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->container, &v1::ContainerService::Stub::UnpauseContainer, internal::WithHost(request, name_), options);
}

Session Host::AttachContainer(const v1::AttachContainerStart& start, const CallOptions& options) const {
  return internal::OpenSession(*streams_->container, &v1::ContainerService::Stub::AttachContainer, internal::WithHost(start, name_), options);
}

v1::WaitContainerResponse Host::WaitContainer(const v1::WaitContainerRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->container, &v1::ContainerService::Stub::WaitContainer, internal::WithHost(request, name_), options);
}

v1::RemoveContainerResponse Host::RemoveContainer(const v1::RemoveContainerRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->container, &v1::ContainerService::Stub::RemoveContainer, internal::WithHost(request, name_), options);
}

v1::StatContainerArchiveResponse Host::StatContainerArchive(const v1::StatContainerArchiveRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->container, &v1::ContainerService::Stub::StatContainerArchive, internal::WithHost(request, name_), options);
}

void Host::GetContainerArchive(const v1::GetContainerArchiveRequest& request, std::ostream& out, const CallOptions& options) const {
  internal::Download(*streams_->container, &v1::ContainerService::Stub::GetContainerArchive, internal::WithHost(request, name_), out, options);
}

v1::PutContainerArchiveResponse Host::PutContainerArchive(const v1::PutContainerArchiveStart& start, std::istream& data, const CallOptions& options) const {
  return internal::Upload(*streams_->container, &v1::ContainerService::Stub::PutContainerArchive, internal::WithHost(start, name_), data, options);
}

v1::PruneContainersResponse Host::PruneContainers(const v1::PruneContainersRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->container, &v1::ContainerService::Stub::PruneContainers, internal::WithHost(request, name_), options);
}

v1::InspectDistributionResponse Host::InspectDistribution(const v1::InspectDistributionRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->distribution, &v1::DistributionService::Stub::InspectDistribution, internal::WithHost(request, name_), options);
}

Session Host::Exec(const v1::ExecStart& start, const CallOptions& options) const {
  return internal::OpenSession(*streams_->exec, &v1::ExecService::Stub::Exec, internal::WithHost(start, name_), options);
}

v1::CreateExecResponse Host::CreateExec(const v1::CreateExecRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->exec, &v1::ExecService::Stub::CreateExec, internal::WithHost(request, name_), options);
}

Session Host::StartExec(const v1::StartExecStart& start, const CallOptions& options) const {
  return internal::OpenSession(*streams_->exec, &v1::ExecService::Stub::StartExec, internal::WithHost(start, name_), options);
}

v1::ResizeExecResponse Host::ResizeExec(const v1::ResizeExecRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->exec, &v1::ExecService::Stub::ResizeExec, internal::WithHost(request, name_), options);
}

v1::InspectExecResponse Host::InspectExec(const v1::InspectExecRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->exec, &v1::ExecService::Stub::InspectExec, internal::WithHost(request, name_), options);
}

v1::ListImagesResponse Host::ListImages(const v1::ListImagesRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->image, &v1::ImageService::Stub::ListImages, internal::WithHost(request, name_), options);
}

Stream<v1::BuildImageResponse> Host::BuildImage(const v1::BuildImageStart& start, std::istream& data, const CallOptions& options) const {
  return internal::UploadResponses(*streams_->image, &v1::ImageService::Stub::BuildImage, internal::WithHost(start, name_), data, options);
}

v1::PruneBuildCacheResponse Host::PruneBuildCache(const v1::PruneBuildCacheRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->image, &v1::ImageService::Stub::PruneBuildCache, internal::WithHost(request, name_), options);
}

Stream<v1::PullImageResponse> Host::PullImage(const v1::PullImageRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->image, &v1::ImageService::Stub::PullImage, internal::WithHost(request, name_), options);
}

Stream<v1::ImportImageResponse> Host::ImportImage(const v1::ImportImageStart& start, std::istream& data, const CallOptions& options) const {
  return internal::UploadResponses(*streams_->image, &v1::ImageService::Stub::ImportImage, internal::WithHost(start, name_), data, options);
}

v1::InspectImageResponse Host::InspectImage(const v1::InspectImageRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->image, &v1::ImageService::Stub::InspectImage, internal::WithHost(request, name_), options);
}

v1::ListImageAttestationsResponse Host::ListImageAttestations(const v1::ListImageAttestationsRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->image, &v1::ImageService::Stub::ListImageAttestations, internal::WithHost(request, name_), options);
}

v1::GetImageHistoryResponse Host::GetImageHistory(const v1::GetImageHistoryRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->image, &v1::ImageService::Stub::GetImageHistory, internal::WithHost(request, name_), options);
}

Stream<v1::PushImageResponse> Host::PushImage(const v1::PushImageRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->image, &v1::ImageService::Stub::PushImage, internal::WithHost(request, name_), options);
}

v1::TagImageResponse Host::TagImage(const v1::TagImageRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->image, &v1::ImageService::Stub::TagImage, internal::WithHost(request, name_), options);
}

v1::RemoveImageResponse Host::RemoveImage(const v1::RemoveImageRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->image, &v1::ImageService::Stub::RemoveImage, internal::WithHost(request, name_), options);
}

v1::SearchImagesResponse Host::SearchImages(const v1::SearchImagesRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->image, &v1::ImageService::Stub::SearchImages, internal::WithHost(request, name_), options);
}

v1::PruneImagesResponse Host::PruneImages(const v1::PruneImagesRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->image, &v1::ImageService::Stub::PruneImages, internal::WithHost(request, name_), options);
}

v1::CommitContainerResponse Host::CommitContainer(const v1::CommitContainerRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->image, &v1::ImageService::Stub::CommitContainer, internal::WithHost(request, name_), options);
}

void Host::SaveImage(const v1::SaveImageRequest& request, std::ostream& out, const CallOptions& options) const {
  internal::Download(*streams_->image, &v1::ImageService::Stub::SaveImage, internal::WithHost(request, name_), out, options);
}

void Host::SaveImages(const v1::SaveImagesRequest& request, std::ostream& out, const CallOptions& options) const {
  internal::Download(*streams_->image, &v1::ImageService::Stub::SaveImages, internal::WithHost(request, name_), out, options);
}

Stream<v1::LoadImagesResponse> Host::LoadImages(const v1::LoadImagesStart& start, std::istream& data, const CallOptions& options) const {
  return internal::UploadResponses(*streams_->image, &v1::ImageService::Stub::LoadImages, internal::WithHost(start, name_), data, options);
}

v1::ListNetworksResponse Host::ListNetworks(const v1::ListNetworksRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->network, &v1::NetworkService::Stub::ListNetworks, internal::WithHost(request, name_), options);
}

v1::InspectNetworkResponse Host::InspectNetwork(const v1::InspectNetworkRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->network, &v1::NetworkService::Stub::InspectNetwork, internal::WithHost(request, name_), options);
}

v1::RemoveNetworkResponse Host::RemoveNetwork(const v1::RemoveNetworkRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->network, &v1::NetworkService::Stub::RemoveNetwork, internal::WithHost(request, name_), options);
}

v1::CreateNetworkResponse Host::CreateNetwork(const v1::CreateNetworkRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->network, &v1::NetworkService::Stub::CreateNetwork, internal::WithHost(request, name_), options);
}

v1::ConnectNetworkResponse Host::ConnectNetwork(const v1::ConnectNetworkRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->network, &v1::NetworkService::Stub::ConnectNetwork, internal::WithHost(request, name_), options);
}

v1::DisconnectNetworkResponse Host::DisconnectNetwork(const v1::DisconnectNetworkRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->network, &v1::NetworkService::Stub::DisconnectNetwork, internal::WithHost(request, name_), options);
}

v1::PruneNetworksResponse Host::PruneNetworks(const v1::PruneNetworksRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->network, &v1::NetworkService::Stub::PruneNetworks, internal::WithHost(request, name_), options);
}

v1::CheckAuthResponse Host::CheckAuth(const v1::CheckAuthRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->system, &v1::SystemService::Stub::CheckAuth, internal::WithHost(request, name_), options);
}

v1::GetInfoResponse Host::GetInfo(const v1::GetInfoRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->system, &v1::SystemService::Stub::GetInfo, internal::WithHost(request, name_), options);
}

v1::GetVersionResponse Host::GetVersion(const v1::GetVersionRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->system, &v1::SystemService::Stub::GetVersion, internal::WithHost(request, name_), options);
}

v1::PingResponse Host::Ping(const v1::PingRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->system, &v1::SystemService::Stub::Ping, internal::WithHost(request, name_), options);
}

Stream<v1::StreamEventsResponse> Host::StreamEvents(const v1::StreamEventsRequest& request, const CallOptions& options) const {
  return internal::Resuming(streams_->system, &v1::SystemService::Stub::StreamEvents, internal::WithHost(request, name_), retry_, options);
}

v1::GetDataUsageResponse Host::GetDataUsage(const v1::GetDataUsageRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->system, &v1::SystemService::Stub::GetDataUsage, internal::WithHost(request, name_), options);
}

v1::ListVolumesResponse Host::ListVolumes(const v1::ListVolumesRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->volume, &v1::VolumeService::Stub::ListVolumes, internal::WithHost(request, name_), options);
}

v1::CreateVolumeResponse Host::CreateVolume(const v1::CreateVolumeRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->volume, &v1::VolumeService::Stub::CreateVolume, internal::WithHost(request, name_), options);
}

v1::InspectVolumeResponse Host::InspectVolume(const v1::InspectVolumeRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->volume, &v1::VolumeService::Stub::InspectVolume, internal::WithHost(request, name_), options);
}

v1::UpdateVolumeResponse Host::UpdateVolume(const v1::UpdateVolumeRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->volume, &v1::VolumeService::Stub::UpdateVolume, internal::WithHost(request, name_), options);
}

v1::RemoveVolumeResponse Host::RemoveVolume(const v1::RemoveVolumeRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->volume, &v1::VolumeService::Stub::RemoveVolume, internal::WithHost(request, name_), options);
}

v1::PruneVolumesResponse Host::PruneVolumes(const v1::PruneVolumesRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->volume, &v1::VolumeService::Stub::PruneVolumes, internal::WithHost(request, name_), options);
}

Stream<fleet::v1::ListContainersResponse> Fleet::ListContainers(const fleet::v1::ListContainersRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->fleet, &fleet::v1::FleetService::Stub::ListContainers, request, options);
}

Stream<fleet::v1::ListImagesResponse> Fleet::ListImages(const fleet::v1::ListImagesRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->fleet, &fleet::v1::FleetService::Stub::ListImages, request, options);
}

Stream<fleet::v1::ListNetworksResponse> Fleet::ListNetworks(const fleet::v1::ListNetworksRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->fleet, &fleet::v1::FleetService::Stub::ListNetworks, request, options);
}

Stream<fleet::v1::ListVolumesResponse> Fleet::ListVolumes(const fleet::v1::ListVolumesRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->fleet, &fleet::v1::FleetService::Stub::ListVolumes, request, options);
}

Stream<fleet::v1::GetInfoResponse> Fleet::GetInfo(const fleet::v1::GetInfoRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->fleet, &fleet::v1::FleetService::Stub::GetInfo, request, options);
}

Stream<fleet::v1::GetVersionResponse> Fleet::GetVersion(const fleet::v1::GetVersionRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->fleet, &fleet::v1::FleetService::Stub::GetVersion, request, options);
}

Stream<fleet::v1::GetDataUsageResponse> Fleet::GetDataUsage(const fleet::v1::GetDataUsageRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->fleet, &fleet::v1::FleetService::Stub::GetDataUsage, request, options);
}

Stream<fleet::v1::PingResponse> Fleet::Ping(const fleet::v1::PingRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->fleet, &fleet::v1::FleetService::Stub::Ping, request, options);
}

Stream<fleet::v1::FindContainersResponse> Fleet::FindContainers(const fleet::v1::FindContainersRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->fleet, &fleet::v1::FleetService::Stub::FindContainers, request, options);
}

Stream<fleet::v1::WatchContainersResponse> Fleet::WatchContainers(const fleet::v1::WatchContainersRequest& request, const CallOptions& options) const {
  return internal::Resuming(streams_->fleet, &fleet::v1::FleetService::Stub::WatchContainers, request, retry_, options);
}

Stream<fleet::v1::StreamLogsResponse> Fleet::StreamLogs(const fleet::v1::StreamLogsRequest& request, const CallOptions& options) const {
  return internal::Resuming(streams_->fleet, &fleet::v1::FleetService::Stub::StreamLogs, request, retry_, options);
}

Stream<fleet::v1::StreamStatsResponse> Fleet::StreamStats(const fleet::v1::StreamStatsRequest& request, const CallOptions& options) const {
  return internal::Resuming(streams_->fleet, &fleet::v1::FleetService::Stub::StreamStats, request, retry_, options);
}

Stream<fleet::v1::StreamEventsResponse> Fleet::StreamEvents(const fleet::v1::StreamEventsRequest& request, const CallOptions& options) const {
  return internal::Resuming(streams_->fleet, &fleet::v1::FleetService::Stub::StreamEvents, request, retry_, options);
}

Stream<fleet::v1::StartContainersResponse> Fleet::StartContainers(const fleet::v1::StartContainersRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->fleet, &fleet::v1::FleetService::Stub::StartContainers, request, options);
}

Stream<fleet::v1::StopContainersResponse> Fleet::StopContainers(const fleet::v1::StopContainersRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->fleet, &fleet::v1::FleetService::Stub::StopContainers, request, options);
}

Stream<fleet::v1::RestartContainersResponse> Fleet::RestartContainers(const fleet::v1::RestartContainersRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->fleet, &fleet::v1::FleetService::Stub::RestartContainers, request, options);
}

Stream<fleet::v1::KillContainersResponse> Fleet::KillContainers(const fleet::v1::KillContainersRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->fleet, &fleet::v1::FleetService::Stub::KillContainers, request, options);
}

Stream<fleet::v1::PauseContainersResponse> Fleet::PauseContainers(const fleet::v1::PauseContainersRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->fleet, &fleet::v1::FleetService::Stub::PauseContainers, request, options);
}

Stream<fleet::v1::UnpauseContainersResponse> Fleet::UnpauseContainers(const fleet::v1::UnpauseContainersRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->fleet, &fleet::v1::FleetService::Stub::UnpauseContainers, request, options);
}

Stream<fleet::v1::UpdateContainersResponse> Fleet::UpdateContainers(const fleet::v1::UpdateContainersRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->fleet, &fleet::v1::FleetService::Stub::UpdateContainers, request, options);
}

Stream<fleet::v1::RemoveContainersResponse> Fleet::RemoveContainers(const fleet::v1::RemoveContainersRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->fleet, &fleet::v1::FleetService::Stub::RemoveContainers, request, options);
}

Stream<fleet::v1::RunContainersResponse> Fleet::RunContainers(const fleet::v1::RunContainersRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->fleet, &fleet::v1::FleetService::Stub::RunContainers, request, options);
}

Stream<fleet::v1::PullImagesResponse> Fleet::PullImages(const fleet::v1::PullImagesRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->fleet, &fleet::v1::FleetService::Stub::PullImages, request, options);
}

Stream<fleet::v1::RemoveImagesResponse> Fleet::RemoveImages(const fleet::v1::RemoveImagesRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->fleet, &fleet::v1::FleetService::Stub::RemoveImages, request, options);
}

Stream<fleet::v1::TagImagesResponse> Fleet::TagImages(const fleet::v1::TagImagesRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->fleet, &fleet::v1::FleetService::Stub::TagImages, request, options);
}

Stream<fleet::v1::PruneContainersResponse> Fleet::PruneContainers(const fleet::v1::PruneContainersRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->fleet, &fleet::v1::FleetService::Stub::PruneContainers, request, options);
}

Stream<fleet::v1::PruneImagesResponse> Fleet::PruneImages(const fleet::v1::PruneImagesRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->fleet, &fleet::v1::FleetService::Stub::PruneImages, request, options);
}

Stream<fleet::v1::PruneNetworksResponse> Fleet::PruneNetworks(const fleet::v1::PruneNetworksRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->fleet, &fleet::v1::FleetService::Stub::PruneNetworks, request, options);
}

Stream<fleet::v1::PruneVolumesResponse> Fleet::PruneVolumes(const fleet::v1::PruneVolumesRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->fleet, &fleet::v1::FleetService::Stub::PruneVolumes, request, options);
}

Stream<fleet::v1::PruneBuildCachesResponse> Fleet::PruneBuildCaches(const fleet::v1::PruneBuildCachesRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->fleet, &fleet::v1::FleetService::Stub::PruneBuildCaches, request, options);
}

Stream<fleet::v1::CreateNetworksResponse> Fleet::CreateNetworks(const fleet::v1::CreateNetworksRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->fleet, &fleet::v1::FleetService::Stub::CreateNetworks, request, options);
}

Stream<fleet::v1::RemoveNetworksResponse> Fleet::RemoveNetworks(const fleet::v1::RemoveNetworksRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->fleet, &fleet::v1::FleetService::Stub::RemoveNetworks, request, options);
}

Stream<fleet::v1::CreateVolumesResponse> Fleet::CreateVolumes(const fleet::v1::CreateVolumesRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->fleet, &fleet::v1::FleetService::Stub::CreateVolumes, request, options);
}

Stream<fleet::v1::RemoveVolumesResponse> Fleet::RemoveVolumes(const fleet::v1::RemoveVolumesRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->fleet, &fleet::v1::FleetService::Stub::RemoveVolumes, request, options);
}

Stream<fleet::v1::RunContainerResponse> Fleet::RunContainer(const fleet::v1::RunContainerRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->fleet, &fleet::v1::FleetService::Stub::RunContainer, request, options);
}

Stream<fleet::v1::CopyImageResponse> Fleet::CopyImage(const fleet::v1::CopyImageRequest& request, const CallOptions& options) const {
  return internal::Responses(*streams_->fleet, &fleet::v1::FleetService::Stub::CopyImage, request, options);
}

fleet::v1::DiscoverServicesResponse Fleet::DiscoverServices(const fleet::v1::DiscoverServicesRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->fleet, &fleet::v1::FleetService::Stub::DiscoverServices, request, options);
}

Stream<fleet::v1::WatchServicesResponse> Fleet::WatchServices(const fleet::v1::WatchServicesRequest& request, const CallOptions& options) const {
  return internal::Resuming(streams_->fleet, &fleet::v1::FleetService::Stub::WatchServices, request, retry_, options);
}

fleet::v1::ListHostsResponse Fleet::ListHosts(const fleet::v1::ListHostsRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->host, &fleet::v1::HostService::Stub::ListHosts, request, options);
}

fleet::v1::GetHostResponse Fleet::GetHost(const fleet::v1::GetHostRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->host, &fleet::v1::HostService::Stub::GetHost, request, options);
}

Stream<fleet::v1::WatchHostsResponse> Fleet::WatchHosts(const fleet::v1::WatchHostsRequest& request, const CallOptions& options) const {
  return internal::Resuming(streams_->host, &fleet::v1::HostService::Stub::WatchHosts, request, retry_, options);
}

fleet::v1::AddHostResponse Fleet::AddHost(const fleet::v1::AddHostRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->host, &fleet::v1::HostService::Stub::AddHost, request, options);
}

fleet::v1::UpdateHostResponse Fleet::UpdateHost(const fleet::v1::UpdateHostRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->host, &fleet::v1::HostService::Stub::UpdateHost, request, options);
}

fleet::v1::RemoveHostResponse Fleet::RemoveHost(const fleet::v1::RemoveHostRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->host, &fleet::v1::HostService::Stub::RemoveHost, request, options);
}

fleet::v1::DrainHostResponse Fleet::DrainHost(const fleet::v1::DrainHostRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->host, &fleet::v1::HostService::Stub::DrainHost, request, options);
}

fleet::v1::UndrainHostResponse Fleet::UndrainHost(const fleet::v1::UndrainHostRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->host, &fleet::v1::HostService::Stub::UndrainHost, request, options);
}

fleet::v1::ProbeHostResponse Fleet::ProbeHost(const fleet::v1::ProbeHostRequest& request, const CallOptions& options) const {
  return internal::Unary(*calls_->host, &fleet::v1::HostService::Stub::ProbeHost, request, options);
}

}  // namespace dockfleet
