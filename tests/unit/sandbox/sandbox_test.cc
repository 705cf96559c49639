/// The front door, end to end: the real helper, real processes. Each refusal stands beside the same act allowed.
#include "sandbox/sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>

#include "sandbox/command.h"
#include "sandbox/process_list.h"
#include "sandbox/program.h"
#include "sandbox/report.h"
#include "sandbox_fixture.h"

namespace rune::sandbox {
namespace {

using namespace std::chrono_literals;

TEST_F(SandboxTest, RunsACommandAndReportsIt) {
  const Completed done = Shell("echo out; echo err >&2; exit 3");
  EXPECT_EQ(done.report.exit_code, 3);
  EXPECT_EQ(done.out.head, "out\n");
  EXPECT_EQ(done.err.head, "err\n");
  EXPECT_EQ(done.report.setup_error, "");
}

TEST_F(SandboxTest, StdinIsGivenOrEmpty) {
  EXPECT_EQ(Run({.argv = {"/bin/cat"}, .stdin_data = "hello"}).out.head, "hello");
  EXPECT_EQ(Run({.argv = {"/bin/cat"}}).out.head, "");
}

TEST_F(SandboxTest, TheEnvironmentIsOnlyWhatWasGiven) {
  ::setenv("RUNE_TEST_CANARY", "canary-7391", 1);
  const Completed done = Run({.argv = {"/usr/bin/env"}, .env = {"LANG=C.UTF-8"}});
  EXPECT_EQ(done.out.head.find("canary-7391"), std::string::npos) << done.out.head;
  EXPECT_NE(done.out.head.find("LANG=C.UTF-8\n"), std::string::npos);
  EXPECT_NE(done.out.head.find("TMPDIR="), std::string::npos);
}

TEST_F(SandboxTest, WhatOneCommandLeavesInItsHomeTheNextOneDoesNotFind) {
  const Completed first = Shell("echo planted > $HOME/.gitconfig && cat $HOME/.gitconfig && echo $HOME");
  ASSERT_EQ(first.out.head.substr(0, 8), "planted\n") << first.err.head;
  EXPECT_EQ(Shell("ls -d $TMPDIR/home-* | wc -l").out.head, "1\n") << "that of the command itself";
  const Completed next = Shell("cat $HOME/.gitconfig; ls -A $HOME; echo $HOME; touch $HOME/own && echo own");
  EXPECT_EQ(next.out.head.find("planted"), std::string::npos) << next.out.head;
  EXPECT_NE(next.out.head.find("\nown\n"), std::string::npos) << next.err.head;
  EXPECT_NE(next.out.head.substr(0, next.out.head.find('\n')), first.out.head.substr(8));
  EXPECT_EQ(Shell("ls -d $TMPDIR/home-* | wc -l").out.head, "1\n") << "that of the command itself";
}

TEST_F(SandboxTest, NothingSurvivesAKillOfClientAndGuardianTogether) {
  const auto layers = sandbox_->Layers(SystemConfinement());
  ASSERT_TRUE(layers.ok());
  const bool own_pids = std::any_of(layers->begin(), layers->end(), [](const LayerReport& report) {
    return report.mechanism.find("own process ids") != std::string::npos;
  });
  if (!own_pids) GTEST_SKIP() << "no process ids of one's own can be had here";
  const std::string mark = "rune-test-both-" + std::to_string(::getpid());
  const pid_t client = ::fork();
  if (client == 0) {
    EventLoop loop;
    auto sandbox = Sandbox::Create(loop, {.helper = SandboxHelper()});
    const std::string text =
        "for i in 1 2 3 4 5 6 7 8 9 10; do (setsid sh -c 'sleep 60; : " + mark + "' &) ; done; sleep 60";
    const auto id = (*sandbox)->Launch({.argv = {"/bin/sh", "-c", text}, .cwd = (*sandbox)->tmp_dir()},
                                       SystemConfinement(), [](Completed) {});
    loop.RunUntil([] { return false; });
    ::_exit(0);
  }
  // Whatever comes of it: the client goes, or it would be a child of every later test.
  EXPECT_TRUE(WaitFor([&] { return Alive(mark) >= 10; }));
  for (const pid_t pid : Tree(ListProcesses(), client)) {
    const auto command = ReadFile("/proc/" + std::to_string(pid) + "/comm");
    if (pid == client || (command.ok() && *command == "rune-sandbox\n")) ::kill(pid, SIGKILL);
  }
  ::waitpid(client, nullptr, 0);
  EXPECT_TRUE(WaitFor([&] { return Alive(mark) == 0; })) << Alive(mark);
}

TEST_F(SandboxTest, OnlyTheStandardDescriptorsArePassedOn) {
  const UniqueFd extra(::open("/dev/null", O_RDONLY));  // without close-on-exec, on purpose
  const Completed done = Shell("for fd in /proc/self/fd/*; do echo ${fd##*/}; done");
  // The shell has its directory open while it lists.
  EXPECT_EQ(done.out.head.substr(0, 6), "0\n1\n2\n") << done.out.head;
  EXPECT_LE(std::count(done.out.head.begin(), done.out.head.end(), '\n'), 4);
}

TEST_F(SandboxTest, AFileThatIsNotGrantedCannotBeReadAndOneThatIsCan) {
  auto outside = TempDir::Create("/var/tmp", "rune-test-");
  ASSERT_TRUE(outside.ok());
  const std::string path = outside->path() + "/secret";
  ASSERT_TRUE(WriteFileAtomic(path, "treasure").ok());
  ASSERT_EQ(::chmod(outside->path().c_str(), 0755), 0);
  Confinement open = SystemConfinement();
  open.files.read.push_back(outside->path());
  EXPECT_EQ(Run({.argv = {"/bin/cat", path}}, open).out.head, "treasure");
  const Completed refused = Run({.argv = {"/bin/cat", path}});
  EXPECT_EQ(refused.out.head, "");
  EXPECT_NE(refused.err.head.find("Permission denied"), std::string::npos);
}

TEST_F(SandboxTest, ARefusedFileOperationNamesTheLayer) {
  const Completed done = Run({.kind = Command::Kind::kBuiltin, .argv = {"read", "/root/x", "1", "0"}});
  ASSERT_EQ(done.report.denials.size(), 1U);
  EXPECT_EQ(done.report.denials[0].what, DeniedAct::kRead);
  EXPECT_EQ(done.report.denials[0].target, "/root/x");
  EXPECT_EQ(done.report.denials[0].by, DeniedBy::kLandlock);
}

TEST_F(SandboxTest, WithTheRemedyOfARefusedFileOperationItSucceeds) {
  auto outside = TempDir::Create("/var/tmp", "rune-test-");
  ASSERT_TRUE(outside.ok());
  ASSERT_TRUE(WriteFileAtomic(outside->path() + "/file", "treasure").ok());
  ASSERT_EQ(::chmod(outside->path().c_str(), 0777), 0);
  ASSERT_EQ(::chmod((outside->path() + "/file").c_str(), 0666), 0);
  struct Row {
    std::vector<std::string> argv;
    DeniedAct what;
    Remedy remedy;
  };
  const std::vector<Row> rows{
      {{"read", outside->path() + "/file", "1", "0"}, DeniedAct::kRead, {Grant::kRead, {outside->path() + "/file"}}},
      {{"list", outside->path()}, DeniedAct::kRead, {Grant::kRead, {outside->path()}}},
      {{"write", outside->path() + "/file"}, DeniedAct::kWrite, {Grant::kWrite, {outside->path() + "/file"}}},
      {{"write", outside->path() + "/new"}, DeniedAct::kWrite, {Grant::kWrite, {outside->path() + "/new"}}},
      {{"write", outside->path() + "/a/b/new"}, DeniedAct::kWrite, {Grant::kWrite, {outside->path() + "/a/b/new"}}}};
  for (const Row& row : rows) {
    const Command command{.kind = Command::Kind::kBuiltin, .argv = row.argv};
    const Completed refused = Run(command);
    ASSERT_EQ(refused.report.denials.size(), 1U) << row.argv[1];
    EXPECT_EQ(refused.report.denials[0].by, DeniedBy::kLandlock);
    EXPECT_EQ(refused.report.denials[0].what, row.what);
    EXPECT_EQ(refused.report.denials[0].remedy, row.remedy) << row.argv[1];
    Confinement confinement = SystemConfinement();
    auto& list = row.remedy.grant == Grant::kRead ? confinement.files.read : confinement.files.write;
    list.insert(list.end(), row.remedy.entries.begin(), row.remedy.entries.end());
    GrantMaking(row.argv[1], confinement.files);
    EXPECT_EQ(Run(command, confinement).report.exit_code, 0) << row.argv[1];
  }
}

TEST_F(SandboxTest, NoRemedyIsNamedForWhatNoGrantOpens) {
  const Completed write = Run({.kind = Command::Kind::kBuiltin, .argv = {"write", "/usr/rune-test"}});
  ASSERT_EQ(write.report.denials.size(), 1U);
  EXPECT_EQ(write.report.denials[0].by, DeniedBy::kLandlock) << "that it may be read does not make it writable";
  EXPECT_EQ(write.report.denials[0].remedy, (Remedy{Grant::kWrite, {"/usr/rune-test"}}));
  const Command command{.kind = Command::Kind::kBuiltin, .argv = {"read", "/etc/shadow", "1", "0"}};
  const Completed closed = Run(command);
  ASSERT_EQ(closed.report.denials.size(), 1U);
  EXPECT_EQ(closed.report.denials[0].by, DeniedBy::kLandlock);
  EXPECT_EQ(closed.report.denials[0].remedy, Remedy()) << "denied wins over every grant";
}

TEST_F(SandboxTest, WhatTheFileSystemRefusesIsNotLandlocksAndHasNoRemedy) {
  auto outside = TempDir::Create("/var/tmp", "rune-test-");
  ASSERT_TRUE(outside.ok());
  const std::string path = outside->path() + "/file";
  ASSERT_TRUE(WriteFileAtomic(path, "treasure").ok());
  ASSERT_EQ(::chmod(outside->path().c_str(), 0755), 0);
  Confinement confinement = SystemConfinement();
  confinement.files.read.push_back(outside->path());
  const Command command{.kind = Command::Kind::kBuiltin, .argv = {"read", path, "1", "0"}};
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  EXPECT_EQ(Run(command, confinement).report.exit_code, 0);
  ASSERT_EQ(::chmod(path.c_str(), 0000), 0);
  const Completed refused = Run(command, confinement);
  ASSERT_EQ(refused.report.denials.size(), 1U);
  EXPECT_EQ(refused.report.denials[0].by, DeniedBy::kIdentity);
  EXPECT_EQ(refused.report.denials[0].remedy, Remedy());
}

TEST_F(SandboxTest, AProgramThatIsNotGrantedCannotBeExecutedAndOneThatIsCan) {
  Confinement confinement = SystemConfinement();
  confinement.files.execute.clear();
  for (const char* name : {"sh", "true"}) {
    const auto files = ProgramFiles(name);
    ASSERT_TRUE(files.ok());
    confinement.files.execute.insert(confinement.files.execute.end(), files->begin(), files->end());
  }
  EXPECT_EQ(Run({.argv = {"/bin/sh", "-c", "/bin/true && echo yes"}}, confinement).out.head, "yes\n");
  EXPECT_NE(Run({.argv = {"/bin/sh", "-c", "/bin/ls /"}}, confinement).err.head.find("Permission denied"),
            std::string::npos);
  const Completed direct = Run({.argv = {"/bin/ls", "/"}}, confinement);
  EXPECT_EQ(direct.report.setup_errno, EACCES);
  ASSERT_EQ(direct.report.denials.size(), 1U);
  EXPECT_EQ(direct.report.denials[0].what, DeniedAct::kExec);
  EXPECT_EQ(direct.report.denials[0].by, DeniedBy::kLandlock);
  // With what the refusal names, it runs. (The files of the loader are there already.)
  const Remedy& remedy = direct.report.denials[0].remedy;
  EXPECT_EQ(remedy, (Remedy{Grant::kExecute, {"/bin/ls"}}));
  const auto files = ProgramFiles(remedy.entries.at(0));
  ASSERT_TRUE(files.ok());
  confinement.files.execute.insert(confinement.files.execute.end(), files->begin(), files->end());
  EXPECT_EQ(Run({.argv = {"/bin/ls", "/usr"}}, confinement).report.exit_code, 0);
}

TEST_F(SandboxTest, AMissingProgramIsSaid) {
  const Completed done = Run({.argv = {"no-such-program"}});
  EXPECT_EQ(done.report.setup_errno, ENOENT);
}

TEST_F(SandboxTest, TheTimeLimitKillsTheWholeTree) {
  const std::string mark = "rune-test-" + std::to_string(::getpid());
  const TimePoint start = Clock::now();
  const Completed done = Shell("trap '' TERM; setsid sh -c 'sleep 60; : " + mark + "' & (sh -c 'sleep 60; : " + mark +
                                   "' &) ; sh -c 'trap \"\" TERM HUP INT; sleep 60; : " + mark + "'",
                               {.wall = 500ms});
  EXPECT_EQ(done.report.limit, LimitHit::kWall);
  EXPECT_LT(Clock::now() - start, 3s);
  EXPECT_EQ(Alive(mark), 0);
}

TEST_F(SandboxTest, WhatOutlivesTheCommandIsKilled) {
  const std::string mark = "rune-test-left-" + std::to_string(::getpid());
  const Completed done = Shell("(setsid sh -c 'sleep 60; : " + mark + "' >/dev/null 2>&1 &) ; echo done");
  EXPECT_EQ(done.out.head, "done\n");
  EXPECT_GE(done.report.leftovers, 1U);
  EXPECT_EQ(Alive(mark), 0);
}

TEST_F(SandboxTest, ACommandCanBeCancelled) {
  std::optional<Completed> done;
  const auto id =
      sandbox_->Launch({.argv = {"/bin/sleep", "60"}}, SystemConfinement(), [&](Completed c) { done = std::move(c); });
  ASSERT_TRUE(id.ok());
  sandbox_->Kill(*id);
  loop_.RunUntil([&] { return done.has_value(); }, Clock::now() + 10s);
  ASSERT_TRUE(done.has_value());
  EXPECT_TRUE(done->report.cancelled);
}

TEST_F(SandboxTest, TooMuchOutputKillsAndTheEndsAreKept) {
  const Completed done =
      Run({.argv = {"/usr/bin/yes"}, .limits = {.output_bytes = 1 << 20}, .keep_head = 100, .keep_tail = 100});
  EXPECT_EQ(done.report.limit, LimitHit::kOutput);
  EXPECT_EQ(done.out.head.size(), 100U);
  EXPECT_EQ(done.out.tail.size(), 100U);
  EXPECT_GE(done.out.total, 1U << 20);
}

TEST_F(SandboxTest, MemoryIsBoundedForTheTree) {
  Start({.memory_bytes = 64 << 20, .pids = 64});
  EXPECT_EQ(Shell("head -c 16M /dev/zero | tail -c 16M | wc -c").out.head, "16777216\n");
  const Completed done = Shell("head -c 1G /dev/zero | tail -c 1G | wc -c");
  EXPECT_NE(done.out.head, "1073741824\n");
}

TEST_F(SandboxTest, ALimitIsToldOfTheCommandThatMetIt) {
  Start({.memory_bytes = 64 << 20, .pids = 16});
  auto layers = sandbox_->Layers(SystemConfinement());
  ASSERT_TRUE(layers.ok());
  if (layers->at(0).mechanism.find("cgroup") == std::string::npos) GTEST_SKIP() << "no control group here";
  // It succeeds in spite of the limit: what it started was killed, or could not be started.
  const Completed over = Shell("head -c 1G /dev/zero | tail -c 1G | wc -c; exit 0");
  EXPECT_EQ(over.report.exit_code, 0);
  EXPECT_EQ(over.report.limit, LimitHit::kNone);
  EXPECT_GE(over.report.oom_kills, 1U);
  const Completed failed = Shell("exit 3");
  EXPECT_EQ(failed.report.limit, LimitHit::kNone) << "that was another's limit";
  EXPECT_EQ(failed.report.oom_kills, 0U);
  const Completed many = Run({.argv = {"/usr/bin/python3", "-c",
                                       "import os, time\n"
                                       "for i in range(40):\n"
                                       "  try:\n"
                                       "    if os.fork() == 0: time.sleep(1); os._exit(0)\n"
                                       "  except OSError: pass\n"}});
  EXPECT_EQ(many.report.exit_code, 0);
  EXPECT_GE(many.report.forks_refused, 20U);
  EXPECT_EQ(Shell("exit 3").report.limit, LimitHit::kNone);
  // The control: who fails of it is told.
  EXPECT_EQ(Shell("head -c 1G /dev/zero | tail -c 1G >/dev/null; exit 1").report.limit, LimitHit::kMemory);
}

TEST_F(SandboxTest, AForkBombStaysInsideItsLimit) {
  Start({.memory_bytes = 512 << 20, .pids = 30});
  const std::string mark = "rune-test-bomb-" + std::to_string(::getpid());
  std::optional<Completed> done;
  const auto id = sandbox_->Launch({.argv = {"/bin/sh", "-c", "b() { b | b & }; b; sleep 5; : " + mark},
                                    .cwd = sandbox_->tmp_dir(),
                                    .limits = {.wall = 1s}},
                                   SystemConfinement(), [&](Completed c) { done = std::move(c); });
  ASSERT_TRUE(id.ok());
  int most = 0;
  while (!done &&
         loop_.RunUntil([&] { return done.has_value(); }, Clock::now() + 100ms) != EventLoop::Wake::kInterrupted) {
    most = std::max(most, Alive(mark));
  }
  EXPECT_GE(most, 1);
  EXPECT_LE(most, 45) << "a counted tree may overshoot a little, a group may not";
  EXPECT_EQ(Alive(mark), 0);
}

TEST_F(SandboxTest, ParallelCommandsReallyRunTogether) {
  int done = 0;
  const TimePoint start = Clock::now();
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(
        sandbox_->Launch({.argv = {"/bin/sleep", "0.4"}}, SystemConfinement(), [&](Completed) { ++done; }).ok());
  }
  loop_.RunUntil([&] { return done == 4; }, start + 20s);
  EXPECT_EQ(done, 4);
  EXPECT_LT(Clock::now() - start, 1200ms);
}

TEST_F(SandboxTest, WhenTheGuardianDiesItsTreesDieAndTheNextCommandWorks) {
  const std::string mark = "rune-test-lost-" + std::to_string(::getpid());
  std::optional<Completed> done;
  ASSERT_TRUE(sandbox_
                  ->Launch({.argv = {"/bin/sh", "-c", "sleep 60; : " + mark}}, SystemConfinement(),
                           [&](Completed c) { done = std::move(c); })
                  .ok());
  ASSERT_TRUE(WaitFor([&] { return Alive(mark) > 0; }));
  const auto children = ChildrenOfSelf();
  ASSERT_EQ(children.size(), 1U) << "the guardian is the only child";
  ::kill(children[0], SIGKILL);
  loop_.RunUntil([&] { return done.has_value(); }, Clock::now() + 5s);
  ASSERT_TRUE(done.has_value());
  EXPECT_TRUE(done->report.guardian_lost);
  EXPECT_TRUE(WaitFor([&] { return Alive(mark) == 0; }));
  EXPECT_EQ(Shell("echo again").out.head, "again\n");
}

TEST_F(SandboxTest, NothingIsLeftWhenTheSandboxIsGone) {
  const std::string mark = "rune-test-gone-" + std::to_string(::getpid());
  ASSERT_TRUE(
      sandbox_->Launch({.argv = {"/bin/sh", "-c", "sleep 60; : " + mark}}, SystemConfinement(), [](Completed) {}).ok());
  ASSERT_TRUE(WaitFor([&] { return Alive(mark) > 0; }));
  const std::string tmp = sandbox_->tmp_dir();
  sandbox_.reset();
  EXPECT_EQ(Alive(mark), 0);
  EXPECT_FALSE(Exists(tmp));
  EXPECT_TRUE(ChildrenOfSelf().empty());
}

TEST_F(SandboxTest, ARequiredLayerThatIsOffRefusesBeforeAnythingRuns) {
  Confinement confinement = SystemConfinement();
  confinement.enforcement = Enforcement::kRequire;
  confinement.required = {Layer::kSeccomp};
  EXPECT_EQ(Run({.argv = {"/bin/echo", "x"}}, confinement).out.head, "x\n");
  confinement.network = Network::kOpen;
  confinement.required = {Layer::kNetwork};
  const auto id = sandbox_->Launch({.argv = {"/bin/echo", "x"}}, confinement, [](Completed) {});
  ASSERT_FALSE(id.ok());
  EXPECT_EQ(id.error().kind, ErrorKind::kUnavailable);
  EXPECT_NE(id.error().message.find("'network'"), std::string::npos);
}

TEST_F(SandboxTest, TheReportNamesFiveLayersInOrder) {
  const auto layers = sandbox_->Layers(SystemConfinement());
  ASSERT_TRUE(layers.ok());
  ASSERT_EQ(layers->size(), kLayerCount);
  for (std::size_t i = 0; i < kLayerCount; ++i) EXPECT_EQ((*layers)[i].layer, kAllLayers[i]);
}

TEST_F(SandboxTest, AnUnknownSystemCallNameIsAnError) {
  Confinement confinement = SystemConfinement();
  confinement.denied_syscalls = {"ptrase"};
  const auto layers = sandbox_->Layers(confinement);
  ASSERT_FALSE(layers.ok());
  EXPECT_NE(layers.error().message.find("ptrase"), std::string::npos);
}

}  // namespace
}  // namespace rune::sandbox
