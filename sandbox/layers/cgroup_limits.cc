#include "sandbox/layers/cgroup_limits.h"

#include <algorithm>

#include "sandbox/base/files.h"
#include "sandbox/base/paths.h"
#include "sandbox/base/text.h"

namespace rune::sandbox {
namespace {

/// Limits that say on which device or processor: no number that could be taken along. Where one is set a run stays
/// where it is.
constexpr const char* kNotNumbers[] = {"cpuset.cpus", "cpuset.mems", "io.max", "io.latency"};
/// What version 1 shows where nothing is limited: the largest number of whole pages.
constexpr std::int64_t kUnlimited = std::int64_t{1} << 62;

/// The number of a control file; none for "max" and for a file that is not there.
std::optional<std::uint64_t> ControlNumber(const std::string& path) {
  const auto number = ParseInt(ReadControl(path));
  if (!number || *number < 0 || *number >= kUnlimited) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

void TakeSmaller(std::optional<std::uint64_t>& least, std::optional<std::uint64_t> other) {
  if (other && (!least || *other < *least)) least = other;
}

/// Thousandths of a processor; none for "max PERIOD".
std::optional<std::uint64_t> Share(const std::string& cpu_max) {
  const auto words = Split(cpu_max, ' ');
  if (words.size() != 2) return std::nullopt;
  const auto quota = ParseInt(words[0]);
  const auto period = ParseInt(words[1]);
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return static_cast<std::uint64_t>(*quota) * 1000 / static_cast<std::uint64_t>(*period);
}

}  // namespace

std::string ReadControl(const std::string& path) {
  const auto text = ReadFile(path, 64 << 10);
  return text.ok() ? std::string(Trim(*text)) : "";
}

Result<CgroupLimits> LimitsBetween(const std::string& own, const std::string& parent) {
  CgroupLimits least;
  for (std::string dir = own; dir != parent && IsBelow(dir, parent); dir = ParentOf(dir)) {
    for (const char* file : kNotNumbers) {
      if (!ReadControl(dir + "/" + file).empty())
        return Error{ErrorKind::kUnavailable,
                     dir + "/" + file + " limits this process, and a group beside it would not be"};
    }
    TakeSmaller(least.memory_max, ControlNumber(dir + "/memory.max"));
    TakeSmaller(least.memory_high, ControlNumber(dir + "/memory.high"));
    TakeSmaller(least.swap_max, ControlNumber(dir + "/memory.swap.max"));
    TakeSmaller(least.pids_max, ControlNumber(dir + "/pids.max"));
    const std::string cpu = ReadControl(dir + "/cpu.max");
    const auto share = Share(cpu);
    if (share && (least.cpu_max.empty() || *share < *Share(least.cpu_max))) least.cpu_max = cpu;
  }
  return least;
}

std::optional<std::uint64_t> MemoryLimitAbove(std::string own, const std::string& mount) {
  std::optional<std::uint64_t> least;
  if (ReadControl(own + "/memory.use_hierarchy") != "0") return least;
  for (; IsBelow(own, mount); own = ParentOf(own)) {
    TakeSmaller(least, ControlNumber(own + "/memory.limit_in_bytes"));
    if (own == mount) break;
  }
  return least;
}

}  // namespace rune::sandbox
