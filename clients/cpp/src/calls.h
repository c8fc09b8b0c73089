// The forms of RPCs: host.cc has a method for each RPC, on top of one of these.

#ifndef DOCKFLEET_CALLS_H_
#define DOCKFLEET_CALLS_H_

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <ios>
#include <istream>
#include <memory>
#include <mutex>
#include <ostream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <grpcpp/grpcpp.h>

#include "dockfleet/error.h"
#include "dockfleet/session.h"
#include "dockfleet/stream.h"

namespace dockfleet::internal {

constexpr std::size_t kLargestPiece = 256 << 10;  // bytes of an upload in one message

// The context of one call.
class Context {
 public:
  explicit Context(const CallOptions& options) {
    if (options.deadline) context_.set_deadline(std::chrono::system_clock::now() + *options.deadline);
  }
  grpc::ClientContext* get() { return &context_; }
  void Cancel() {
    cancelled_ = true;
    context_.TryCancel();
  }
  bool cancelled() const { return cancelled_; }

 private:
  grpc::ClientContext context_;
  std::atomic<bool> cancelled_{false};
};

inline void Check(const grpc::Status& status) {
  if (!status.ok()) throw Error(status);
}

template <class Request>
Request WithHost(Request request, const std::string& host) {
  request.set_host(host);
  return request;
}

template <class Stub, class Request, class Response>
Response Unary(Stub& stub, grpc::Status (Stub::*rpc)(grpc::ClientContext*, const Request&, Response*),
               const Request& request, const CallOptions& options) {
  Context context(options);
  Response response;
  Check((stub.*rpc)(context.get(), request, &response));
  return response;
}

template <class Stub, class Request, class Response>
using StreamRpc = std::unique_ptr<grpc::ClientReader<Response>> (Stub::*)(grpc::ClientContext*, const Request&);

// One call with many responses.
template <class Reader, class Response>
class Call : public Stream<Response>::Source {
 public:
  explicit Call(const CallOptions& options) : context_(options) {}
  ~Call() override {
    context_.Cancel();
    if (reader_ != nullptr && !finished_) Finish();
  }
  bool Next(Response* response) override {
    if (finished_) return false;
    if (reader_->Read(response)) return true;
    grpc::Status status = Finish();
    if (!context_.cancelled()) Check(status);
    return false;
  }
  void Cancel() override { context_.Cancel(); }

  Context context_;
  std::unique_ptr<Reader> reader_;

 private:
  grpc::Status Finish() {
    finished_ = true;
    for (Response rest; reader_->Read(&rest);) continue;  // gRPC wants all responses read before Finish
    return reader_->Finish();
  }
  bool finished_ = false;
};

template <class Stub, class Request, class Response>
std::unique_ptr<typename Stream<Response>::Source> Begin(Stub& stub, StreamRpc<Stub, Request, Response> rpc,
                                                         const Request& request, const CallOptions& options) {
  auto call = std::make_unique<Call<grpc::ClientReader<Response>, Response>>(options);
  call->reader_ = (stub.*rpc)(call->context_.get(), request);
  return call;
}

template <class Stub, class Request, class Response>
Stream<Response> Responses(Stub& stub, StreamRpc<Stub, Request, Response> rpc, const Request& request,
                           const CallOptions& options) {
  return Stream<Response>(Begin(stub, rpc, request, options));
}

// Writes the bytes of a stream to `out`, whose failure ends the call.
template <class Stub, class Request, class Response>
void Download(Stub& stub, StreamRpc<Stub, Request, Response> rpc, const Request& request, std::ostream& out,
              const CallOptions& options) {
  auto call = Begin(stub, rpc, request, options);
  for (Response response; call->Next(&response);) {
    if (!out.write(response.data().data(), static_cast<std::streamsize>(response.data().size()))) {
      throw std::ios_base::failure("the bytes of the download cannot be written");
    }
  }
}

// Sends the start and the data.  It stops where the call has ended: why is what the call says.
template <class Request, class Writer, class Start>
void SendAll(Writer& writer, const Start& start, std::istream& data) {
  Request request;
  *request.mutable_start() = start;
  std::string piece(kLargestPiece, '\0');
  while (writer.Write(request)) {
    data.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    if (data.bad()) throw std::ios_base::failure("the bytes of the upload cannot be read");
    if (data.gcount() == 0) break;
    request.set_data(piece.data(), static_cast<std::size_t>(data.gcount()));
  }
  writer.WritesDone();
}

template <class Stub, class Request, class Response, class Start>
Response Upload(Stub& stub, std::unique_ptr<grpc::ClientWriter<Request>> (Stub::*rpc)(grpc::ClientContext*, Response*),
                const Start& start, std::istream& data, const CallOptions& options) {
  Context context(options);
  Response response;
  auto writer = (stub.*rpc)(context.get(), &response);
  try {
    SendAll<Request>(*writer, start, data);
  } catch (...) {
    context.Cancel();
    writer->Finish();
    throw;
  }
  Check(writer->Finish());
  return response;
}

// An upload with many responses.  A thread sends while the program reads.
template <class Request, class Response>
class UploadCall : public Call<grpc::ClientReaderWriter<Request, Response>, Response> {
 public:
  using Call<grpc::ClientReaderWriter<Request, Response>, Response>::Call;
  ~UploadCall() override {
    this->context_.Cancel();
    if (sender_.joinable()) sender_.join();
  }
  template <class Start>
  void Send(const Start& start, std::istream& data) {
    sender_ = std::thread([this, start, &data] {
      try {
        SendAll<Request>(*this->reader_, start, data);
      } catch (...) {
        failure_ = std::current_exception();
        this->context_.Cancel();
      }
    });
  }
  bool Next(Response* response) override {
    if (Call<grpc::ClientReaderWriter<Request, Response>, Response>::Next(response)) return true;
    if (sender_.joinable()) sender_.join();
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
    return false;
  }

