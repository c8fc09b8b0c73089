// The C++ client as the conformance suite runs it: see clients/conformance.

#include <cmath>
#include <functional>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "dockfleet/dockfleet.h"

namespace fleetv1 = dockfleet::fleet::v1;
namespace v1 = dockfleet::v1;
using dockfleet::Fleet;
using dockfleet::Host;
using Arguments = std::vector<std::string>;

// Prints a line at once.
template <class... Words>
void Say(const std::string& first, const Words&... words) {
  std::cout << first;
  ((std::cout << ' ' << words), ...);
  std::cout << std::endl;
}

// The name of a value without its prefix, or its number.
template <class Value>
std::string Word(Value value, const std::string& prefix) {
  const auto* named = google::protobuf::GetEnumDescriptor<Value>()->FindValueByNumber(value);
  return named == nullptr ? std::to_string(value) : named->name().substr(prefix.size());
}

std::string Stream(v1::StandardStream stream) { return stream == v1::STANDARD_STREAM_STDERR ? "stderr" : "stdout"; }

std::string Reason(const v1::Failure& failure) { return Word(failure.reason(), "ERROR_REASON_"); }

template <class Message>
std::string Exit(const Message& message) {
  return message.has_exit_code() ? std::to_string(message.exit_code()) : "unknown";
}

template <class Found>
void SayContainers(const std::string& host, const Found& containers) {
  for (const v1::ContainerSummary& each : containers) {
    Say("container", host, each.names(0).substr(1), each.state(), each.size_rw_bytes());
  }
}

void SayGap(const v1::Gap& gap) { Say("gap", Word(gap.reason(), "GAP_REASON_"), gap.count()); }

void SayLines(const std::string& stream, const std::string& output) {
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) Say(stream, line);
}

void SayFailure(const dockfleet::Error& error) {
  std::cerr << error.what() << '\n';
  auto or_dash = [](const std::string& text) { return text.empty() ? "-" : text; };
  Say("error", dockfleet::CodeName(error.code), or_dash(error.reason), or_dash(error.host),
      error.retry_safe ? "true" : "false");
  if (error.resource) Say("resource", error.resource->type, error.resource->name);
  for (const auto& violation : error.violations) Say("violation", violation.field);
  if (error.retry_after) Say("retry-after", error.retry_after->count() / 1000);
}

template <class Request>
Request For(const std::string& id) {
  Request request;
  request.set_id(id);
  return request;
}

void Hosts(const Fleet& fleet, const Arguments&) {
  auto answer = fleet.ListHosts();
  for (const auto& host : answer.hosts()) Say("host", host.name(), Word(host.state(), "HOST_STATE_"));
}

void Ps(const Fleet& fleet, const Arguments&) {
  v1::ListContainersRequest request;
  request.set_all(true);
  auto answer = fleet.ListHosts();
  for (const auto& host : answer.hosts()) {
    SayContainers(host.name(), fleet.host(host.name()).ListContainers(request).containers());
  }
}

void Logs(const Fleet& fleet, const Arguments& arguments) {
  long left = std::stol(arguments.at(2));
  auto request = For<v1::StreamLogsRequest>(arguments[1]);
  request.set_follow(true);
  auto responses = fleet.host(arguments[0]).StreamLogs(request);
  for (const auto& response : responses) {
    for (const auto& entry : response.batch().entries()) {
      Say("line", Stream(entry.stream()), entry.data());
      if (--left == 0) return;
    }
    if (response.has_gap()) SayGap(response.gap());
    if (response.has_end()) Say("end", Word(response.end().reason(), "LOG_END_REASON_"), Exit(response.end()));
  }
}

void Events(const Fleet& fleet, const Arguments& arguments) {
  long left = std::stol(arguments.at(1));
  auto responses = fleet.host(arguments[0]).StreamEvents();
  for (const auto& response : responses) {
    if (response.has_gap()) SayGap(response.gap());
    if (!response.has_event()) continue;
    Say("event", response.event().type(), response.event().action(), response.event().actor().id());
    if (--left == 0) return;
  }
}

void Stats(const Fleet& fleet, const Arguments& arguments) {
  long left = std::stol(arguments.at(2));
  auto responses = fleet.host(arguments[0]).StreamStats(For<v1::StreamStatsRequest>(arguments[1]));
  for (const auto& response : responses) {
    if (response.has_not_running()) Say("not-running");
    if (!response.has_stats()) continue;
    Say("stats", response.stats().summary().memory_bytes());
    if (--left == 0) return;
  }
}

void Exec(const Fleet& fleet, const Arguments& arguments) {
  Arguments cmd(arguments.begin() + 2, arguments.end());
  auto result = dockfleet::Execute(fleet.host(arguments.at(0)), arguments.at(1), cmd, &std::cin);
  SayLines("stdout", result.stdout_text);
  SayLines("stderr", result.stderr_text);
  Say("exit", result.exit_code ? std::to_string(*result.exit_code) : "unknown");
}

void Run(const Fleet& fleet, const Arguments& arguments) {
  v1::RunContainerRequest request;
  request.mutable_config()->set_image(arguments.at(1));
  request.mutable_config()->mutable_host_config()->set_auto_remove(true);
  for (std::size_t i = 2; i < arguments.size(); ++i) request.mutable_config()->add_cmd(arguments[i]);
  std::map<std::string, std::string> output;
  v1::SessionEnd end;
  auto responses = fleet.host(arguments[0]).RunContainer(request);
  for (const auto& response : responses) {
    if (response.has_output()) output[Stream(response.output().stream())] += response.output().data();
    if (response.has_end()) end = response.end();
  }
  SayLines("stdout", output["stdout"]);
  SayLines("stderr", output["stderr"]);
  Say("exit", Exit(end));
}

