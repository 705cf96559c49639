#include "sandbox/layers/cgroup_paths.h"

#include <optional>

#include "sandbox/base/list.h"
#include "sandbox/base/paths.h"
#include "sandbox/base/text.h"

namespace rune::sandbox {
namespace {

struct Mount {
  std::string root;  ///< The group that appears at `point`: not "/" inside a container without a cgroup namespace.
  std::string point;
};

bool HasWord(std::string_view list, std::string_view word) { return Contains(Split(list, ','), word); }

/// A line is "id parent major:minor root point options [optional ...] - type source super-options".
std::optional<Mount> FindMount(const CgroupTexts& texts, std::string_view controller) {
  for (const std::string_view line : Split(texts.mounts, '\n')) {
    const std::size_t dash = line.find(" - ");
    if (dash == std::string_view::npos) continue;
    const auto head = Split(line.substr(0, dash), ' ');
    const auto tail = Split(line.substr(dash + 3), ' ');
    if (head.size() < 5 || tail.size() < 3) continue;
    const bool wanted = controller.empty() ? tail[0] == "cgroup2" : tail[0] == "cgroup" && HasWord(tail[2], controller);
    if (wanted) return Mount{std::string(head[3]), std::string(head[4])};
  }
  return std::nullopt;
}

/// A line is "hierarchy:controllers:path", with hierarchy 0 and no controllers for v2.
std::optional<std::string> FindMembership(const CgroupTexts& texts, std::string_view controller) {
  for (const std::string_view line : Split(texts.membership, '\n')) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const bool wanted = controller.empty() ? line.starts_with("0::") : HasWord(controllers, controller);
    if (wanted) return std::string(line.substr(second + 1));
  }
  return std::nullopt;
}

}  // namespace

std::string OwnCgroup(const CgroupTexts& texts, std::string_view controller) {
  const auto mount = FindMount(texts, controller);
  const auto path = FindMembership(texts, controller);
  if (!mount || !path) return "";
  // A group that cannot be seen cannot have one below it, and any other would be free of its limits. The path of one
  // outside of a cgroup namespace begins with "/..".
  if (NormalizePath(*path, "/") != *path || !IsBelow(*path, mount->root)) return "";
  const std::string below = mount->root == "/" ? *path : path->substr(mount->root.size());
  return NormalizePath(mount->point + "/" + below, "/");
}

std::string CgroupMount(const CgroupTexts& texts, std::string_view controller) {
  const auto mount = FindMount(texts, controller);
  return mount ? mount->point : "";
}

}  // namespace rune::sandbox
