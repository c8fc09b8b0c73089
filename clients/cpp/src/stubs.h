// Generated from the contract by protos/generate_clients.py.

#ifndef DOCKFLEET_STUBS_H_
#define DOCKFLEET_STUBS_H_

#include <memory>

#include "dockfleet/fleet/v1/fleet.grpc.pb.h"
#include "dockfleet/fleet/v1/hosts.grpc.pb.h"
#include "dockfleet/v1/containers.grpc.pb.h"
#include "dockfleet/v1/distribution.grpc.pb.h"
#include "dockfleet/v1/exec.grpc.pb.h"
#include "dockfleet/v1/images.grpc.pb.h"
#include "dockfleet/v1/networks.grpc.pb.h"
#include "dockfleet/v1/system.grpc.pb.h"
#include "dockfleet/v1/volumes.grpc.pb.h"

namespace dockfleet::internal {

// The generated clients of all services, on one connection.
struct Stubs {
  explicit Stubs(const std::shared_ptr<grpc::Channel>& channel)
      : fleet(fleet::v1::FleetService::NewStub(channel)),
        host(fleet::v1::HostService::NewStub(channel)),
        container(v1::ContainerService::NewStub(channel)),
        distribution(v1::DistributionService::NewStub(channel)),
        exec(v1::ExecService::NewStub(channel)),
        image(v1::ImageService::NewStub(channel)),
        network(v1::NetworkService::NewStub(channel)),
        system(v1::SystemService::NewStub(channel)),
        volume(v1::VolumeService::NewStub(channel)) {}
  std::shared_ptr<fleet::v1::FleetService::Stub> fleet;
  std::shared_ptr<fleet::v1::HostService::Stub> host;
  std::shared_ptr<v1::ContainerService::Stub> container;
  std::shared_ptr<v1::DistributionService::Stub> distribution;
  std::shared_ptr<v1::ExecService::Stub> exec;
  std::shared_ptr<v1::ImageService::Stub> image;
  std::shared_ptr<v1::NetworkService::Stub> network;
  std::shared_ptr<v1::SystemService::Stub> system;
  std::shared_ptr<v1::VolumeService::Stub> volume;
};

}  // namespace dockfleet::internal

#endif  // DOCKFLEET_STUBS_H_
