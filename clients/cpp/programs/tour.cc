// A tour of the client:
//
//   DOCKFLEET_ADDRESS=127.0.0.1:50051 tour HOST CONTAINER IMAGE
//
// CONTAINER runs on HOST, has a shell, and writes lines.

#include <chrono>
#include <iostream>
#include <sstream>
#include <string>

#include "dockfleet/dockfleet.h"

namespace fleetv1 = dockfleet::fleet::v1;
namespace v1 = dockfleet::v1;
using dockfleet::Host;

void List(const dockfleet::Fleet& fleet, const Host& host) {
  auto hosts = fleet.ListHosts();  // in a variable: its parts end with it
  for (const auto& each : hosts.hosts()) {
    std::cout << "host " << each.name() << ' ' << fleetv1::HostState_Name(each.state()).substr(11) << '\n';
  }
  v1::ListContainersRequest request;
  request.set_all(true);
  auto containers = host.ListContainers(request);
  for (const auto& each : containers.containers()) {
    std::cout << "container " << each.names(0).substr(1) << ' ' << each.state() << '\n';
  }
}

// Follows a log.  It continues when the gateway is restarted: no line is lost, and none comes twice.
void Log(const Host& host, const std::string& container) {
  v1::StreamLogsRequest request;
  request.set_id(container);
  request.set_follow(true);
  request.set_tail(2);
  request.set_strict(true);  // lines that the engine has lost are an error
  int left = 2;
  auto responses = host.StreamLogs(request);
  for (const auto& response : responses) {
    for (const auto& entry : response.batch().entries()) {
      std::cout << "line " << entry.data() << '\n';
      if (--left == 0) return;  // leaving cancels the call
    }
  }
}

void Command(const Host& host, const std::string& container) {
  std::istringstream input("hello\n");
  auto result = dockfleet::Execute(host, container, {"wc", "-c"}, &input);
  std::cout << "exec " << std::stoi(result.stdout_text) << ' ' << result.exit_code.value_or(-1) << '\n';
}

void Run(const Host& host, const std::string& image) {
  v1::RunContainerRequest request;
  request.mutable_config()->set_image(image);
  for (const char* word : {"sh", "-c", "echo hello; exit 3"}) request.mutable_config()->add_cmd(word);
  request.mutable_config()->mutable_host_config()->set_auto_remove(true);
  std::string output;
  auto responses = host.RunContainer(request);
  for (const auto& response : responses) {
    output += response.output().data();
    if (response.has_end()) {
      std::cout << "run " << output.substr(0, output.find('\n')) << ' ' << response.end().exit_code() << '\n';
    }
  }
}

void Pull(const Host& host, const std::string& image) {
  v1::PullImageRequest request;
  request.set_image(image);
  auto responses = host.PullImage(request);
  try {
    for (const auto& response : responses) std::cerr << response.progress().status() << '\n';
    std::cout << "pull done\n";
  } catch (const dockfleet::Error& error) {
    std::cout << "pull " << error.reason << '\n';
  }
}

void Fail(const Host& host, const std::string& container) {
  try {
    v1::InspectContainerRequest request;
    request.set_id("no-such-container");
    host.InspectContainer(request);
  } catch (const dockfleet::Error& error) {
    std::cout << "error " << dockfleet::CodeName(error.code) << ' ' << error.reason << '\n';
  }
  try {
    v1::WaitContainerRequest request;
    request.set_id(container);
    host.WaitContainer(request, {std::chrono::milliseconds(500)});
  } catch (const dockfleet::Error& error) {
    std::cout << "deadline " << dockfleet::CodeName(error.code) << '\n';
  }
}

void Cancel(const Host& host, const std::string& container) {
  v1::ExecStart start;
  start.set_id(container);
  for (const char* word : {"sh", "-c", "echo started; sleep 1000"}) start.add_cmd(word);
  auto session = host.Exec(start);
  v1::OutputChunk output;
  if (!session.Next(&output)) return;
  session.Cancel();  // ends the process too
  std::cout << "cancelled\n";
}

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: tour HOST CONTAINER IMAGE\n";
    return 2;
  }
  try {
    auto fleet = dockfleet::Connect();
    auto host = fleet.host(argv[1]);
    List(fleet, host);
    Log(host, argv[2]);
    Command(host, argv[2]);
    Run(host, argv[3]);
    Pull(host, argv[3]);
    Fail(host, argv[2]);
    Cancel(host, argv[2]);
  } catch (const dockfleet::Error& error) {
    std::cerr << dockfleet::CodeName(error.code) << ' ' << error.reason << ": " << error.message << '\n';
    return 1;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
  return 0;
}
