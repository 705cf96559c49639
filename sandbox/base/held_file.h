#pragma once
/// A file that is written later, found before anybody could change what its name leads to.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "sandbox/base/result.h"
#include "sandbox/base/unique_fd.h"

namespace rune {

class HeldFile {
 public:
  /// Links to its directory are followed now, and never again; a link in its own place is an error. What is there and
  /// no regular file (a device, a pipe) is opened now, without waiting for whoever is at its other end: an error, when
  /// nobody is. A descriptor that the caller gave (GivenDescriptor()) is taken as it is. `mode`: of the file written.
  static Result<HeldFile> Hold(const std::string& path, unsigned mode = 0644);
  bool is_regular() const { return !special_.valid(); }

  /// What lies there now, nullopt when nothing does; kInvalidInput for anything but a regular file.
  Result<std::optional<std::string>> Read(std::size_t max_bytes) const;
  /// All of it or, on an error, nothing: temporary file in the directory that was held, rename(2), whatever has been
  /// put there meanwhile. A device or pipe is written to, for as long as somebody takes it.
  Result<void> Write(std::string_view data) const;

 private:
  HeldFile(std::string path, unsigned mode) : path_(std::move(path)), mode_(mode) {}
  Result<void> Replace(std::string_view data) const;

  std::string path_;  ///< For messages.
  unsigned mode_;
  std::string name_;
  UniqueFd directory_;
  UniqueFd special_;
};

}  // namespace rune
