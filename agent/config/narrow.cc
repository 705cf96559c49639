#include "agent/config/narrow.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>

#include "sandbox/base/paths.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

using List = std::vector<std::string>;
using Covers = std::function<bool(const std::string& wide, const std::string& narrow)>;

const List& Strings(const Value& value) { return Held<List>(value); }
bool Contains(const List& list, const std::string& entry) {
  return std::find(list.begin(), list.end(), entry) != list.end();
}
void AddOnce(List& list, const std::string& entry) {
  if (!Contains(list, entry)) list.push_back(entry);
}

/// Absolute, links resolved as far as the path exists.
std::string Resolve(const std::string& path, const std::string& cwd) {
  const std::string plain = NormalizePath(path, cwd);
  std::error_code error;
  const auto resolved = std::filesystem::weakly_canonical(plain, error);
  return error ? plain : NormalizePath(resolved.string(), cwd);
}

bool CoversCommand(const std::string& wide, const std::string& narrow) { return wide == "*" || wide == narrow; }

bool CoversDomain(const std::string& wide, const std::string& narrow) {
  if (wide == "*") return true;
  const auto split = [](const std::string& rule) {
    const std::string lower = ToLower(rule);
    const std::size_t colon = lower.rfind(':');
    if (colon == std::string::npos) return std::pair<std::string, std::string>(lower, "");
    return std::pair<std::string, std::string>(lower.substr(0, colon), lower.substr(colon + 1));
  };
  const auto [wide_host, wide_port] = split(wide);
  const auto [narrow_host, narrow_port] = split(narrow);
  // A name without a port means 80 and 443.
  const bool usual = wide_port.empty() && (narrow_port == "80" || narrow_port == "443");
  if (wide_port != narrow_port && !usual) return false;
  if (wide_host == narrow_host) return true;
  // "*.example.com" covers "a.example.com" and "*.a.example.com".
  return wide_host.starts_with("*.") && narrow_host.size() >= wide_host.size() &&
         narrow_host.ends_with(wide_host.substr(1));
}

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
  switch (setting.project) {
    case ProjectRule::kIgnored:
      return {.refused = current != proposed};
    case ProjectRule::kMinimum:
      if (setting.type == ValueType::kNumber) return Minimum(Held<double>(current), Held<double>(proposed));
      return Minimum(Held<std::int64_t>(current), Held<std::int64_t>(proposed));
    case ProjectRule::kIntersect:
      if (setting.type == ValueType::kPaths) return IntersectPaths(Strings(current), Strings(proposed), cwd);
      return Intersect(Strings(current), Strings(proposed),
                       setting.key == "policy.allowed_domains" ? CoversDomain : CoversCommand);
    case ProjectRule::kUnite:
      return Unite(Strings(current), Strings(proposed));
    case ProjectRule::kStricter:
      if (setting.type == ValueType::kEnforcement) return StricterEnforcement(Strings(current), Strings(proposed));
      return StricterWord(setting, Held<std::string>(current), Held<std::string>(proposed));
    case ProjectRule::kInside:
      if (!IsBelow(Resolve(Held<std::string>(proposed), cwd), Resolve(".", cwd))) return {.refused = true};
      return {.value = proposed};
  }
  std::abort();
}

}  // namespace rune::agent
