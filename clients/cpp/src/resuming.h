// Streams that continue after a failure, by the rule at the beginning of common.proto.

#ifndef DOCKFLEET_RESUMING_H_
#define DOCKFLEET_RESUMING_H_

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include <google/protobuf/message.h>

#include "calls.h"

namespace dockfleet::internal {

// Where a stream is, across its calls.
class Position {
 public:
  // `request` is that of the next call.
  Position(google::protobuf::Message* request, std::chrono::milliseconds retry) : request_(request), retry_(retry) {}

  // Notes a response, and returns whether the program gets it.
  bool Received(const google::protobuf::Message& response);
  // How long to wait before the next call; nothing if there is none.
  std::optional<std::chrono::milliseconds> Pause(const Error& error);
  // Whether the last response has come.
  bool ended() const { return ended_; }

 private:
  google::protobuf::Message* request_;
  std::chrono::milliseconds retry_;
  std::optional<std::chrono::steady_clock::time_point> failed_at_;
  std::chrono::milliseconds pause_{0};
  bool begun_ = false;
  bool ended_ = false;
};

template <class Stub, class Request, class Response>
class ResumingCall : public Stream<Response>::Source {
 public:
  ResumingCall(std::shared_ptr<Stub> stub, StreamRpc<Stub, Request, Response> rpc, Request request,
               std::chrono::milliseconds retry, const CallOptions& options)
      : stub_(std::move(stub)), rpc_(rpc), request_(std::move(request)), position_(&request_, retry) {
    if (options.deadline) deadline_ = std::chrono::steady_clock::now() + *options.deadline;
    call_ = Begin(*stub_, rpc_, request_, Left());
  }

  bool Next(Response* response) override {
    while (true) {
      try {
        while (call_->Next(response)) {
          if (position_.Received(*response)) return true;
        }
        return false;
      } catch (const Error& error) {
        if (position_.ended()) return false;
        auto pause = OutOfTime() ? std::nullopt : position_.Pause(error);
        if (!pause) throw;
        if (!Again(*pause)) return false;
      }
    }
  }

  void Cancel() override {
    std::lock_guard<std::mutex> lock(mutex_);
    cancelled_ = true;
    call_->Cancel();
    news_.notify_all();
  }

 private:
  bool OutOfTime() const { return deadline_ && std::chrono::steady_clock::now() >= *deadline_; }

  CallOptions Left() const {
    if (!deadline_) return {};
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*deadline_ - std::chrono::steady_clock::now());
    return {std::max(left, std::chrono::milliseconds(0))};
  }

  // Calls again after a pause; false if the program has cancelled the stream.
  bool Again(std::chrono::milliseconds pause) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (news_.wait_for(lock, pause, [this] { return cancelled_; })) return false;
    call_ = Begin(*stub_, rpc_, request_, Left());
    return true;
  }

  std::shared_ptr<Stub> stub_;
  StreamRpc<Stub, Request, Response> rpc_;
  Request request_;
  Position position_;
  std::optional<std::chrono::steady_clock::time_point> deadline_;
  std::unique_ptr<typename Stream<Response>::Source> call_;
  std::mutex mutex_;
  std::condition_variable news_;
  bool cancelled_ = false;
};

template <class Stub, class Request, class Response>
Stream<Response> Resuming(std::shared_ptr<Stub> stub, StreamRpc<Stub, Request, Response> rpc, Request request,
                          std::chrono::milliseconds retry, const CallOptions& options) {
  return Stream<Response>(std::make_unique<ResumingCall<Stub, Request, Response>>(
      std::move(stub), rpc, std::move(request), retry, options));
}

}  // namespace dockfleet::internal

#endif  // DOCKFLEET_RESUMING_H_
