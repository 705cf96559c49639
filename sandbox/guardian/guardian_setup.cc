/// What a guardian does once, before its first command, and once per policy.
#include <fcntl.h>
#include <grp.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "sandbox/base/files.h"
#include "sandbox/base/paths.h"
#include "sandbox/guardian/guardian.h"
#include "sandbox/layers/landlock.h"
#include "sandbox/layers/no_exec.h"
#include "sandbox/layers/private_tmp.h"
#include "sandbox/process_tree.h"

namespace rune::sandbox {

void Guardian::Setup(const SetupFrame& frame) {
  limits_ = frame.limits;
  tmp_dir_ = frame.tmp_dir;
  auto group = RunCgroup::Begin(limits_);
  // The private directory is handed over below, so it says nothing about who may write it.
  std::vector<std::string> writable = frame.first.files.write;
  std::erase_if(writable, [&](const std::string& path) { return IsBelow(path, tmp_dir_); });
  identity_ = PlanIdentity({.writable = std::move(writable), .landlock_abi = LandlockAbi()});
  facts_.identity = identity_.mechanism;
  if (!identity_.why.empty()) facts_.identity += " (" + identity_.why + ")";
  if (identity_.change && ::chown(tmp_dir_.c_str(), identity_.uid, identity_.gid) != 0) {
    facts_.identity += ", private directory not handed over";
  }
  // Held from before the mounts: the way to remove the directory when the client cannot any more.
  tmp_parent_.Reset(::open(tmp_dir_.substr(0, tmp_dir_.rfind('/')).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  EnterMounts(frame.first.files);
  facts_.identity += tmp_is_private_ ? ", private /tmp" : ", /tmp shared with this machine";
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
  SetupNetwork(frame);
  BecomeToolUser();
  if (identity_.change) {
    // Still root: files that are looked at for a command are looked at without root's groups.
    ::setgroups(0, nullptr);
    ::setfsgid(identity_.gid);
  }
  ::prctl(PR_SET_DUMPABLE, 0);  // a change of ids may have set it
}

void Guardian::RemoveTmp() {
  if (!tmp_parent_.valid()) return;
  // Best effort, like everything that is done for a client that was killed.
  const auto removed = RemoveTreeAt(tmp_parent_.get(), tmp_dir_.substr(tmp_dir_.rfind('/') + 1));
}

void Guardian::JoinGroup(Result<RunCgroup> group) {
  auto joined = group.ok() ? group->Complete() : Result<void>(group.error());
  if (joined.ok()) {
    cgroup_ = std::move(group).value();
    const bool both = cgroup_->has_memory() && cgroup_->has_pids();
    facts_.cgroup = "cgroup v" + std::to_string(cgroup_->version()) +
                    (both                    ? " (memory, pids)"
                     : cgroup_->has_memory() ? " (memory)"
                                             : " (pids)");
    if (!both)
      facts_.no_cgroup = std::string(cgroup_->has_memory() ? "pids" : "memory") + " is only counted every 50 ms";
  } else {
    facts_.no_cgroup = joined.error().message;
  }
  count_trees_ = !cgroup_ || !cgroup_->has_memory() || !cgroup_->has_pids();
}

/// Where mounts can be made, /tmp becomes the private directory. What is granted below the real /tmp stays visible, for
/// reading only unless it was granted for writing.
void Guardian::EnterMounts(const FileAccess& files) {
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
  struct stat before{};
  struct stat after{};
  ::stat("/dev/shm", &before);
  tmp_is_private_ = !tmp_dir_.empty() && EnterPrivateTmp(tmp_dir_, below_tmp(files.write), read_only).ok();
  if (tmp_is_private_) {
    CloseForExecution(ResolveAccess(files));
  }
  shm_is_private_ = tmp_is_private_ && ::stat("/dev/shm", &after) == 0 && before.st_dev != after.st_dev;
  if (shm_is_private_) facts_.never_executed.push_back(RealPath("/dev/shm").value_or("/dev/shm"));
}

/// What may be written and not executed. /tmp itself was mounted so; what was kept of the real one has mounts of its
/// own, so that the whole counts only where each of them is closed.
void Guardian::CloseForExecution(const FileAccess& files) {
  std::vector<std::string> written = files.write;
  std::erase_if(written, [&](const std::string& path) {
    return std::any_of(files.execute.begin(), files.execute.end(),
                       [&](const std::string& allowed) { return IsBelow(path, allowed) || IsBelow(allowed, path); });
  });
  std::vector<std::string>& closed = facts_.never_executed;
  closed = MountNoExec(std::move(written));
  const bool all = std::all_of(files.write.begin(), files.write.end(), [&](const std::string& path) {
    return path == "/tmp" || !IsBelow(path, "/tmp") || IsBelow(path, tmp_dir_) || IsBelowAny(path, closed);
  });
  if (all) closed.emplace_back("/tmp");
}

DefinedFrame Guardian::Define(const DefineFrame& frame) {
  DefinedFrame defined;
  defined.policy = frame.policy;
  if (cgroup_) defined.cgroups = cgroup_->dirs();
  Confinement confinement = frame.confinement;
  confinement.files.write.push_back(tmp_is_private_ ? "/tmp" : tmp_dir_);
  if (shm_is_private_) confinement.files.write.push_back("/dev/shm");
  auto policy = CompilePolicy(confinement, facts_);
  if (!policy.ok()) {
    defined.error = policy.error().message;
    return defined;
  }
  defined.layers = policy->layers;
  if (!CanSeeProcesses() && policy->refusal.empty()) {
    policy->refusal = "there is no /proc that shows processes: what a command starts could not be killed";
  }
  defined.error = policy->refusal;
  policies_.insert_or_assign(frame.policy, std::move(policy).value());
  return defined;
}

}  // namespace rune::sandbox