 private:
  std::exception_ptr failure_;
  std::thread sender_;
};

template <class Stub, class Request, class Response>
using SessionRpc = std::unique_ptr<grpc::ClientReaderWriter<Request, Response>> (Stub::*)(grpc::ClientContext*);

// `data` must live as long as the stream.
template <class Stub, class Request, class Response, class Start>
Stream<Response> UploadResponses(Stub& stub, SessionRpc<Stub, Request, Response> rpc, const Start& start,
                                 std::istream& data, const CallOptions& options) {
  auto call = std::make_unique<UploadCall<Request, Response>>(options);
  call->reader_ = (stub.*rpc)(call->context_.get());
  call->Send(start, data);
  return Stream<Response>(std::move(call));
}

template <class Request, class Response>
class SessionCall : public Session::Source {
 public:
  explicit SessionCall(const CallOptions& options) : call_(options) {}

  bool Next(v1::OutputChunk* output, Session* session) override {
    for (Response response; call_.Next(&response);) {
      if (response.has_started()) session->started = response.started();
      if (response.has_dropped()) session->dropped_bytes += response.dropped().bytes();
      if (response.has_end()) session->end = response.end();
      if (response.has_output()) {
        *output = std::move(*response.mutable_output());
        return true;
      }
    }
    return false;
  }
  bool Write(std::string_view data) override {
    for (; !data.empty(); data.remove_prefix(std::min(data.size(), kLargestPiece))) {
      Request request;
      request.set_stdin(std::string(data.substr(0, kLargestPiece)));
      if (!Send(request)) return false;
    }
    return true;
  }
  bool CloseStdin() override {
    Request request;
    request.mutable_close_stdin();
    return Send(request);
  }
  bool Resize(std::uint32_t height, std::uint32_t width) override {
    Request request;
    request.mutable_resize()->set_height(height);
    request.mutable_resize()->set_width(width);
    return Send(request);
  }
  void Cancel() override { call_.Cancel(); }

  bool Send(const Request& request) {
    std::lock_guard<std::mutex> lock(sending_);
    return call_.reader_->Write(request);
  }

  Call<grpc::ClientReaderWriter<Request, Response>, Response> call_;

 private:
  std::mutex sending_;
};

template <class Stub, class Request, class Response, class Start>
Session OpenSession(Stub& stub, SessionRpc<Stub, Request, Response> rpc, const Start& start,
                    const CallOptions& options) {
  auto session = std::make_unique<SessionCall<Request, Response>>(options);
  session->call_.reader_ = (stub.*rpc)(session->call_.context_.get());
  Request request;
  *request.mutable_start() = start;
  session->Send(request);  // why it failed is what the first response says
  return Session(std::move(session));
}

}  // namespace dockfleet::internal

#endif  // DOCKFLEET_CALLS_H_
