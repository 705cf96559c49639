#pragma once
/// Which names and addresses a confined command may reach. Pure matching, one implementation for policy texts, the
/// resolver, the relay and fetches that need no command.
///
/// Entries: "name" (exactly that name), "*.suffix" (one or more labels in front of it, never the suffix itself), an
/// address or a range ("10.0.0.5", "10.0.0.0/8", "[fd00::1]", "[fd00::]/8"), each with an optional ":port"; without a
/// port a name means 80 and 443 and an address or range means every port. "*" is everything: see every().
/// Names and addresses never imply each other, but "localhost" is 127.0.0.1 and ::1, and an address entry also opens
/// the private range it names to the names that lead there.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/address.h"
#include "sandbox/base/result.h"

namespace rune::sandbox {

/// True when the entry `wide` allows everything that the entry `narrow` allows. What is no entry is covered by itself
/// and by "*".
bool CoversEntry(std::string_view wide, std::string_view narrow);

class DomainAllowlist {
 public:
  /// kInvalidInput naming the entry and what is wrong with it.
  static Result<DomainAllowlist> Parse(const std::vector<std::string>& entries);

  bool every() const { return every_; }
  bool empty() const { return !every_ && names_.empty() && ranges_.empty(); }
  /// Whether any port of `name` (normalised) is allowed: then it may be looked up.
  bool KnowsName(std::string_view name) const;
  bool AllowsName(std::string_view name, std::uint16_t port) const;
  /// By an address or range entry alone: "*" does not count. `address` is unwrapped first (Unwrap()).
  bool AllowsAddress(const IpAddress& address, std::uint16_t port) const;
  /// The entry, without its port, against whose limit counts what is sent to `host` (a name or an address): of several
  /// that cover it the narrowest. "": none does.
  std::string AccountOf(std::string_view host) const;

 private:
  struct Name {
    bool subdomains = false;
    std::string suffix;
    std::uint16_t port = 0;  ///< 0: 80 and 443.
  };
  struct Range {
    IpAddress address;
    std::uint8_t prefix = 0;  ///< Bits.
    std::uint16_t port = 0;   ///< 0: every one.
  };
  void AddLoopback(std::uint16_t port);
  static bool Covers(const Name& entry, std::string_view name);

  bool every_ = false;
  std::vector<Name> names_;
  std::vector<Range> ranges_;
};

/// The entry that allows a name (normalised) or an address with `port`, and as little else as an entry can: a name
/// alone for 80, 443 and 0, which is a lookup. nullopt when none does: no host name, one of our own addresses, port 0
/// of an address.
std::optional<std::string> EntryFor(std::string_view host, std::uint16_t port);

}  // namespace rune::sandbox
