// What a policy lets the kernel allow.

#include <algorithm>
#include <chrono>

#include "sandbox/base/files.h"
#include "sandbox/program.h"
#include "tests/unit/policy/policy_fixture.h"

namespace rune::agent {
namespace {

using sandbox::Confinement;

bool Has(const std::vector<std::string>& list, const std::string& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

std::string FileOf(const char* program) {
  const auto files = sandbox::ProgramFiles(program);
  EXPECT_TRUE(files.ok()) << program;
  for (const std::string& file : *files) {
    if (file.ends_with(std::string("/") + program) || file.ends_with("dash")) return file;
  }
  return "";
}

TEST(ConfinementTest, FileToolsExecuteNothing) {
  const Confinement confinement = MakePolicy(Commands({"*"})).ForFiles();
  EXPECT_TRUE(confinement.files.execute.empty());
  EXPECT_EQ(confinement.network, sandbox::Network::kClosed);
}

TEST(ConfinementTest, CommandsExecuteTheAllowedPrograms) {
  const Policy policy = MakePolicy(Commands({"ls", "cat", "no-such-program"}));
  const CommandPlan plan = Policy::PlanCommand("ls");
  const Confinement confinement = policy.ForCommand(plan, Approved::kNo);
  EXPECT_TRUE(Has(confinement.files.execute, FileOf("ls")));
  EXPECT_TRUE(Has(confinement.files.execute, FileOf("cat")));
  EXPECT_FALSE(Has(confinement.files.execute, FileOf("touch")));
  EXPECT_FALSE(Has(confinement.files.execute, FileOf("sh"))) << "one simple command needs no shell";
}

TEST(ConfinementTest, TheShellIsGrantedOnlyWhereItIsNeeded) {
  const Policy policy = MakePolicy(Commands({"ls"}));
  EXPECT_TRUE(Has(policy.ForCommand(Policy::PlanCommand("ls | ls"), Approved::kNo).files.execute, FileOf("sh")));
  EXPECT_FALSE(Has(policy.ForCommand(Policy::PlanCommand("ls -l"), Approved::kNo).files.execute, FileOf("sh")));
}

TEST(ConfinementTest, AnApprovalOpensWhatWasAskedFor) {
  const Policy policy = MakePolicy(Commands({"ls"}), PolicyMode::kConfirm);
  const CommandPlan plan = Policy::PlanCommand("ls | sort");
  EXPECT_FALSE(Has(policy.ForCommand(plan, Approved::kNo).files.execute, FileOf("sort")));
  EXPECT_TRUE(Has(policy.ForCommand(plan, Approved::kYes).files.execute, FileOf("sort")));
  EXPECT_FALSE(Has(policy.ForCommand(plan, Approved::kYes).files.execute, "/usr/bin"));
  const CommandPlan unclear = Policy::PlanCommand("eval x");
  EXPECT_FALSE(Has(policy.ForCommand(unclear, Approved::kNo).files.execute, "/usr/bin"));
  EXPECT_TRUE(Has(policy.ForCommand(unclear, Approved::kYes).files.execute, "/usr/bin"));
}

TEST(ConfinementTest, TheTargetOfARedirectionIsWritableOnlyWhenTheCommandWasApproved) {
  const Result<TempDir> dir = TempDir::Create("/var/tmp", "policy-test-");
  ASSERT_TRUE(dir.ok());
  const std::string old_file = dir->path() + "/old";
  ASSERT_TRUE(WriteFileAtomic(old_file, "x").ok());
  for (const PolicyMode mode : {PolicyMode::kConfirm, PolicyMode::kAllowlist}) {
    const Policy policy = MakePolicy(Commands({"ls"}), mode);
    const auto granted = policy.ForCommand(Policy::PlanCommand("ls"), Approved::kNo).files.write;
    for (const auto& [target, place] : {std::pair(dir->path() + "/new", dir->path()), std::pair(old_file, old_file)}) {
      const CommandPlan plan = Policy::PlanCommand("ls > " + target);
      EXPECT_EQ(policy.ForCommand(plan, Approved::kNo).files.write, granted) << target;
      auto approved = granted;
      approved.push_back(place);
      EXPECT_EQ(policy.ForCommand(plan, Approved::kYes).files.write, approved) << target;
    }
  }
}

TEST(ConfinementTest, EveryProgramMeansTheDirectoriesOfPrograms) {
  for (const Policy& policy : {MakePolicy(Commands({"*"})), MakePolicy({}, PolicyMode::kUnrestricted)}) {
    const Confinement confinement = policy.ForCommand(Policy::PlanCommand("ls"), Approved::kNo);
    EXPECT_TRUE(Has(confinement.files.execute, "/usr/bin"));
    EXPECT_TRUE(Has(confinement.files.execute, "/usr/lib"));
    EXPECT_FALSE(Has(confinement.files.list_only, "/usr/bin"));
    EXPECT_FALSE(Has(confinement.files.execute, "/work/repo"));
  }
}

TEST(ConfinementTest, WritableFilesAreNeverExecutable) {
  const Result<TempDir> dir = TempDir::Create("/tmp", "policy-test-");
  ASSERT_TRUE(dir.ok());
  const std::string tool = dir->path() + "/tool";
  ASSERT_TRUE(WriteFileAtomic(tool, "#!/bin/sh\n", {.mode = 0755}).ok());
  PolicyConfig config = Commands({tool});
  config.allowed_paths_rw = {};
  const CommandPlan plan = Policy::PlanCommand(tool);
  EXPECT_TRUE(Has(MakePolicy(config).ForCommand(plan, Approved::kNo).files.execute, tool));
  config.allowed_paths_rw = {dir->path()};
  const Places places{.cwd = "/work/repo", .home = "/home/user", .tmp_dir = "/tmp/rune-test"};
  const auto refused = Policy::Create(config, places, PolicyMode::kAllowlist);
  ASSERT_FALSE(refused.ok()) << "an entry that would allow nothing is said";
  EXPECT_NE(refused.error().message.find("allowed_paths_exec"), std::string::npos) << refused.error().message;
  config.allowed_commands = {"ls"};
  EXPECT_FALSE(Has(MakePolicy(config).ForCommand(plan, Approved::kNo).files.execute, tool));
  EXPECT_FALSE(Has(MakePolicy(config).ForCommand(plan, Approved::kYes).files.execute, tool));
}

TEST(ConfinementTest, WhatToolsWriteIsExecutableWhereTheListSaysSo) {
  const Result<TempDir> dir = TempDir::Create("/var/tmp", "policy-test-");
  ASSERT_TRUE(dir.ok());
  const std::string tool = dir->path() + "/tool";
  ASSERT_TRUE(WriteFileAtomic(tool, "#!/bin/sh\n", {.mode = 0755}).ok());
  PolicyConfig config = Commands({"ls"});
  config.allowed_paths_rw = {dir->path()};
  config.allowed_paths_exec = {dir->path()};
  const Policy policy = MakePolicy(config);
  EXPECT_EQ(MessageOf(Check(policy, tool + " x")), "allowed");
  EXPECT_EQ(MessageOf(Check(policy, dir->path() + "/not-built-yet")), "allowed");
  EXPECT_NE(MessageOf(Check(policy, "cat x")), "allowed");
  EXPECT_TRUE(Has(policy.ForCommand(Policy::PlanCommand("ls"), Approved::kNo).files.execute, dir->path()));
  EXPECT_TRUE(policy.ForFiles().files.execute.empty());
  EXPECT_EQ(policy.ForFiles().files.execute_later, config.allowed_paths_exec) << "mounts are made once";
  config.allowed_commands = {"ls", tool};
  EXPECT_TRUE(Has(MakePolicy(config).ForCommand(Policy::PlanCommand(tool), Approved::kNo).files.execute, tool));
}

TEST(ConfinementTest, EveryProgramIsAlsoOneThatWasWritten) {
  PolicyConfig config = Commands({"*"});
  config.allowed_paths_rw = {"/srv/out"};
  for (const Policy& policy : {MakePolicy(config), MakePolicy(config, PolicyMode::kUnrestricted)}) {
    const auto execute = policy.ForCommand(Policy::PlanCommand("ls"), Approved::kNo).files.execute;
    EXPECT_TRUE(Has(execute, "/srv/out"));
    EXPECT_TRUE(Has(execute, "/tmp/rune-test")) << "the private directory";
    EXPECT_FALSE(Has(execute, "/dev/null"));
  }
}

TEST(ConfinementTest, TheRefusalOfAWrittenProgramNamesThatFileInItsOwnList) {
  const Result<TempDir> dir = TempDir::Create("/var/tmp", "policy-test-");
  ASSERT_TRUE(dir.ok());
  const std::string tool = dir->path() + "/tool";
  ASSERT_TRUE(WriteFileAtomic(tool, "#!/bin/sh\n", {.mode = 0755}).ok());
  PolicyConfig config = Commands({"ls"});
  config.allowed_paths_rw = {dir->path()};
  const Policy policy = MakePolicy(config);
  const sandbox::Remedy remedy{sandbox::Grant::kExecuteWritten, {tool}};
  EXPECT_EQ(Check(policy, tool).refusal->remedy, remedy);
  EXPECT_EQ(policy.Explain({.target = tool, .remedy = {sandbox::Grant::kExecute, {tool}}}, {}).remedy, remedy);
  config.allowed_paths_exec = remedy.entries;
  EXPECT_EQ(MessageOf(Check(MakePolicy(config), tool)), "allowed");
}

TEST(ConfinementTest, ThePrivateDirectoryIsWritableWhateverTheListSays) {
  PolicyConfig none;
  none.allowed_paths_rw = {};
  const auto write = [](const PolicyConfig& config) {
    return MakePolicy(config, PolicyMode::kAllowlist, {.tmp_dir = "/tmp/rune-1"}).ForFiles().files.write;
  };
  EXPECT_TRUE(Has(write({}), "/tmp"));
  EXPECT_TRUE(Has(write({}), "/tmp/rune-1"));
  EXPECT_FALSE(Has(write(none), "/tmp"));
  EXPECT_TRUE(Has(write(none), "/tmp/rune-1"));
}

TEST(ConfinementTest, CredentialsAndProtectedNamesAreDenied) {
  const Result<TempDir> dir = TempDir::Create("/tmp", "policy-test-");
  ASSERT_TRUE(dir.ok());
  ASSERT_TRUE(MakeDirs(dir->path() + "/.git/hooks").ok());
  PolicyConfig config;
  config.allowed_paths_rw = {dir->path()};
  const Policy policy = MakePolicy(config);
  const std::vector<std::string> denied = policy.ForFiles().files.denied;
  for (const char* name : {".rune", ".ssh", ".gnupg", ".aws", ".config/gh", ".netrc", ".docker/config.json", ".kube",
                           ".npmrc", ".git-credentials", ".pypirc", ".azure", ".config/gcloud", ".vault-token",
                           ".local/share/keyrings", ".local/share/kwalletd", ".mozilla", ".config/google-chrome"}) {
    EXPECT_TRUE(Has(denied, "/home/user/" + std::string(name))) << name;
  }
  EXPECT_TRUE(Has(denied, "/root"));
  EXPECT_FALSE(Has(denied, dir->path() + "/.git/hooks")) << "a kernel rule would close the whole checkout";
  EXPECT_EQ(MessageOf(policy.CheckWrite(dir->path() + "/.git/config")).find("BLOCKED by policy: path"), 0u);
  EXPECT_EQ(MessageOf(policy.CheckWrite(dir->path() + "/.git/hooks/pre-commit")).find("BLOCKED by policy: path"), 0u);
  EXPECT_TRUE(policy.CheckWrite(dir->path() + "/a").allowed());
}

/// A home with credentials in it, and a policy for a project in that home.
class CredentialsTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {".ssh", ".aws/cli", "xdg/gh", "project"}) ASSERT_TRUE(MakeDirs(At(name)).ok());
    for (const char* name : {".ssh/id", ".ssh/config", ".aws/config", ".aws/cli/token", ".npmrc", "project/.npmrc"})
      ASSERT_TRUE(WriteFileAtomic(At(name), "secret").ok());
  }
  std::string At(const std::string& name) const { return dir_.path() + "/" + name; }
  Policy Made(std::vector<std::string> ro, std::vector<std::string> rw = {}) const {
    PolicyConfig config;
    config.allowed_paths_ro = std::move(ro);
    config.allowed_paths_rw = std::move(rw);
    return MakePolicy(config, PolicyMode::kAllowlist,
                      {.cwd = At("project"), .home = dir_.path(), .config_home = At("xdg")});
  }
  TempDir dir_ = TempDir::Create("/var/tmp", "policy-test-").value();
};

