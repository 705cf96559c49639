#pragma once
/// Which hosts are reached without a proxy: the text of a no_proxy variable, read in one way by all that go through
/// one. There is no standard for it; this is what curl and most others agree on. Pure.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/address.h"

namespace rune::sandbox {

class NoProxy {
 public:
  NoProxy() = default;
  /// Entries between commas or blanks: a name, which means those below it as well, with or without "." or "*." before
  /// it; an address, or a range of them ("10.0.0.0/8"); "*", which is every host. What is none of these covers nothing.
  explicit NoProxy(std::string_view text);

  /// `host` is a name or an address, which may stand in brackets.
  bool Covers(std::string_view host) const;

 private:
  struct Range {
    IpAddress network;
    int bits = 0;
  };
  bool every_ = false;
  std::vector<std::string> names_;
  std::vector<Range> ranges_;
};

}  // namespace rune::sandbox
