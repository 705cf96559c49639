#include "sandbox/domain_allowlist.h"

#include <algorithm>
#include <utility>

#include "sandbox/base/characters.h"
#include "sandbox/base/text.h"

namespace rune::sandbox {
namespace {

using std::string_view;

constexpr string_view kLocalhost = "localhost";

/// One entry before it is known what it is.
struct Entry {
  std::string name;
  bool subdomains = false;
  std::optional<IpAddress> address;  ///< Instead of a name.
  std::uint8_t prefix = 0;
  std::uint16_t port = 0;
};

/// The length of a range, in bits.
std::optional<std::int64_t> ParseLength(string_view text, int bits) {
  if (!All(text, IsDigit) || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  const auto value = ParseInt(text);
  return value && *value <= bits ? value : std::nullopt;
}

/// The address with all bits behind `prefix` set to 0, or to 1.
IpAddress Edge(IpAddress address, int prefix, bool last) {
  for (int bit = prefix; bit < address.size * 8; ++bit) {
    std::uint8_t& byte = address.bytes[static_cast<std::size_t>(bit / 8)];
    const auto mask = static_cast<std::uint8_t>(0x80 >> (bit % 8));
    byte = static_cast<std::uint8_t>(last ? byte | mask : byte & ~mask);
  }
  return address;
}

/// `text` is what follows the address: "", "/8", ":80", "/8:80".
Result<Entry> ParseRange(const IpAddress& address, string_view text) {
  Entry entry;
  const int bits = address.size * 8;
  const std::size_t colon = std::min(text.find(':'), text.size());
  const string_view prefix = text.substr(0, colon);
  const auto length = prefix.starts_with('/') ? ParseLength(prefix.substr(1), bits) : std::optional(std::int64_t{bits});
  if (!length || (!prefix.empty() && prefix[0] != '/')) return Error::Invalid("a malformed length of the range");
  entry.prefix = static_cast<std::uint8_t>(*length);
  if (colon < text.size()) {
    const auto port = ParsePort(text.substr(colon + 1));
    if (!port) return Error::Invalid("a malformed port");
    entry.port = *port;
  }
  const IpAddress first = Edge(address, entry.prefix, false);
  const IpAddress last = Edge(address, entry.prefix, true);
  if (first != address) {
    return Error::Invalid("an address within the range instead of its first one, " + Format(first));
  }
  if (Unwrap(first) != first && Unwrap(last) != last) {
    return Error::Invalid("an IPv4 address inside an IPv6 one; write it as four decimal numbers");
  }
  entry.address = first;
  return entry;
}

Result<Entry> ParseEntry(string_view text) {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    const auto address = ParseIp(text.substr(1, end == string_view::npos ? end : end - 1));
    if (end == string_view::npos || !address || address->is_v4()) return Error::Invalid("a malformed IPv6 address");
    return ParseRange(*address, text.substr(end + 1));
  }
  if (text.find("://") != string_view::npos) return Error::Invalid("a URL instead of a host name");
  if (const auto v6 = ParseIp(text.substr(0, text.find('/'))); v6 && !v6->is_v4()) {
    return Error::Invalid("an IPv6 address without brackets");
  }
  const std::size_t host_end = std::min(text.find_first_of("/:"), text.size());
  if (const auto v4 = ParseIp(text.substr(0, host_end))) return ParseRange(*v4, text.substr(host_end));

  Entry entry;
  string_view name = text.substr(0, std::min(text.find(':'), text.size()));
  const string_view rest = text.substr(name.size());
  if (name.starts_with("*.")) {
    entry.subdomains = true;
    name.remove_prefix(2);
  }
  if (name.find('*') != string_view::npos) return Error::Invalid("'*' can only stand for the first parts of a name");
  const auto normal = NormalizeHostName(name);
  if (!normal) {
    return Error::Invalid("no host name (international names in their xn-- form, addresses as four decimal numbers)");
  }
  entry.name = *normal;
  if (rest.empty()) return entry;
  const auto port = ParsePort(rest.substr(1));
  if (!port) return Error::Invalid("a malformed port");
  entry.port = *port;
  return entry;
}

}  // namespace

bool CoversEntry(string_view wide, string_view narrow) {
  if (wide == "*" || wide == narrow) return true;
  const Result<Entry> outer = ParseEntry(wide);
  const Result<Entry> inner = ParseEntry(narrow);
  if (!outer.ok() || !inner.ok() || outer->address.has_value() != inner->address.has_value()) return false;
  if (outer->address) {
    if (outer->port != 0 && outer->port != inner->port) return false;
    return outer->address->size == inner->address->size && outer->prefix <= inner->prefix &&
           Edge(*inner->address, outer->prefix, false) == *outer->address;
  }
  const bool usual = outer->port == 0 && (inner->port == 80 || inner->port == 443);
  if (outer->port != inner->port && !usual) return false;
  if (outer->name == inner->name) return outer->subdomains == inner->subdomains;
  return outer->subdomains && inner->name.ends_with('.' + outer->name);
}

Result<DomainAllowlist> DomainAllowlist::Parse(const std::vector<std::string>& entries) {
  DomainAllowlist list;
  for (const std::string& text : entries) {
    if (text == "*") {
      list.every_ = true;
      continue;
    }
    Result<Entry> entry = ParseEntry(text);
    if (!entry.ok()) {
      return Error::Invalid("'" + OneLine(text) + "': " + entry.error().message +
                            "; write name, *.suffix, an address or a range, each with or without :port, or *");
    }
    if (entry->address) {
      list.ranges_.push_back({*entry->address, entry->prefix, entry->port});
    } else {
      if (entry->name == kLocalhost && !entry->subdomains) list.AddLoopback(entry->port);
      list.names_.push_back({entry->subdomains, std::move(entry->name), entry->port});
    }
  }
  return list;
}

/// The resolver answers "localhost" with these two and nothing else (RFC 6761 6.3), so that it names them.
void DomainAllowlist::AddLoopback(std::uint16_t port) {
  for (const char* const text : {"127.0.0.1", "::1"}) {
    const IpAddress address = *ParseIp(text);
    const auto bits = static_cast<std::uint8_t>(address.size * 8);
    if (port != 0) {
      ranges_.push_back({address, bits, port});
    } else {
      for (const std::uint16_t usual : {std::uint16_t{80}, std::uint16_t{443}})
        ranges_.push_back({address, bits, usual});
    }
  }
}

bool DomainAllowlist::Covers(const Name& entry, string_view name) {
  if (!entry.subdomains) return name == entry.suffix;
  // The dot keeps to whole labels; something has to stand in front of it.
  return name.size() > entry.suffix.size() + 1 && name.ends_with(entry.suffix) &&
         name[name.size() - entry.suffix.size() - 1] == '.';
}

bool DomainAllowlist::KnowsName(string_view name) const {
  return every_ || std::any_of(names_.begin(), names_.end(), [&](const Name& entry) { return Covers(entry, name); });
}

bool DomainAllowlist::AllowsName(string_view name, std::uint16_t port) const {
  return every_ || std::any_of(names_.begin(), names_.end(), [&](const Name& entry) {
           return (entry.port == 0 ? port == 80 || port == 443 : port == entry.port) && Covers(entry, name);
         });
}

bool DomainAllowlist::AllowsAddress(const IpAddress& address, std::uint16_t port) const {
  const IpAddress plain = Unwrap(address);
  return std::any_of(ranges_.begin(), ranges_.end(), [&](const Range& range) {
    return (range.port == 0 || range.port == port) && IsWithin(plain, range.address, range.prefix);
  });
}

std::string DomainAllowlist::AccountOf(string_view host) const {
  std::string narrowest = every_ ? "*" : "";
  std::size_t width = 0;
  const auto take = [&](std::size_t size, std::string account) {
    if (size <= width) return;
    width = size;
    narrowest = std::move(account);
  };
  if (const auto address = ParseIp(host)) {
    for (const Range& range : ranges_) {
      const bool single = range.prefix == range.address.size * 8;
      const std::string account = Format(range.address) + (single ? "" : "/" + std::to_string(range.prefix));
      if (IsWithin(Unwrap(*address), range.address, range.prefix)) take(std::size_t{1} + range.prefix, account);
    }
    return narrowest;
  }
  for (const Name& entry : names_) {
    // An exact name is longer than any suffix of it.
    if (Covers(entry, host)) take(entry.suffix.size(), (entry.subdomains ? "*." : "") + entry.suffix);
  }
  return narrowest;
}

std::optional<std::string> EntryFor(string_view host, std::uint16_t port) {
  const auto address = ParseIp(host);
  const bool usual = port == 0 || port == 80 || port == 443;
  std::string entry(host);
  if (address) {
    entry = Format(Endpoint{Unwrap(*address), port, 0});
  } else if (!usual) {
    entry += ":" + std::to_string(port);
  }
  const Result<DomainAllowlist> list = DomainAllowlist::Parse({entry});
  if (!list.ok() || list->every()) return std::nullopt;
  const bool allowed = address ? KindOf(*address) != AddressKind::kFake && list->AllowsAddress(*address, port)
                       : usual ? list->KnowsName(host)
                               : list->AllowsName(host, port);
  return allowed ? std::optional(entry) : std::nullopt;
}

}  // namespace rune::sandbox
