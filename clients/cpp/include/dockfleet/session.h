// Sessions with a process: input up and output down at the same time.

#ifndef DOCKFLEET_SESSION_H_
#define DOCKFLEET_SESSION_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "dockfleet/v1/common.pb.h"

namespace dockfleet {

// A session.  One thread may write while another reads.  The end of the object ends the session; that kills the process
// of Exec, unless it has ON_DISCONNECT_KEEP.
class Session {
 public:
  class Source {
   public:
    virtual ~Source() = default;
    virtual bool Next(v1::OutputChunk* output, Session* session) = 0;
    virtual bool Write(std::string_view data) = 0;
    virtual bool CloseStdin() = 0;
    virtual bool Resize(std::uint32_t height, std::uint32_t width) = 0;
    virtual void Cancel() = 0;
  };

  explicit Session(std::unique_ptr<Source> source) : source_(std::move(source)) {}

  // Reads the next piece of output; false when the process has ended.  A piece is not a line.
  bool Next(v1::OutputChunk* output) { return source_->Next(output, this); }
  // Sends bytes to standard input; false when the session has ended.
  bool Write(std::string_view data) { return source_->Write(data); }
  // Ends standard input.  Output continues.
  bool CloseStdin() { return source_->CloseStdin(); }
  // Sets the size of the terminal, in characters.
  bool Resize(std::uint32_t height, std::uint32_t width) { return source_->Resize(height, width); }
  // Ends the session.  Any thread may call it.
  void Cancel() { source_->Cancel(); }

  // The first response; unset before it was read.
  std::optional<v1::SessionStarted> started;
  // The last response; unset before it was read.
  std::optional<v1::SessionEnd> end;
  // How much output is missing so far because this program did not read in time.
  std::uint64_t dropped_bytes = 0;

  // The exit code of the process; absent before the end, and when it is not known: see `end`.
  std::optional<std::int64_t> exit_code() const {
    if (!end || !end->has_exit_code()) return std::nullopt;
    return end->exit_code();
  }

 private:
  std::unique_ptr<Source> source_;
};

}  // namespace dockfleet

#endif  // DOCKFLEET_SESSION_H_