TEST_F(CredentialsTest, DirectoriesThatAVariableMovesAreClosedInBothPlaces) {
  const auto denied = Made({}).ForFiles().files.denied;
  EXPECT_TRUE(Has(denied, At("xdg/gh")));
  EXPECT_TRUE(Has(denied, At(".config/gh")));
  EXPECT_TRUE(Has(denied, At(".local/share/keyrings")));
}

TEST_F(CredentialsTest, AProjectsOwnFileIsReadable) {
  const Policy policy = Made({"~"});
  EXPECT_TRUE(policy.CheckRead(At("project/.npmrc")).allowed());
  EXPECT_FALSE(policy.CheckRead(At(".npmrc")).allowed());
}

TEST_F(CredentialsTest, AnEntryOpensOneFileAndNothingBesideIt) {
  testing::internal::CaptureStderr();
  const Policy policy = Made({"~", "~/.npmrc", "~/.aws/config", "~/.ssh"});
  const auto denied = policy.ForFiles().files.denied;
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_FALSE(Has(denied, At(".npmrc")));
  EXPECT_FALSE(Has(denied, At(".aws")));
  EXPECT_FALSE(Has(denied, At(".aws/config")));
  EXPECT_TRUE(Has(denied, At(".aws/cli")));
  EXPECT_TRUE(Has(denied, At(".ssh"))) << "a directory opens nothing";
  EXPECT_TRUE(policy.CheckRead(At(".aws/config")).allowed());
  EXPECT_FALSE(policy.CheckRead(At(".aws/cli/token")).allowed());
  for (const char* name : {".npmrc", ".aws/config"})
    EXPECT_NE(said.find("the policy opens " + At(name)), std::string::npos) << said;
}

