#include "sandbox/base/paths.h"

#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

#include "sandbox/base/text.h"

namespace rune {

std::string NormalizePath(std::string_view path, std::string_view base) {
  std::string joined;
  if (path.empty() || path.front() != '/') joined.append(base).append("/");
  joined.append(path);
  std::vector<std::string_view> parts;
  for (const std::string_view part : Split(joined, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
    } else {
      parts.push_back(part);
    }
  }
  std::string out;
  for (const std::string_view part : parts) out.append("/").append(part);
  return out.empty() ? "/" : out;
}

bool IsBelow(std::string_view path, std::string_view root) {
  if (root == "/") return true;
  return path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '/');
}

bool IsBelowAny(std::string_view path, const std::vector<std::string>& roots) {
  return std::any_of(roots.begin(), roots.end(), [&](const std::string& root) { return IsBelow(path, root); });
}

std::optional<std::string> RealPath(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
  if (real == nullptr) return std::nullopt;
  return std::string(real.get());
}

std::string_view FileName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string ParentOf(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(slash == 0 ? "/" : path.substr(0, slash));
}

std::string ExpandHome(std::string_view path, std::string_view home) {
  const bool expands = !home.empty() && (path == "~" || path.starts_with("~/"));
  return expands ? std::string(home).append(path.substr(1)) : std::string(path);
}

std::string CurrentDirectory() {
  std::array<char, PATH_MAX> path{};
  const char* const known = ::getcwd(path.data(), path.size());
  return known == nullptr ? "/" : known;
}

}  // namespace rune
