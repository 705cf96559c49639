#include "sandbox/no_proxy.h"

#include <algorithm>

#include "sandbox/base/text.h"

namespace rune::sandbox {
namespace {

std::string_view WithoutFinalDot(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return name;
}

std::string_view WithoutBrackets(std::string_view host) {
  return host.starts_with('[') && host.ends_with(']') ? host.substr(1, host.size() - 2) : host;
}

}  // namespace

NoProxy::NoProxy(std::string_view text) {
  constexpr std::string_view kBetween = ", \t\r\n";
  for (std::size_t at = text.find_first_not_of(kBetween); at != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(kBetween, at), text.size());
    std::string_view entry = text.substr(at, end - at);
    at = text.find_first_not_of(kBetween, end);
    const std::size_t slash = std::min(entry.find('/'), entry.size());
    if (const auto network = ParseIp(WithoutBrackets(entry.substr(0, slash)))) {
      const int most = network->size * 8;
      const auto bits = slash == entry.size() ? most : ParseInt(entry.substr(slash + 1)).value_or(-1);
      if (bits >= 0 && bits <= most) ranges_.push_back({*network, static_cast<int>(bits)});
      continue;
    }
    every_ = every_ || entry == "*";
    while (entry.starts_with('.') || entry.starts_with("*.")) entry.remove_prefix(1);
    entry = WithoutFinalDot(entry);
    if (!entry.empty()) names_.push_back(ToLower(entry));
  }
}

bool NoProxy::Covers(std::string_view host) const {
  if (every_) return true;
  host = WithoutBrackets(host);
  if (const auto address = ParseIp(host)) {
    return std::any_of(ranges_.begin(), ranges_.end(),
                       [&](const Range& range) { return IsWithin(*address, range.network, range.bits); });
  }
  const std::string name = ToLower(WithoutFinalDot(host));
  return std::any_of(names_.begin(), names_.end(), [&](const std::string& entry) {
    return name == entry || (name.ends_with(entry) && name[name.size() - entry.size() - 1] == '.');
  });
}

}  // namespace rune::sandbox
