#include "sandbox/guard/guard_routes.h"

#include <algorithm>

#include "sandbox/network/denial_notes.h"

namespace rune::sandbox {
namespace {

constexpr std::uint16_t kDnsPort = 53;

}  // namespace

std::string Route::Text() const {
  if (target.name.empty()) return Format(Endpoint{target.address, target.port, 0});
  return target.name + ":" + std::to_string(target.port);
}

Remedy Route::WayOpen() const { return DomainRemedy(target.key(), target.port); }

GuardRoutes::GuardRoutes(Options options, const ResolverConfig& resolver) : options_(std::move(options)) {
  for (const auto& [name, address] : resolver.hosts) {
    if (options_.every_target || options_.rules->KnowsName(name)) hosts_.emplace(Unwrap(address), name);
  }
}

Route GuardRoutes::To(const Endpoint& wanted) const {
  Route route;
  RelayTarget& target = route.target;
  target.address = Unwrap(wanted.address);
  target.port = wanted.port;
  // Linux connects to loopback.
  if (KindOf(target.address) == AddressKind::kUnspecified) {
    target.address = *ParseIp(target.address.is_v4() ? "127.0.0.1" : "::1");
  }
  if (target.port == kDnsPort) {
    route.kind = Route::Kind::kResolver;
    route.permitted = true;
    return route;
  }
  const AddressKind kind = KindOf(target.address);
  if (kind == AddressKind::kLoopback) {
    if (const auto own = options_.own_listener(target.address, target.port)) {
      route.kind = Route::Kind::kOwnListener;
      route.own = *own;
      route.permitted = true;
      return route;
    }
  }
  if (kind == AddressKind::kFake) {
    const auto name = options_.dns->NameOf(target.address);
    if (!name) return route;
    target.name = *name;
    route.permitted = options_.rules->AllowsName(*name, target.port);
  } else if (options_.rules->AllowsAddress(target.address, target.port)) {
    route.permitted = true;
  } else {
    const auto [first, last] = hosts_.equal_range(target.address);
    const auto allowed = std::find_if(
        first, last, [&](const auto& entry) { return options_.rules->AllowsName(entry.second, target.port); });
    route.permitted = allowed != last;
    if (route.permitted) {
      target.name = allowed->second;
    } else if (options_.every_target && first != last) {
      target.name = first->second;
    }
  }
  if (route.permitted || options_.every_target) route.kind = Route::Kind::kRelay;
  return route;
}

}  // namespace rune::sandbox
