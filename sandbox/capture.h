#pragma once
/// Takes in a stream of any length at a bounded cost in memory: head and tail are kept, the whole goes to a file.

#include <cstdint>
#include <string>
#include <string_view>

#include "sandbox/base/result.h"
#include "sandbox/base/unique_fd.h"
#include "sandbox/report.h"

namespace rune::sandbox {

class Capture {
 public:
  struct Options {
    std::size_t keep_head = 0;
    std::size_t keep_tail = 0;
    int directory = -1;  ///< Borrowed: where the rest goes when the stream outgrows head and tail ...
    std::string
        spill_path;  ///< ... to a file with this name, which must not exist. Its directory is for the report alone.
  };
  explicit Capture(Options options) : options_(std::move(options)) {}

  void Append(std::string_view data);
  std::uint64_t total() const { return total_; }
  /// Ends the capture.
  Stream Take();

 private:
  void Spill(std::string_view data);

  Options options_;
  std::string head_;  ///< Everything until it outgrows head and tail together.
  std::string tail_;
  std::uint64_t total_ = 0;
  bool overflowed_ = false;
  UniqueFd spill_;
};

/// The other direction: what a command reads, as a file in memory that cannot fill up; /dev/null for nothing.
Result<UniqueFd> StdinFor(const std::string& data);

}  // namespace rune::sandbox
