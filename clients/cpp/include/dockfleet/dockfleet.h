// The client of a dockfleet gateway, which serves many Docker hosts over gRPC.
//
//   auto fleet = dockfleet::Connect();  // DOCKFLEET_ADDRESS and the other variables
//   auto north = fleet.host("north");
//   dockfleet::v1::ListContainersRequest all;
//   all.set_all(true);
//   auto answer = north.ListContainers(all);  // in a variable: a loop over a part of a temporary is undefined
//   for (const auto& container : answer.containers()) …
//
// Host has every RPC of one host, and fills in the host.  Fleet has every RPC of many hosts and of the hosts themselves.
// Every failed call throws dockfleet::Error.  Threads may share these objects.

#ifndef DOCKFLEET_DOCKFLEET_H_
#define DOCKFLEET_DOCKFLEET_H_

#include <chrono>
#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <vector>

#include "dockfleet/error.h"
#include "dockfleet/host.h"
#include "dockfleet/reasons.h"
#include "dockfleet/session.h"
#include "dockfleet/stream.h"

namespace dockfleet {

// How to connect.
struct Options {
  // PEM files: the authorities to trust, and the certificate and the key of this program, which belong together.  One of
  // them turns TLS on.
  std::string ca, certificate, key;
  // TLS with the authorities of the system.
  bool tls = false;
  // Sent with each call, as `authorization: Bearer TOKEN`, for a proxy before the gateway.  It needs TLS.
  std::string token;
  // For how long a stream that broke is called again without success.
  std::chrono::milliseconds retry = std::chrono::minutes(1);
};

// The fleet of the gateway at an address: HOST:PORT, HOST for port 50051, or another name of gRPC such as
// unix:///run/dockfleet.sock.  Nothing is sent before the first call.  Throws std::invalid_argument for an address that is
// none and for options that do not fit together, and std::ios_base::failure for a file that cannot be read.
Fleet Connect(const std::string& address, const Options& options);

// The same with what the environment says: DOCKFLEET_ADDRESS, DOCKFLEET_TLS_CA, DOCKFLEET_TLS_CERT, DOCKFLEET_TLS_KEY
// and DOCKFLEET_TOKEN.
Fleet Connect();

// The result of a command.
struct ExecResult {
  // Absent when it is not known: see unknown_reason.
  std::optional<std::int64_t> exit_code;
  std::string unknown_reason;
  std::string stdout_text;
  std::string stderr_text;
};

// Runs a command in a container to its end, with the input of a stream.  A command that fails throws nothing.  When the
// command ends before its input, a read of the input may be left waiting: the function then waits for it.
ExecResult Execute(const Host& host, const std::string& container, const std::vector<std::string>& cmd,
                   std::istream* input = nullptr, const CallOptions& options = {});

// Selectors of hosts and containers.
fleet::v1::HostSelector AllHosts();
fleet::v1::HostSelector Hosts(const std::vector<std::string>& names);
fleet::v1::ContainerSelector Containers(const std::vector<std::string>& names);
// The containers whose label has this value.
fleet::v1::ContainerSelector ContainersWith(const std::string& label, const std::string& value);

}  // namespace dockfleet

#endif  // DOCKFLEET_DOCKFLEET_H_
