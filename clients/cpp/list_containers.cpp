// Prints "HOST NAME STATE" for the containers of the hosts given as arguments, or of all hosts.

#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <grpcpp/grpcpp.h>

#include "dockfleet/fleet/v1/hosts.grpc.pb.h"
#include "dockfleet/v1/containers.grpc.pb.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace fleet = dockfleet::fleet::v1;
namespace docker = dockfleet::v1;

constexpr int kMaxMessageBytes = 64 << 20;  // a long list is larger than gRPC's own limit of 4 MiB

// The first name without its slash, or the id of a container that has no name any more.
std::string Name(const docker::ContainerSummary& container) {
  return container.names().empty() ? container.id() : container.names(0).substr(1);
}

// The reason that dockfleet gives, after a space; empty when the error does not come from the gateway.
std::string Reason(const grpc::Status& status) {
  google::rpc::Status details;
  google::rpc::ErrorInfo info;
  details.ParseFromString(status.error_details());
  for (const auto& detail : details.details()) {
    if (detail.UnpackTo(&info) && info.domain() == "dockfleet") return " " + info.reason();
  }
  return "";
}

grpc::Status List(const std::shared_ptr<grpc::Channel>& channel, std::vector<std::string> hosts) {
  if (hosts.empty()) {
    grpc::ClientContext context;
    fleet::ListHostsResponse response;
    auto status = fleet::HostService::NewStub(channel)->ListHosts(&context, {}, &response);
    if (!status.ok()) return status;
    for (const auto& host : response.hosts()) hosts.push_back(host.name());
  }
  auto containers = docker::ContainerService::NewStub(channel);
  for (const auto& host : hosts) {
    grpc::ClientContext context;
    docker::ListContainersRequest request;
    request.set_host(host);
    request.set_all(true);
    docker::ListContainersResponse response;
    auto status = containers->ListContainers(&context, request, &response);
    if (!status.ok()) return status;
    for (const auto& container : response.containers()) {
      std::cout << host << ' ' << Name(container) << ' ' << container.state() << '\n';
    }
  }
  return grpc::Status::OK;
}

int main(int argc, char** argv) {
  const char* address = std::getenv("DOCKFLEET_ADDRESS");
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  auto channel = grpc::CreateCustomChannel(address ? address : "127.0.0.1:50051",
                                           grpc::InsecureChannelCredentials(), arguments);
  auto status = List(channel, {argv + 1, argv + argc});
  if (status.ok()) return EXIT_SUCCESS;
  std::cerr << absl::StatusCodeToString(static_cast<absl::StatusCode>(status.error_code())) << Reason(status) << ": "
            << status.error_message() << '\n';
  return EXIT_FAILURE;
}
