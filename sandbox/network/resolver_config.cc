#include <net/if.h>

#include <algorithm>
#include <optional>

#include "sandbox/base/files.h"
#include "sandbox/base/text.h"
#include "sandbox/domain_allowlist.h"
#include "sandbox/network/resolver.h"

namespace rune::sandbox {
namespace {

constexpr std::size_t kMaxServers = 3;
constexpr std::size_t kMaxSearch = 6;
constexpr std::uint16_t kDnsPort = 53;
constexpr std::size_t kMaxFile = 1u << 20;

std::vector<std::string_view> Words(std::string_view line) {
  std::vector<std::string_view> words;
  while (true) {
    const std::size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) return words;
    line.remove_prefix(begin);
    const std::size_t length = std::min(line.find_first_of(" \t\r"), line.size());
    words.push_back(line.substr(0, length));
    line.remove_prefix(length);
  }
}

/// "192.0.2.1", "2001:db8::1", "fe80::1%eth0" (RFC 4007 11).
std::optional<Endpoint> ParseServer(std::string_view text) {
  const std::size_t percent = text.find('%');
  const std::optional<IpAddress> address = ParseIp(text.substr(0, percent));
  if (!address) return std::nullopt;
  Endpoint server{*address, kDnsPort, 0};
  if (percent == std::string_view::npos) return server;
  const std::string zone(text.substr(percent + 1));
  const std::optional<std::int64_t> number = ParseInt(zone);
  server.scope = number ? static_cast<std::uint32_t>(*number) : ::if_nametoindex(zone.c_str());
  if (address->is_v4() || server.scope == 0) return std::nullopt;
  return server;
}

/// The value of "name:value" between 0 (or `low`) and `high`, the limits of resolv.conf(5).
std::optional<int> OptionValue(std::string_view option, std::string_view name, int low, int high) {
  if (!option.starts_with(name)) return std::nullopt;
  const std::optional<std::int64_t> value = ParseInt(option.substr(name.size()));
  if (!value) return std::nullopt;
  return static_cast<int>(std::clamp<std::int64_t>(*value, low, high));
}

void ReadOption(std::string_view option, ResolverConfig& config) {
  if (const auto ndots = OptionValue(option, "ndots:", 0, 15)) config.ndots = *ndots;
  if (const auto attempts = OptionValue(option, "attempts:", 1, 5)) config.attempts = *attempts;
  if (const auto seconds = OptionValue(option, "timeout:", 1, 30)) config.timeout = std::chrono::seconds(*seconds);
  if (option == "rotate") config.rotate = true;
  if (option == "use-vc") config.use_tcp = true;
}

void ReadResolvConfLine(const std::vector<std::string_view>& words, ResolverConfig& config) {
  if (words[0] == "nameserver" && words.size() > 1 && config.servers.size() < kMaxServers) {
    if (const auto server = ParseServer(words[1])) config.servers.push_back(*server);
  } else if (words[0] == "search" || words[0] == "domain") {
    config.search.clear();  // the last line of either kind counts
    const std::size_t wanted = words[0] == "domain" ? 1 : kMaxSearch;
    for (std::size_t i = 1; i < words.size() && config.search.size() < wanted; ++i) {
      if (auto suffix = NormalizeHostName(words[i])) config.search.push_back(std::move(*suffix));
    }
  } else if (words[0] == "options") {
    for (std::size_t i = 1; i < words.size(); ++i) ReadOption(words[i], config);
  }
}

}  // namespace

ResolverConfig ReadResolverConfig(const std::string& resolv_conf_text, const std::string& hosts_text) {
  ResolverConfig config;
  for (const std::string_view line : Split(resolv_conf_text, '\n')) {
    const std::vector<std::string_view> words = Words(line);
    if (words.empty() || words[0][0] == '#' || words[0][0] == ';') continue;
    ReadResolvConfLine(words, config);
  }
  if (config.servers.empty()) config.servers.push_back({{4, {127, 0, 0, 1}}, kDnsPort, 0});
  for (const std::string_view line : Split(hosts_text, '\n')) {
    const std::vector<std::string_view> words = Words(line.substr(0, line.find('#')));
    if (words.empty()) continue;
    const std::optional<IpAddress> address = ParseIp(words[0]);
    if (!address) continue;
    for (std::size_t i = 1; i < words.size(); ++i) {
      if (const auto name = NormalizeHostName(words[i])) config.hosts.emplace(*name, *address);
    }
  }
  return config;
}

ResolverConfig SystemResolverConfig() {
  const auto read = [](const char* path) {
    auto text = ReadFile(path, kMaxFile);
    return text.ok() ? std::move(text).value() : std::string();
  };
  return ReadResolverConfig(read("/etc/resolv.conf"), read("/etc/hosts"));
}

}  // namespace rune::sandbox