void Pull(const Fleet& fleet, const Arguments& arguments) {
  v1::PullImageRequest request;
  request.set_image(arguments.at(1));
  auto responses = fleet.host(arguments[0]).PullImage(request);
  for (const auto& response : responses) Say("progress", response.progress().status());
  Say("done");
}

void Upload(const Fleet& fleet, const Arguments& arguments) {
  auto start = For<v1::PutContainerArchiveStart>(arguments.at(1));
  start.set_path(arguments.at(2));
  fleet.host(arguments[0]).PutContainerArchive(start, std::cin);
  Say("done");
}

void Download(const Fleet& fleet, const Arguments& arguments) {
  auto request = For<v1::GetContainerArchiveRequest>(arguments.at(1));
  request.set_path(arguments.at(2));
  std::ostringstream archive;
  fleet.host(arguments[0]).GetContainerArchive(request, archive);
  Say("downloaded", archive.str().size());
}

void Inspect(const Fleet& fleet, const Arguments& arguments) {
  auto answer = fleet.host(arguments.at(0)).InspectContainer(For<v1::InspectContainerRequest>(arguments.at(1)));
  Say("container", answer.container().name().substr(1));
}

void Deadline(const Fleet& fleet, const Arguments& arguments) {
  dockfleet::CallOptions options;
  options.deadline = std::chrono::milliseconds(std::lround(std::stod(arguments.at(2)) * 1000));
  auto answer = fleet.host(arguments[0]).WaitContainer(For<v1::WaitContainerRequest>(arguments[1]), options);
  Say("exit", answer.exit_code());
}

void Cancel(const Fleet& fleet, const Arguments& arguments) {
  if (arguments.size() == 2) {
    Logs(fleet, {arguments[0], arguments[1], "1"});
  } else {
    auto start = For<v1::ExecStart>(arguments.at(1));
    for (std::size_t i = 2; i < arguments.size(); ++i) start.add_cmd(arguments[i]);
    auto session = fleet.host(arguments[0]).Exec(start);
    v1::OutputChunk output;
    if (session.Next(&output)) SayLines("stdout", output.data());
  }
  Say("cancelled");
  Hosts(fleet, {});
}

void Find(const Fleet& fleet, const Arguments& arguments) {
  fleetv1::FindContainersRequest request;
  *request.mutable_hosts() = dockfleet::AllHosts();
  *request.mutable_containers() = dockfleet::Containers({arguments.at(0)});
  auto responses = fleet.FindContainers(request);
  for (const auto& response : responses) {
    for (const auto& answer : response.answers()) SayContainers(answer.host(), answer.containers());
    for (const auto& failure : response.summary().failures()) Say("failure", failure.host(), Reason(failure.failure()));
  }
}

fleetv1::ContainerSelector Labelled(const std::string& label) {
  auto equals = label.find('=');
  return dockfleet::ContainersWith(label.substr(0, equals), label.substr(equals + 1));
}

void Follow(const Fleet& fleet, const Arguments& arguments) {
  long left = std::stol(arguments.at(1));
  fleetv1::StreamLogsRequest request;
  *request.mutable_hosts() = dockfleet::AllHosts();
  *request.mutable_containers() = Labelled(arguments[0]);
  request.mutable_request()->set_follow(true);
  auto responses = fleet.StreamLogs(request);
  for (const auto& response : responses) {
    for (const auto& record : response.records()) {
      for (const auto& entry : record.batch().entries()) {
        Say("line", record.host(), record.container_name(), Stream(entry.stream()), entry.data());
        if (--left == 0) return;
      }
    }
  }
}

void Restart(const Fleet& fleet, const Arguments& arguments) {
  fleetv1::RestartContainersRequest request;
  *request.mutable_hosts() = dockfleet::AllHosts();
  *request.mutable_containers() = Labelled(arguments.at(0));
  auto responses = fleet.RestartContainers(request);
  for (const auto& response : responses) {
    for (const auto& result : response.results()) {
      std::string what = result.has_skipped() ? "skipped" : result.has_failure() ? Reason(result.failure()) : "ok";
      Say("result", result.target().host(), result.target().container_name(), what);
    }
    if (response.has_summary()) {
      Say("summary", response.summary().succeeded(), response.summary().failed(), response.summary().skipped());
    }
  }
}

const std::map<std::string, std::function<void(const Fleet&, const Arguments&)>> kCommands = {
    {"hosts", Hosts},   {"ps", Ps},         {"logs", Logs},         {"events", Events},
    {"stats", Stats},   {"exec", Exec},     {"run", Run},           {"pull", Pull},
    {"upload", Upload}, {"error", Inspect}, {"download", Download}, {"deadline", Deadline},
    {"cancel", Cancel}, {"find", Find},     {"follow", Follow},     {"restart", Restart},
};

int main(int argc, char** argv) {
  auto command = argc < 2 ? kCommands.end() : kCommands.find(argv[1]);
  if (command == kCommands.end()) {
    std::cerr << "usage: see clients/conformance/README.md\n";
    return 2;
  }
  try {
    command->second(dockfleet::Connect(), Arguments(argv + 2, argv + argc));
  } catch (const dockfleet::Error& error) {
    SayFailure(error);
    return 1;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 2;
  }
  return 0;
}