TEST_F(CredentialsTest, NothingIsOpenedInADirectoryThatToolsMayWrite) {
  testing::internal::CaptureStderr();
  const auto denied = Made({"~/.ssh/config"}, {"~"}).ForFiles().files.denied;
  EXPECT_EQ(testing::internal::GetCapturedStderr().find("opens"), std::string::npos);
  EXPECT_TRUE(Has(denied, At(".ssh")));
}

TEST(ConfinementTest, AnApprovedFileIsTheOnlyNewGrant) {
  const Result<TempDir> dir = TempDir::Create("/var/tmp", "policy-test-");
  ASSERT_TRUE(dir.ok());
  const Policy policy = MakePolicy({}, PolicyMode::kConfirm);
  const auto before = policy.ForFiles().files;
  const Verdict write = policy.CheckWrite(dir->path() + "/new/file");
  ASSERT_TRUE(write.question.has_value());
  auto after = policy.ForApprovedFile(*write.question).files;
  ASSERT_EQ(after.write.size(), before.write.size() + 2);
  EXPECT_EQ(after.write.back(), dir->path()) << "where it is made";
  EXPECT_EQ(after.write[before.write.size()], dir->path() + "/new/file");
  const Verdict root = policy.CheckWrite("/no-such-dir-at-all/file");
  for (const std::string& path : policy.ForApprovedFile(*root.question).files.write) EXPECT_NE(path, "/");
}

