#include "resuming.h"

#include <algorithm>
#include <random>

namespace dockfleet::internal {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using std::chrono::milliseconds;

constexpr milliseconds kShortestPause{100};
constexpr milliseconds kLongestPause{1000};

const FieldDescriptor* Field(const Message& message, const char* name) {
  return message.GetDescriptor()->FindFieldByName(name);
}

std::string Text(const Message& message, const FieldDescriptor* field) {
  return field == nullptr ? "" : message.GetReflection()->GetString(message, field);
}

bool Has(const Message& message, const char* name) {
  const FieldDescriptor* field = Field(message, name);
  return field != nullptr && message.GetReflection()->HasField(message, field);
}

void Set(Message* message, const char* name, const std::string& value) {
  message->GetReflection()->SetString(message, Field(*message, name), value);
}

// Lets a request continue at a token, in place of where it began.
void ContinueAt(Message* request, const std::string& token) {
  Set(request, "resume_token", token);
  Message* start = request;
  if (Has(*request, "request")) {
    start = request->GetReflection()->MutableMessage(request, Field(*request, "request"));
  }
  for (const char* name : {"since", "tail"}) {
    if (const FieldDescriptor* field = Field(*start, name)) start->GetReflection()->ClearField(start, field);
  }
}

milliseconds AboutAsLong(milliseconds pause) {
  static thread_local std::minstd_rand random{std::random_device{}()};
  return milliseconds(std::uniform_int_distribution<long>(pause.count() * 4 / 5, pause.count() * 6 / 5)(random));
}

}  // namespace

bool Position::Received(const Message& response) {
  failed_at_.reset();
  const FieldDescriptor* tokens = Field(response, "resume_token");
  if (std::string token = Text(response, tokens); !token.empty()) ContinueAt(request_, token);
  begun_ = begun_ || tokens == nullptr || !Text(response, tokens).empty();
  if (std::string id = Text(response, Field(response, "container_id")); !id.empty()) {
    Set(request_, "id", id);  // another container may have the name by now
  }
  ended_ = Has(response, "end");
  const auto* record = response.GetDescriptor()->FindOneofByName("record");
  if (record != nullptr && !response.GetReflection()->HasOneof(response, record)) return false;  // newer than this
  return !Has(response, "heartbeat");
}

std::optional<milliseconds> Position::Pause(const Error& error) {
  auto now = std::chrono::steady_clock::now();
  if (!failed_at_) {
    failed_at_ = now;
    pause_ = kShortestPause;
  }
  milliseconds pause = std::max(AboutAsLong(pause_), error.retry_after.value_or(milliseconds(0)));
  if (!begun_ || !error.MayResume() || now + pause > *failed_at_ + retry_) return std::nullopt;
  pause_ = std::min(2 * pause_, kLongestPause);
  return pause;
}

}  // namespace dockfleet::internal
