#include "sandbox/guardian/run_setup.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "sandbox/base/files.h"
#include "sandbox/base/paths.h"
#include "sandbox/layers/empty_network.h"
#include "sandbox/layers/landlock.h"
#include "sandbox/layers/namespaces.h"
#include "sandbox/layers/no_exec.h"
#include "sandbox/run_directory.h"

namespace rune::sandbox {
namespace {

/// Reading the memory of a process with another uid takes this (ptrace(2), access mode checking).
bool MayReadOthers() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3] = {};
  if (::syscall(SYS_capget, &header, held) != 0) return false;
  return (held[0].effective & (1u << CAP_SYS_PTRACE)) != 0;
}

/// RLIMIT_NPROC is counted per user namespace from Linux 5.14 on (getrlimit(2), ucounts in the kernel).
bool CountsPerUserNamespace() {
  utsname system{};
  int major = 0;
  int minor = 0;
  if (::uname(&system) != 0 || std::sscanf(system.release, "%d.%d", &major, &minor) != 2) return false;
  return major > 5 || (major == 5 && minor >= 14);
}

/// The directory on the way to `path`, itself included, that only its owner and group may enter; empty: none.
std::string ClosedToOthers(const std::string& path) {
  const auto real = RealPath(path);
  for (std::string dir = real.value_or("/"); dir != "/"; dir = ParentOf(dir)) {
    struct stat info{};
    if (::stat(dir.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && (info.st_mode & S_IXOTH) == 0) return dir;
  }
  return "";
}

}  // namespace

