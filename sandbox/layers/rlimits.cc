#include "sandbox/layers/rlimits.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>

#include "sandbox/base/directory.h"
#include "sandbox/base/files.h"
#include "sandbox/base/text.h"

namespace rune::sandbox {
namespace {

constexpr rlim_t kMemlockBytes = 64 << 10;
constexpr rlim_t kStackBytes = 64 << 20;
/// Between SIGXCPU, which a program may handle, and SIGKILL.
constexpr rlim_t kCpuGraceSeconds = 2;

/// RLIM_INFINITY is the largest rlim_t, so the smaller value is always the tighter one.
int Lower(__rlimit_resource resource, rlim_t soft, rlim_t hard) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0) return errno;
  limit.rlim_max = std::min(limit.rlim_max, hard);
  limit.rlim_cur = std::min({limit.rlim_cur, soft, limit.rlim_max});
  return ::setrlimit(resource, &limit) == 0 ? 0 : errno;
}

/// The number after "<key>:" in a file of proc_pid_status(5).
std::uint64_t StatusNumber(std::string_view status, std::string_view key) {
  for (const std::string_view line : Split(status, '\n')) {
    if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != ':') continue;
    const std::string_view value = Trim(line.substr(key.size() + 1));
    const auto number = ParseInt(value.substr(0, value.find('\t')));
    return number && *number >= 0 ? static_cast<std::uint64_t>(*number) : 0;
  }
  return 0;
}

}  // namespace

int ApplyRlimits(const RlimitPlan& plan) {
  const CommandLimits& command = plan.command;
  struct Limit {
    __rlimit_resource resource;
    rlim_t soft;
    rlim_t hard;
  };
  const auto or_none = [](std::uint64_t value) { return value == 0 ? RLIM_INFINITY : rlim_t{value}; };
  const rlim_t cpu = or_none(command.cpu_seconds);
  const Limit limits[] = {
      {RLIMIT_CORE, 0, 0},
      {RLIMIT_MEMLOCK, kMemlockBytes, kMemlockBytes},
      {RLIMIT_MSGQUEUE, 0, 0},
      {RLIMIT_STACK, kStackBytes, kStackBytes},
      {RLIMIT_CPU, cpu, cpu == RLIM_INFINITY ? cpu : cpu + kCpuGraceSeconds},
      {RLIMIT_FSIZE, or_none(command.file_bytes), or_none(command.file_bytes)},
      {RLIMIT_NOFILE, command.open_files, command.open_files},
      {RLIMIT_DATA, or_none(plan.data_bytes), or_none(plan.data_bytes)},
      {RLIMIT_NPROC, or_none(plan.processes), or_none(plan.processes)},
  };
  for (const Limit& limit : limits) {
    if (const int err = Lower(limit.resource, limit.soft, limit.hard); err != 0) return err;
  }
  return 0;
}

std::uint64_t CountThreadsOf(unsigned uid) {
  std::uint64_t threads = 0;
  for (const std::string& name : NamesIn("/proc")) {
    if (!ParseInt(name)) continue;
    const auto status = ReadFile("/proc/" + name + "/status", 64 << 10);
    // A process that ended meanwhile has no threads.
    if (status.ok() && StatusNumber(*status, "Uid") == uid) threads += StatusNumber(*status, "Threads");
  }
  return threads;
}

}  // namespace rune::sandbox
