#include "sandbox/process_list.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "sandbox/base/directory.h"
#include "sandbox/base/files.h"
#include "sandbox/base/text.h"

namespace rune::sandbox {
namespace {

constexpr std::size_t kSmallFile = 64 << 10;

/// The number after "<key>:" on a line of /proc/PID/status; amounts of memory are in kB.
std::uint64_t Number(std::string_view line, std::string_view key) {
  std::string_view text = Trim(line.substr(key.size()));
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, ParseInt(text.substr(0, text.find(' '))).value_or(0)));
}

std::optional<ProcessInfo> ReadProcess(pid_t pid) {
  const auto status = ReadFile("/proc/" + std::to_string(pid) + "/status", kSmallFile);
  if (!status.ok()) return std::nullopt;
  ProcessInfo info;
  info.pid = pid;
  info.threads = 1;
  for (const std::string_view line : Split(*status, '\n')) {
    if (line.starts_with("State:")) info.state = Trim(line.substr(6)).substr(0, 1)[0];
    if (line.starts_with("PPid:")) info.parent = static_cast<pid_t>(Number(line, "PPid:"));
    if (line.starts_with("Threads:")) info.threads = static_cast<std::uint32_t>(Number(line, "Threads:"));
    if (line.starts_with("FDSize:")) info.fd_slots = static_cast<std::uint32_t>(Number(line, "FDSize:"));
    // Not RssFile: pages of files can be dropped at any time. Shared memory cannot.
    for (const std::string_view key : {"RssAnon:", "RssShmem:"}) {
      if (line.starts_with(key)) info.private_bytes += Number(line, key) << 10;
    }
  }
  return info;
}

}  // namespace

bool CanSeeProcesses() { return ReadProcess(::getpid()).has_value(); }

std::vector<ProcessInfo> ListProcesses() {
  std::vector<ProcessInfo> all;
  for (const std::string& name : NamesIn("/proc")) {
    const auto pid = ParseInt(name);
    if (!pid) continue;
    if (auto info = ReadProcess(static_cast<pid_t>(*pid))) all.push_back(*info);
  }
  return all;
}

std::vector<pid_t> ChildrenOfSelf() {
  std::vector<pid_t> children;
  const auto text = ReadFile("/proc/self/task/" + std::to_string(::getpid()) + "/children", 1 << 20);
  if (text.ok()) {
    for (const auto word : Split(*text, ' ')) {
      if (const auto pid = ParseInt(word)) children.push_back(static_cast<pid_t>(*pid));
    }
    return children;
  }
  for (const ProcessInfo& info : ListProcesses()) {
    if (info.parent == ::getpid()) children.push_back(info.pid);
  }
  return children;
}

void KillStrayChildren(TimePoint deadline) {
  int subreaper = 0;
  ::prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
  if (subreaper == 0) return;
  for (auto strays = ChildrenOfSelf(); !strays.empty() && Clock::now() < deadline; strays = ChildrenOfSelf()) {
    for (const pid_t pid : strays) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, WNOHANG);
    }
    ::poll(nullptr, 0, 1);
  }
}

std::vector<pid_t> Tree(const std::vector<ProcessInfo>& all, pid_t root) {
  std::multimap<pid_t, pid_t> children;
  for (const ProcessInfo& info : all) children.emplace(info.parent, info.pid);
  std::vector<pid_t> tree{root};
  for (std::size_t i = 0; i < tree.size(); ++i) {
    const auto [first, last] = children.equal_range(tree[i]);
    for (auto it = first; it != last; ++it) tree.push_back(it->second);
  }
  return tree;
}

std::optional<CpuTimes> CpuTimesOf(pid_t pid) {
  const auto stat = ReadFile("/proc/" + std::to_string(pid) + "/stat", kSmallFile);
  if (!stat.ok()) return std::nullopt;
  // utime, stime, cutime and cstime, counted from the state, which stands behind a name that may hold anything.
  constexpr std::size_t kUtime = 11;
  const auto fields = Split(std::string_view(*stat).substr(std::min(stat->size(), stat->rfind(')') + 2)), ' ');
  const auto sum = [&](std::size_t first) {
    std::int64_t ticks = 0;
    for (std::size_t i = first; i < first + 2 && i < fields.size(); ++i) ticks += ParseInt(fields[i]).value_or(0);
    return std::chrono::microseconds(ticks * 1'000'000 / ::sysconf(_SC_CLK_TCK));
  };
  return CpuTimes{sum(kUtime), sum(kUtime + 2)};
}

TreeUsage UsageOfTree(const std::vector<ProcessInfo>& all, pid_t root) {
  std::map<pid_t, const ProcessInfo*> by_pid;
  for (const ProcessInfo& info : all) by_pid[info.pid] = &info;
  TreeUsage usage;
  for (const pid_t pid : Tree(all, root)) {
    const auto found = by_pid.find(pid);
    if (found == by_pid.end()) continue;
    usage.memory_bytes += found->second->private_bytes;
    usage.threads += found->second->threads;
  }
  return usage;
}

}  // namespace rune::sandbox