RunSetup::RunSetup(const SetupFrame& frame, std::vector<Pin> pins)
    : limits_(frame.limits), tmp_dir_(frame.tmp_dir), client_(::getppid()) {
  auto group = RunCgroup::Begin(limits_);
  ChooseIdentity(frame.first.files);
  tmp_lock_ = HoldRunDirectory(tmp_dir_);
  // Held from before the mounts: the way to remove the directory when the client cannot any more.
  tmp_parent_.Reset(::open(tmp_dir_.substr(0, tmp_dir_.rfind('/')).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  EnterMounts(frame.first.files, std::move(pins));
  if (frame.first.network != Network::kOpen) {
    if (auto empty = MakeEmptyNetwork(); empty.ok()) empty_network_ = std::move(empty).value();
  }
  // Saves every child some 40 system calls; a child that cannot rely on it does it itself.
  DropBoundingSet();
  // Only now: the files that map ids into a user namespace belong to root in a process that is not dumpable.
  ::prctl(PR_SET_DUMPABLE, 0);
  if (tmp_is_private_) {
    // So that the directory has the same name inside and outside.
    const std::string name = tmp_dir_.substr(tmp_dir_.rfind('/') + 1);
    [[maybe_unused]] const int ignored = ::symlink(".", ("/tmp/" + name).c_str());
  }
  JoinGroup(std::move(group));
  facts_.out_of_reach = {::getpid(), client_};
  if (tmp_is_private_ && mounts_.no_pids.empty()) ContinueWithOwnPids();
}

/// Last, with everything that knows this process by its number behind it: the group that it joined bears it.
void RunSetup::ContinueWithOwnPids() {
  OwnSockets::Ends ends = OwnSockets::Connect();
  bool entered = false;
  const auto leave = [&] {
    if (group_) group_->Quit();
    entered = ::setns(empty_network_.get(), CLONE_NEWNET) == 0;
  };
  const auto serve = [&](int requests) {
    if (entered) OwnSockets::Serve(requests);
  };
  auto placeholder = EnterOwnPids({.leave = leave, .kept = ends.server.get(), .serve = serve});
  if (!placeholder.ok()) std::abort();  // it was tried out: half of it is nothing to go on with
  ends.server.Reset();
  if (empty_network_.valid()) own_sockets_ = OwnSockets(std::move(ends.client));
  placeholder_ = std::move(placeholder).value();
  facts_.own_pids = true;
  facts_.out_of_reach.clear();
}

/// A guard reads addresses out of its commands' memory. Root without CAP_SYS_PTRACE, as in most containers, cannot do
/// that to another uid: then the guardian becomes that uid for good, which is all it needs from here on.
void RunSetup::Settle() {
  // Half a change is none: ids come before capabilities.
  if (identity_.change && identity_.uid != 0 && !MayReadOthers() && ApplyIdentity(identity_) == 0)
    identity_.change = false;
  if (identity_.change) {
    // Still root: files that are looked at for a command are looked at without root's groups.
    ::setgroups(0, nullptr);
    ::setfsgid(identity_.gid);
  }
  ::prctl(PR_SET_DUMPABLE, 0);  // a change of ids may have set it
}

void RunSetup::ChooseIdentity(const FileAccess& files) {
  // The private directory is handed over below, so it says nothing about who may write it.
  std::vector<std::string> writable = files.write;
  std::erase_if(writable, [&](const std::string& path) { return IsBelow(path, tmp_dir_); });
  // Nobody but its owner enters a home directory that is 0700.
  for (const auto* list : {&files.read, &files.execute}) {
    for (const std::string& path : *list) {
      if (IsBelow(path, tmp_dir_)) continue;
      if (std::string closed = ClosedToOthers(path); !closed.empty()) writable.push_back(std::move(closed));
    }
  }
  identity_ = PlanIdentity({.writable = std::move(writable), .landlock_abi = LandlockAbi()});
  facts_.identity = identity_.mechanism;
  if (!identity_.why.empty()) facts_.identity += " (" + identity_.why + ")";
  if (identity_.change && ::chown(tmp_dir_.c_str(), identity_.uid, identity_.gid) != 0) {
    facts_.identity += ", private directory not handed over";
  }
}

/// Where mounts can be made, /tmp becomes the private directory. What is granted below the real /tmp stays visible, for
/// reading only unless it, or a tree that it lies in, was granted for writing.
void RunSetup::EnterMounts(const FileAccess& files, std::vector<Pin> pins) {
  const auto below_tmp = [&](const std::vector<std::string>& paths) {
    std::vector<std::string> kept;
    for (const std::string& path : paths) {
      if (path != "/tmp" && IsBelow(path, "/tmp") && !IsBelow(path, tmp_dir_)) kept.push_back(path);
    }
    return kept;
  };
  std::vector<std::string> read_only = below_tmp(files.read);
  const std::vector<std::string> execute = below_tmp(files.execute);
  read_only.insert(read_only.end(), execute.begin(), execute.end());
  const std::vector<std::string> written = below_tmp(files.write);
  std::erase_if(read_only, [&](const std::string& path) { return IsBelowAny(path, written); });
  auto entered = tmp_dir_.empty() ? Result<Mounts>(Error{ErrorKind::kUnavailable, "no private directory"})
                                  : sandbox::EnterMounts({.tmp = tmp_dir_,
                                                          .keep = written,
                                                          .keep_read_only = std::move(read_only),
                                                          .pins = std::move(pins),
                                                          .tmp_executable = ExecutesTmp(files)});
  tmp_is_private_ = entered.ok();
  tmp_ = tmp_is_private_ ? "/tmp" : tmp_dir_;
  facts_.identity += tmp_is_private_ ? ", private /tmp" : ", /tmp shared with this machine";
  if (!tmp_is_private_) return;
  mounts_ = std::move(entered).value();
  CloseForExecution(files);
  if (mounts_.no_pids.empty()) facts_.identity += ", own process ids";
  facts_.own_ipc = mounts_.ipc;
  if (mounts_.ipc) facts_.identity += ", own ipc";
  if (mounts_.shm) facts_.never_executed.push_back(RealPath("/dev/shm").value_or("/dev/shm"));
}

/// The private /tmp, or something in it that is not the machine's.
bool RunSetup::ExecutesTmp(const FileAccess& files) const {
  const auto own = [&](const std::string& path) {
    return path == "/tmp" || IsBelow(path, tmp_dir_) ||
           (IsBelow(path, "/tmp") && !IsBelowAny(path, files.write) && !Exists(path));
  };
  return std::any_of(files.execute.begin(), files.execute.end(), own) ||
         std::any_of(files.execute_later.begin(), files.execute_later.end(), own);
}

/// What may be written and not executed. /tmp itself was mounted so; what was kept of the real one has mounts of its
/// own, so that the whole counts only where each of them is closed.
void RunSetup::CloseForExecution(const FileAccess& granted) {
  const FileAccess files = ResolveAccess(granted);
  std::vector<std::string> executed = files.execute;
  executed.insert(executed.end(), files.execute_later.begin(), files.execute_later.end());
  std::vector<std::string> written = files.write;
  std::erase_if(written, [&](const std::string& path) {
    return std::any_of(executed.begin(), executed.end(),
                       [&](const std::string& allowed) { return IsBelow(path, allowed) || IsBelow(allowed, path); });
  });
  std::vector<std::string>& closed = facts_.never_executed;
  closed = MountNoExec(std::move(written));
  const bool all = std::all_of(files.write.begin(), files.write.end(), [&](const std::string& path) {
    return path == "/tmp" || !IsBelow(path, "/tmp") || IsBelow(path, tmp_dir_) || IsBelowAny(path, closed);
  });
  if (all && !ExecutesTmp(granted)) closed.emplace_back("/tmp");
}

void RunSetup::JoinGroup(Result<RunCgroup> group) {
  auto joined = group.ok() ? group->Complete() : Result<void>(group.error());
  if (!joined.ok()) {
    facts_.no_cgroup = joined.error().message;
    return;
  }
  group_ = std::move(group).value();
  facts_.buffers_counted = group_->has_memory();
  const bool both = group_->has_memory() && group_->has_pids();
  facts_.cgroup = "cgroup v" + std::to_string(group_->version()) +
                  (both                   ? " (memory, pids)"
                   : group_->has_memory() ? " (memory)"
                                          : " (pids)");
  if (!both) facts_.no_cgroup = std::string(group_->has_memory() ? "pids" : "memory") + " is only counted every 50 ms";
}

void RunSetup::GrantOwn(FileAccess& files) const {
  files.write.push_back(tmp_);
  // Names in the machine's /tmp mean nothing in ours, but for what was kept of it.
  if (tmp_is_private_) {
    std::erase_if(files.denied, [](const std::string& path) {
      const std::string below = path.substr(0, path.find('/', 5));
      return path.starts_with("/tmp/") && !Exists(below);
    });
  }
  if (mounts_.shm) files.write.emplace_back("/dev/shm");
  if (!mounts_.terminals) return;
  files.write.emplace_back("/dev/ptmx");
  files.write.emplace_back("/dev/pts");
}

RlimitPlan RunSetup::Rlimits(const CommandLimits& command) const {
  RlimitPlan plan;
  plan.command = command;
  if (!group_ || !group_->has_memory()) plan.data_bytes = limits_.memory_bytes;
  if ((!group_ || !group_->has_pids()) && limits_.pids > 0 && identity_.uid != 0) {
    // In a user namespace of our own the count begins with us: exact, and no business of the user's other programs.
    const bool own_count = !identity_.change && tmp_is_private_ && CountsPerUserNamespace();
    plan.processes = (own_count ? 1 : CountThreadsOf(identity_.uid)) + limits_.pids;
  }
  return plan;
}

std::vector<std::string> RunSetup::group_dirs() const { return group_ ? group_->dirs() : std::vector<std::string>(); }

void RunSetup::LeaveGroup() {
  if (group_) group_->HandOver();
}

void RunSetup::RemoveTmp() const {
  if (!tmp_parent_.valid()) return;
  // Best effort, like everything that is done for a client that was killed.
  const auto removed = RemoveTreeAt(tmp_parent_.get(), tmp_dir_.substr(tmp_dir_.rfind('/') + 1));
}

}  // namespace rune::sandbox
