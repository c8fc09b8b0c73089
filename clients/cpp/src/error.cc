#include "dockfleet/error.h"

#include <cstdlib>

#include "error_details.pb.h"

namespace dockfleet {
namespace {

constexpr char kDomain[] = "dockfleet";
constexpr char kClosedAtOnce[] =
    "the gateway closed the connection at once: it may require TLS, or a client certificate that it trusts";
constexpr char kNoCredentials[] = "no connection can be made: the certificate and its key may not belong together";
constexpr char kPrefix[] = "ERROR_REASON_";

const char* const kCodes[] = {"OK",
                              "CANCELLED",
                              "UNKNOWN",
                              "INVALID_ARGUMENT",
                              "DEADLINE_EXCEEDED",
                              "NOT_FOUND",
                              "ALREADY_EXISTS",
                              "PERMISSION_DENIED",
                              "RESOURCE_EXHAUSTED",
                              "FAILED_PRECONDITION",
                              "ABORTED",
                              "OUT_OF_RANGE",
                              "UNIMPLEMENTED",
                              "INTERNAL",
                              "UNAVAILABLE",
                              "DATA_LOSS",
                              "UNAUTHENTICATED"};

// What a detail is, without the beginning of its URL.
std::string Kind(const google::protobuf::Any& detail) {
  return detail.type_url().substr(detail.type_url().rfind('/') + 1);
}

std::string Value(const google::protobuf::Map<std::string, std::string>& map, const std::string& key) {
  auto found = map.find(key);
  return found == map.end() ? "" : found->second;
}

std::chrono::milliseconds Milliseconds(const google::protobuf::Duration& duration) {
  return std::chrono::milliseconds(duration.seconds() * 1000 + duration.nanos() / 1000000);
}

// What gRPC says of a connection, with what may be wrong when the gateway closes connections before it answers.
std::string Explained(const std::string& message) {
  if (message.find("empty address list") == 0) return kNoCredentials + (" (" + message + ")");
  if (message.find("failed to connect") == std::string::npos) return message;
  for (const char* closed : {"Socket closed", "Connection reset", "Broken pipe", "EOF"}) {
    if (message.find(closed) != std::string::npos) return kClosedAtOnce + (" (" + message + ")");
  }
  return message;
}

// The name of a reason, or its number if it is newer than this client.
std::string ReasonName(v1::ErrorReason reason) {
  if (reason == v1::ERROR_REASON_UNSPECIFIED) return "";
  const std::string& name = v1::ErrorReason_Name(reason);
  return name.empty() ? std::to_string(reason) : name.substr(sizeof(kPrefix) - 1);
}

}  // namespace

std::string CodeName(grpc::StatusCode code) {
  bool known = code >= 0 && code < static_cast<int>(sizeof(kCodes) / sizeof(*kCodes));
  return known ? kCodes[code] : std::to_string(code);
}

Error::Error(const grpc::Status& status)
    : std::runtime_error(CodeName(status.error_code()) + ": " + Explained(status.error_message())),
      code(status.error_code()),
      message(Explained(status.error_message())) {
  Read(status.error_details());
}

Error::Error(const v1::Failure& failure)
    : std::runtime_error(failure.host() + ": " + failure.message()),
      code(static_cast<grpc::StatusCode>(failure.code())),
      reason(ReasonName(failure.reason())),
      message(failure.message()),
      host(failure.host()),
      engine_status(failure.engine_status()),
      request_id(Value(failure.metadata(), "request_id")),
      retry_safe(failure.retry_safe()),
      metadata(failure.metadata().begin(), failure.metadata().end()) {
  if (failure.has_retry_after()) retry_after = Milliseconds(failure.retry_after());
  for (const auto& each : failure.field_violations()) violations.push_back({each.field(), each.description()});
  if (!failure.resource_type().empty()) resource = Resource{failure.resource_type(), failure.resource_name()};
}

void Error::Read(const std::string& text) {
  details::Status status;
  if (!status.ParseFromString(text)) return;  // a proxy may have changed them; code and message are still right
  for (const auto& detail : status.details()) {
    std::string kind = Kind(detail);
    if (details::ErrorInfo info; kind == "google.rpc.ErrorInfo" && info.ParseFromString(detail.value())) {
      if (info.domain() != kDomain) continue;
      reason = info.reason();
      host = Value(info.metadata(), "host");
      engine_status = std::atoi(Value(info.metadata(), "engine_status").c_str());
      request_id = Value(info.metadata(), "request_id");
      retry_safe = Value(info.metadata(), "retry_safe") == "true";
      metadata = {info.metadata().begin(), info.metadata().end()};
    } else if (details::RetryInfo retry; kind == "google.rpc.RetryInfo" && retry.ParseFromString(detail.value())) {
      if (retry.has_retry_delay()) retry_after = Milliseconds(retry.retry_delay());
    } else if (details::BadRequest bad; kind == "google.rpc.BadRequest" && bad.ParseFromString(detail.value())) {
      for (const auto& each : bad.field_violations()) violations.push_back({each.field(), each.description()});
    } else if (details::ResourceInfo about; kind == "google.rpc.ResourceInfo" && about.ParseFromString(detail.value())) {
      resource = Resource{about.resource_type(), about.resource_name()};
    }
  }
}

bool Error::MayResume() const {
  if (reason.empty()) {  // it does not come from the gateway
    return code == grpc::UNAVAILABLE || code == grpc::UNKNOWN || code == grpc::CANCELLED || code == grpc::INTERNAL;
  }
  return code == grpc::UNAVAILABLE || retry_safe || reason == "SLOW_READER";
}

}  // namespace dockfleet
