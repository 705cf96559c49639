// The lines of bypass_cases.h against the verdict, and against the confinement alone.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <iterator>

#include "sandbox/base/files.h"
#include "sandbox/base/paths.h"
#include "sandbox/base/unique_fd.h"
#include "sandbox/program.h"
#include "tests/unit/policy/bypass_cases.h"
#include "tests/unit/policy/policy_fixture.h"

namespace rune::agent {
namespace {

constexpr std::string_view kMarker = "/srv/out/marker";

bool Covers(const std::vector<std::string>& trees, std::string_view path) {
  return std::any_of(trees.begin(), trees.end(), [&](const std::string& tree) { return IsBelow(path, tree); });
}

/// The marker cannot be written, and `touch` cannot be executed nor read for the dynamic loader.
void ExpectHarmless(const sandbox::Confinement& confinement, const std::string& line) {
  EXPECT_FALSE(Covers(confinement.files.write, kMarker)) << line;
  const std::string touch = sandbox::FindProgram("touch");
  ASSERT_FALSE(touch.empty());
  EXPECT_FALSE(Covers(confinement.files.execute, touch)) << line;
  EXPECT_TRUE(Covers(confinement.files.list_only, touch)) << line;
  for (const std::string& tree : confinement.files.read) EXPECT_NE(tree, "/usr/bin") << line;
  for (const std::string& file : confinement.files.execute) EXPECT_FALSE(Covers(confinement.files.write, file)) << file;
}

/// Runs `line` by /bin/sh without any confinement, until everything it started has closed its output.
void RunUnconfined(const std::string& line, const std::string& dir) {
  Result<Pipe> pipe = MakePipe();
  ASSERT_TRUE(pipe.ok());
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, pipe->write.get(), 1);
  posix_spawn_file_actions_adddup2(&actions, pipe->write.get(), 2);
  posix_spawn_file_actions_addchdir_np(&actions, dir.c_str());
  std::string words[] = {"timeout", "5", "/bin/sh", "-c", line};
  char* argv[] = {words[0].data(), words[1].data(), words[2].data(), words[3].data(), words[4].data(), nullptr};
  char path[] = "PATH=/usr/bin:/bin";
  char* env[] = {path, nullptr};
  pid_t pid = 0;
  ASSERT_EQ(posix_spawnp(&pid, "timeout", &actions, nullptr, argv, env), 0);
  posix_spawn_file_actions_destroy(&actions);
  pipe->write.Reset();
  EXPECT_TRUE(ReadAll(pipe->read.get(), 1 << 20).ok());
  waitpid(pid, nullptr, 0);
}

TEST(BypassTest, MostShellFormsWorkWithoutTheLayer) {
  std::size_t effective = 0;
  for (const std::string_view form : cases::kShellForms) {
    const Result<TempDir> dir = TempDir::Create("/tmp", "bypass-");
    ASSERT_TRUE(dir.ok());
    const std::string marker = dir->path() + "/marker";
    RunUnconfined(cases::WithMarker(form, marker), dir->path());
    if (Exists(marker)) ++effective;
  }
  std::printf("%zu of %zu forms make the file in this /bin/sh\n", effective, std::size(cases::kShellForms));
  // The rest work in another shell, or need a file that a checkout could bring.
  EXPECT_GE(effective, 60u);
}

TEST(BypassTest, NoShellFormGetsPastAListWithEcho) {
  const Policy policy = MakePolicy(Commands({"echo"}));
  ASSERT_TRUE(Check(policy, "echo hello").allowed());
  ASSERT_TRUE(Check(policy, "echo hello; echo \"$HOME\" 2>/dev/null | (echo b)").allowed());
  EXPECT_GE(std::size(cases::kShellForms), 60u);
  for (const std::string_view form : cases::kShellForms) {
    const std::string line = cases::WithMarker(form, kMarker);
    EXPECT_TRUE(Check(policy, line).refusal.has_value()) << line;
  }
}

TEST(BypassTest, TheConfinementHoldsWithoutTheTextCheck) {
  const Policy policy = MakePolicy(Commands({"echo"}));
  for (const std::string_view form : cases::kShellForms) {
    const std::string line = cases::WithMarker(form, kMarker);
    ExpectHarmless(policy.ForCommand(Policy::PlanCommand(line), Approved::kNo), line);
  }
}

TEST(BypassTest, ConfirmModeAsksAboutEveryShellForm) {
  const Policy policy = MakePolicy(Commands({"echo"}), PolicyMode::kConfirm);
  for (const std::string_view form : cases::kShellForms) {
    const Verdict verdict = Check(policy, cases::WithMarker(form, kMarker));
    EXPECT_FALSE(verdict.allowed()) << form;
  }
}

TEST(BypassTest, NoArgumentTrickGetsPastTheConfinement) {
  const Policy policy = MakePolicy(Commands({std::begin(cases::kTrickPrograms), std::end(cases::kTrickPrograms)}));
  EXPECT_GE(std::size(cases::kArgumentTricks), 40u);
  int refused = 0;
  for (const std::string_view trick : cases::kArgumentTricks) {
    const std::string line = cases::WithMarker(trick, kMarker);
    const CommandPlan plan = Policy::PlanCommand(line);
    if (policy.CheckCommand(line, plan).refusal) {
      ++refused;
    } else {
      // Nothing in the text is seen to be wrong: a program that can run others, or that writes by itself.
      ExpectHarmless(policy.ForCommand(plan, Approved::kNo), line);
    }
  }
  RecordProperty("refused_by_text", refused);
  std::printf("%d of %zu tricks refused by their text, the rest by the confinement\n", refused,
              std::size(cases::kArgumentTricks));
}

TEST(BypassTest, InnerCommandsOfWrappersAreChecked) {
  const Policy policy = MakePolicy(Commands({std::begin(cases::kTrickPrograms), std::end(cases::kTrickPrograms)}));
  for (const char* line :
       {"env touch x", "timeout 5 touch x", "nice -n 5 nohup stdbuf -o0 setsid touch x", "find . -exec touch x ;",
        "ls | xargs touch", "sh -c 'touch x'", "busybox touch x", "env -i A=1 timeout --signal KILL 5 touch x"}) {
    const Verdict verdict = Check(policy, line);
    ASSERT_TRUE(verdict.refusal.has_value()) << line;
    EXPECT_EQ(verdict.refusal->message, "BLOCKED by policy: command 'touch' is not in allowed_commands") << line;
  }
}

}  // namespace
}  // namespace rune::agent
