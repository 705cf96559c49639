#include "sandbox/guardian/process_tree.h"

#include <dirent.h>
#include <unistd.h>

#include <optional>

#include "sandbox/base/files.h"
#include "sandbox/base/text.h"

namespace rune::sandbox {
namespace {

constexpr std::size_t kSmallFile = 64 << 10;

/// "pid (comm) S ppid ...": the name may hold anything, so fields count from the last parenthesis.
std::optional<ProcessInfo> ReadProcess(pid_t pid) {
  const std::string dir = "/proc/" + std::to_string(pid);
  const auto stat = ReadFile(dir + "/stat", kSmallFile);
  if (!stat.ok()) return std::nullopt;
  const std::size_t close = stat->rfind(')');
  if (close == std::string::npos || close + 2 >= stat->size()) return std::nullopt;
  const auto fields = Split(std::string_view(*stat).substr(close + 2), ' ');
  if (fields.size() < 18) return std::nullopt;
  ProcessInfo info;
  info.pid = pid;
  info.state = fields[0].empty() ? '?' : fields[0][0];
  info.parent = static_cast<pid_t>(ParseInt(fields[1]).value_or(0));
  info.threads = static_cast<std::uint32_t>(ParseInt(fields[17]).value_or(1));
  if (const auto statm = ReadFile(dir + "/statm", kSmallFile); statm.ok()) {
    const auto pages = Split(*statm, ' ');
    if (pages.size() >= 3) {
      const std::int64_t own = ParseInt(pages[1]).value_or(0) - ParseInt(pages[2]).value_or(0);
      if (own > 0)
        info.private_bytes = static_cast<std::uint64_t>(own) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    }
  }
  return info;
}

template <typename F>
void ForEachNumberedEntry(const char* path, F visit) {
  DIR* dir = ::opendir(path);
  if (dir == nullptr) return;
  while (const dirent* entry = ::readdir(dir)) {
    if (const auto number = ParseInt(entry->d_name)) visit(static_cast<pid_t>(*number));
  }
  ::closedir(dir);
}

}  // namespace

std::vector<ProcessInfo> ListProcesses() {
  std::vector<ProcessInfo> all;
  ForEachNumberedEntry("/proc", [&](pid_t pid) {
    if (auto info = ReadProcess(pid)) all.push_back(*info);
  });
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
