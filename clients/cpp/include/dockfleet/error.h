// The error of this client, read from the status of a failed call.

#ifndef DOCKFLEET_ERROR_H_
#define DOCKFLEET_ERROR_H_

#include <chrono>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <grpcpp/support/status.h>

#include "dockfleet/v1/common.pb.h"

namespace dockfleet {

// A field of a request that is missing or malformed, and what it must be.
struct Violation {
  std::string field;
  std::string description;
};

// The object that is missing or in the way: its kind, such as `container`, and its name.
struct Resource {
  std::string type;
  std::string name;
};

// A call failed.  Programs decide by `reason`.
class Error : public std::runtime_error {
 public:
  explicit Error(const grpc::Status& status);
  // The failure of one host or container in the response of a call on many.
  explicit Error(const v1::Failure& failure);

  grpc::StatusCode code = grpc::StatusCode::UNKNOWN;
  // An ErrorReason of the contract without its prefix: see reasons.h.  Empty when the failure does not come from the
  // gateway, such as when there is no connection.
  std::string reason;
  // What failed, for people.
  std::string message;
  // The host of the call, if any.
  std::string host;
  // The HTTP status of the engine's answer; 0 without an answer.
  int engine_status = 0;
  // The id of the call in the gateway's log.
  std::string request_id;
  // Whether the same call may be made again: it may help, and does no harm.
  bool retry_safe = false;
  // How long to wait before that; absent when waiting does not help.
  std::optional<std::chrono::milliseconds> retry_after;
  std::vector<Violation> violations;
  std::optional<Resource> resource;
  // Further facts by name, such as `required_version`.
  std::map<std::string, std::string> metadata;

  // Whether a stream that failed so may be called again with its last token: the rule of the contract.  It does not
  // hold for a call that this program has cancelled, or whose deadline has run out.
  bool MayResume() const;

 private:
  void Read(const std::string& details);
};

// The name of a code, such as NOT_FOUND.
std::string CodeName(grpc::StatusCode code);

}  // namespace dockfleet

#endif  // DOCKFLEET_ERROR_H_
