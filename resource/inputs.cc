#include "resource/inputs.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>

#include "agent/vision/image_type.h"
#include "sandbox/base/characters.h"
#include "sandbox/base/directory.h"
#include "sandbox/base/files.h"
#include "sandbox/base/list.h"
#include "sandbox/base/text.h"
#include "sandbox/base/unique_fd.h"

namespace rune::resource {
namespace {

constexpr std::array<std::string_view, 8> kVariables{
    "BUILD_ID",        "BUILD_NAME", "BUILD_JOB_NAME", "BUILD_PIPELINE_NAME",
    "BUILD_TEAM_NAME", "BUILD_URL",  "BUILD_STATUS",   "ATC_EXTERNAL_URL"};
// O_NONBLOCK: opening a FIFO must not wait for a writer.
constexpr std::size_t kMostPaths = 1'000;  // of one pattern
constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;

/// For kernels and seccomp profiles without openat2(2): one component at a time, no symbolic links at all.
int OpenStepwise(int root, std::string_view path) {
  UniqueFd directory(::dup(root));
  const auto parts = Split(path, '/');
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::string part(parts[i]);
    if (part.empty() || part == ".") continue;
    if (part == "..") return errno = EXDEV, -1;
    const bool last = i + 1 == parts.size();
    const int flags = last ? kFlags | O_NOFOLLOW : O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    UniqueFd next(RetryOnEintr([&] { return ::openat(directory.get(), part.c_str(), flags); }));
    if (!next.valid() || last) return next.Release();
    directory = std::move(next);
  }
  return errno = EISDIR, -1;
}

int OpenBeneath(int root, const std::string& path) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(kFlags);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  const auto fd =
      RetryOnEintr([&] { return static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)); });
  if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return fd;
  if (path.starts_with('/')) return errno = EXDEV, -1;
  return OpenStepwise(root, path);
}

bool IsNameChar(char c) { return IsUpper(c) || IsDigit(c) || c == '_'; }

std::string Shown(const std::string& path) { return "'" + OneLine(path, 200) + "'"; }

Error CannotOpen(const std::string& path) {
  if (errno == EXDEV || errno == ELOOP) return Error::Invalid(Shown(path) + " leads out of the build's inputs");
  return Error::Invalid(Error::FromErrno(Shown(path)).message);
}

/// The bytes of one file below `root`.
Result<std::string> ReadBytes(int root, const std::string& path, std::size_t max_bytes) {
  const std::string shown = Shown(path);
  const UniqueFd fd(OpenBeneath(root, path));
  if (!fd.valid()) return CannotOpen(path);
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return Error::FromErrno(shown);
  if (S_ISDIR(status.st_mode)) return Error::Invalid(shown + " is a directory; name a file");
  if (!S_ISREG(status.st_mode)) return Error::Invalid(shown + " is not a regular file");
  auto bytes = ReadAll(fd.get(), max_bytes);
  if (!bytes.ok()) return std::move(bytes).error().Wrap(shown);
  return bytes;
}

/// The names in a directory below `root` that match `pattern`, sorted; none when there is no such directory.
std::vector<std::string> MatchesIn(int root, const std::string& directory, const std::string& pattern) {
  std::vector<std::string> names;
  const UniqueFd opened(OpenBeneath(root, directory.empty() ? "." : directory));
  for (std::string& name : NamesIn(opened.get())) {
    if (::fnmatch(pattern.c_str(), name.c_str(), FNM_PERIOD) == 0) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// The paths that a pattern stands for, one path component after the other.
std::vector<std::string> Expand(int root, const std::string& pattern) {
  std::vector<std::string> paths{pattern.starts_with('/') ? "/" : ""};
  for (const std::string_view part : Split(pattern, '/')) {
    if (part.empty()) continue;
    std::vector<std::string> longer;
    for (const std::string& path : paths) {
      const std::string prefix = path.empty() || path == "/" ? path : path + "/";
      if (part.find_first_of("*?[") == std::string_view::npos) {
        longer.push_back(prefix + std::string(part));
        continue;
      }
      for (const std::string& name : MatchesIn(root, path, std::string(part))) longer.push_back(prefix + name);
    }
    paths = std::move(longer);
    if (paths.size() > kMostPaths) paths.resize(kMostPaths);
  }
  return paths;
}

}  // namespace

Result<std::string> ReadInput(const std::string& root, const std::string& path, std::size_t max_bytes) {
  RUNE_ASSIGN_OR_RETURN(const UniqueFd directory, OpenFile(root, O_PATH | O_DIRECTORY));
  RUNE_ASSIGN_OR_RETURN(const std::string bytes, ReadBytes(directory.get(), path, max_bytes));
  return MakeSafe(bytes).text;
}

Result<std::vector<agent::Image>> ReadImages(const std::string& root, const std::vector<std::string>& patterns,
                                             std::size_t most) {
  std::vector<agent::Image> images;
  if (patterns.empty()) return images;
  RUNE_ASSIGN_OR_RETURN(const UniqueFd directory, OpenFile(root, O_PATH | O_DIRECTORY));
  std::set<std::string> seen;
  for (const std::string& pattern : patterns) {
    const std::vector<std::string> paths = Expand(directory.get(), pattern);
    if (paths.empty()) return Error::Invalid(Shown(pattern) + " matches no file");
    for (const std::string& path : paths) {
      if (!seen.insert(path).second) continue;
      if (images.size() == most) return Error::Invalid("more than " + std::to_string(most) + " pictures (max_images)");
      RUNE_ASSIGN_OR_RETURN(std::string bytes, ReadBytes(directory.get(), path, agent::kMaxImageBytes));
      RUNE_ASSIGN_OR_RETURN(agent::Image image, agent::MakeImage(std::move(bytes), Shown(path)));
      images.push_back(std::move(image));
    }
  }
  return images;
}

std::string ExpandBuildVariables(std::string_view text, const Lookup& lookup) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool braced = text.substr(i).starts_with("${");
    const std::size_t start = i + (braced ? 2 : 1);
    std::size_t end = start;
    while (end < text.size() && IsNameChar(text[end])) ++end;
    const std::string_view name = text[i] == '$' ? text.substr(start, end - start) : std::string_view();
    const bool known = Contains(kVariables, name);
    if (!known || (braced && (end == text.size() || text[end] != '}'))) {
      out += text[i];
      continue;
    }
    out += lookup(std::string(name)).value_or("");
    i = braced ? end : end - 1;
  }
  return out;
}

}  // namespace rune::resource
