// What the methods of Host and Fleet take and return.

#ifndef DOCKFLEET_STREAM_H_
#define DOCKFLEET_STREAM_H_

#include <chrono>
#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>


namespace dockfleet {

// How a call is made.
struct CallOptions {
  // After which it ends with DEADLINE_EXCEEDED; absent for the gateway's own limits.
  std::optional<std::chrono::milliseconds> deadline;
};

// The responses of a call:
//
//   for (const auto& response : host.PullImage(request)) …
//
// The end of the object cancels the call.  A failure is thrown as an Error.
template <class Response>
class Stream {
 public:
  class Source {
   public:
    virtual ~Source() = default;
    // Reads the next response; false at the end.
    virtual bool Next(Response* response) = 0;
    virtual void Cancel() = 0;
  };

  explicit Stream(std::unique_ptr<Source> source) : source_(std::move(source)) {}

  // Reads the next response; false at the end, and after Cancel.
  bool Next(Response* response) { return source_->Next(response); }
  // Ends the call.  Any thread may call it.
  void Cancel() { source_->Cancel(); }

  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Response;
    using difference_type = std::ptrdiff_t;
    using pointer = const Response*;
    using reference = const Response&;

    explicit Iterator(Stream* stream) : stream_(stream) { ++*this; }
    reference operator*() const { return response_; }
    pointer operator->() const { return &response_; }
    Iterator& operator++() {
      if (stream_ != nullptr && !stream_->Next(&response_)) stream_ = nullptr;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return stream_ != other.stream_; }
    bool operator==(const Iterator& other) const { return stream_ == other.stream_; }

   private:
    Stream* stream_;
    Response response_;
  };
  Iterator begin() { return Iterator(this); }
  Iterator end() { return Iterator(nullptr); }

 private:
  std::unique_ptr<Source> source_;
};

}  // namespace dockfleet

#endif  // DOCKFLEET_STREAM_H_