TEST(ConfinementTest, CarriesTheSettingsOfTheKernelLayers) {
  PolicyConfig config;
  config.denied_syscalls = {"bpf"};
  config.enforcement = sandbox::Enforcement::kRequire;
  config.required_layers = {sandbox::Layer::kSeccomp};
  const Policy policy = MakePolicy(config);
  for (const Confinement& confinement :
       {policy.ForFiles(), policy.ForFetch(), policy.ForCommand(Policy::PlanCommand("ls"), Approved::kNo)}) {
    EXPECT_EQ(confinement.denied_syscalls, config.denied_syscalls);
    EXPECT_EQ(confinement.enforcement, config.enforcement);
    EXPECT_EQ(confinement.required, config.required_layers);
  }
}

TEST(ConfinementTest, FetchingExecutesCurlAlone) {
  const Confinement confinement = MakePolicy(Commands({"ls"})).ForFetch();
  const auto curl = sandbox::ProgramFiles("curl");
  if (!curl.ok()) GTEST_SKIP() << "no curl here";
  EXPECT_EQ(confinement.files.execute, *curl);
}

TEST(ConfinementTest, IsCheapAfterTheFirstCall) {
  const Policy policy = MakePolicy(
      Commands({"ls", "cat", "head", "ps", "echo", "uname", "free", "df", "date", "hostname", "git", "curl"}));
  const CommandPlan plan = Policy::PlanCommand("ls | head");
  policy.ForCommand(plan, Approved::kNo);
  const auto begin = std::chrono::steady_clock::now();
  constexpr int kCalls = 500;
  for (int i = 0; i < kCalls; ++i) policy.ForCommand(plan, Approved::kNo);
  const auto each =
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - begin) / kCalls;
  std::printf("%lld ns per confinement\n", static_cast<long long>(each.count()));
  EXPECT_LT(each.count(), 1'000'000) << "two orders above what is measured: only a lost cache fails here";
}

}  // namespace
}  // namespace rune::agent
