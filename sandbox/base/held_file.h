#pragma once
/// A file that is written later, found before anybody could change what its name leads to.

#include <string>
#include <string_view>

#include "sandbox/base/result.h"
#include "sandbox/base/unique_fd.h"

namespace rune {

class HeldFile {
 public:
  /// Links on the way are followed now, and never again. What is there and no regular file (a device, a pipe) is opened
  /// now, without waiting for whoever is at its other end: an error, when nobody is.
  static Result<HeldFile> Hold(const std::string& path);

  /// All of it or, on an error, nothing: temporary file in the directory that was held, rename(2), whatever has been
  /// put there meanwhile. A device or pipe is written to, for as long as somebody takes it.
  Result<void> Write(std::string_view data) const;

 private:
  HeldFile(std::string path, std::string name) : path_(std::move(path)), name_(std::move(name)) {}
  Result<void> Replace(std::string_view data) const;
  Result<void> Pass(std::string_view data) const;

  std::string path_;  ///< For messages.
  std::string name_;
  UniqueFd directory_;
  UniqueFd special_;
};

}  // namespace rune
