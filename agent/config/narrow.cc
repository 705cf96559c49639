#include "agent/config/narrow.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>

#include "sandbox/base/list.h"
#include "sandbox/base/paths.h"
#include "sandbox/base/text.h"
#include "sandbox/domain_allowlist.h"

namespace rune::agent {
namespace {

using List = std::vector<std::string>;
using Covers = std::function<bool(const std::string& wide, const std::string& narrow)>;

const List& Strings(const Value& value) { return Held<List>(value); }

/// Absolute, links resolved as far as the path exists.
std::string Resolve(const std::string& path, const std::string& cwd) {
  const std::string plain = NormalizePath(path, cwd);
  std::error_code error;
  const auto resolved = std::filesystem::weakly_canonical(plain, error);
  return error ? plain : NormalizePath(resolved.string(), cwd);
}

bool CoversCommand(const std::string& wide, const std::string& narrow) { return wide == "*" || wide == narrow; }

/// What both lists allow: of two entries of which one covers the other, the narrow one.
Narrowed Intersect(const List& current, const List& proposed, const Covers& covers) {
  Narrowed out;
  List kept;
  for (const std::string& entry : proposed) {
    bool covered = false;
    for (const std::string& allowed : current) {
      if (covers(allowed, entry)) {
        AddOnce(kept, entry);
        covered = true;
      } else if (covers(entry, allowed)) {
        AddOnce(kept, allowed);
      }
    }
    if (!covered) out.dropped.push_back(entry);
  }
  out.value = std::move(kept);
  return out;
}

Narrowed IntersectPaths(const List& current, const List& proposed, const std::string& cwd) {
  const auto resolve_all = [&](const List& paths) {
    List out;
    for (const std::string& path : paths) out.push_back(Resolve(path, cwd));
    return out;
  };
  return Intersect(resolve_all(current), resolve_all(proposed),
                   [](const std::string& wide, const std::string& narrow) { return IsBelow(narrow, wide); });
}

Narrowed Unite(List current, const List& proposed) {
  for (const std::string& entry : proposed) AddOnce(current, entry);
  return {.value = std::move(current)};
}

template <typename T>
Narrowed Minimum(T current, T proposed) {
  const bool lower = proposed != 0 && (current == 0 || proposed <= current);
  if (!lower) return {.refused = proposed != current};
  return {.value = proposed};
}

Narrowed StricterWord(const Setting& setting, const std::string& current, const std::string& proposed) {
  const auto words = Split(setting.choices, '|');
  const auto rank = [&](const std::string& word) { return std::find(words.begin(), words.end(), word); };
  if (rank(proposed) > rank(current)) return {.refused = true};
  return {.value = proposed};
}

Narrowed StricterEnforcement(const List& current, const List& proposed) {
  if (proposed == List{"require"} || current == List{"best-effort"}) return {.value = proposed};
  if (current == List{"require"} || proposed == List{"best-effort"}) return {.refused = current != proposed};
  return Unite(current, proposed);
}

}  // namespace

Narrowed Narrow(const Setting& setting, const Value& current, const Value& proposed, const std::string& cwd) {
  switch (setting.narrow) {
    case NarrowRule::kIgnored:
      return {.refused = current != proposed};
    case NarrowRule::kMinimum:
      if (std::holds_alternative<double>(current)) return Minimum(Held<double>(current), Held<double>(proposed));
      return Minimum(Held<std::int64_t>(current), Held<std::int64_t>(proposed));
    case NarrowRule::kIntersect:
      if (setting.type == ValueType::kPaths) return IntersectPaths(Strings(current), Strings(proposed), cwd);
      return Intersect(Strings(current), Strings(proposed),
                       setting.type == ValueType::kDomains ? Covers(sandbox::CoversEntry) : CoversCommand);
    case NarrowRule::kUnite:
      return Unite(Strings(current), Strings(proposed));
    case NarrowRule::kStricter:
      if (setting.type == ValueType::kEnforcement) return StricterEnforcement(Strings(current), Strings(proposed));
      return StricterWord(setting, Held<std::string>(current), Held<std::string>(proposed));
    case NarrowRule::kInside:
      if (!IsBelow(Resolve(Held<std::string>(proposed), cwd), Resolve(".", cwd))) return {.refused = true};
      return {.value = proposed};
  }
  std::abort();
}

Value InForce(const Setting& setting, const Config& config, PolicyMode mode) {
  if (auto value = CurrentValue(setting, config)) return std::move(*value);
  return setting.key == "policy.mode" ? Value(std::string(PolicyModeName(mode))) : Value(false);
}

}  // namespace rune::agent
