/// Commands whose caller holds their standard streams.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "sandbox/command.h"
#include "sandbox/report.h"
#include "sandbox/sandbox.h"
#include "sandbox_fixture.h"

namespace rune::sandbox {
namespace {

using namespace std::chrono_literals;

class LiveTest : public SandboxTest {
 protected:
  LiveCommand Open(std::vector<std::string> argv, CommandLimits limits = {.wall = 0ms}) {
    done_.reset();
    auto live = sandbox_->LaunchLive({.argv = std::move(argv), .cwd = sandbox_->tmp_dir(), .limits = limits},
                                     SystemConfinement(), [this](Completed done) { done_ = std::move(done); });
    EXPECT_TRUE(live.ok()) << (live.ok() ? "" : live.error().message);
    return live.ok() ? std::move(live).value() : LiveCommand{};
  }
  /// What comes from `fd` until it is `expected`, or ends, or says nothing for too long.
  std::string Read(const UniqueFd& fd, const std::string& expected) {
    std::string text;
    WaitFor([&] {
      char buffer[4096];
      const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
      if (n > 0) text.append(buffer, static_cast<std::size_t>(n));
      return n == 0 || text == expected;
    });
    return text;
  }
  static bool Write(const UniqueFd& fd, const std::string& text) { return WriteAll(fd.get(), text).ok(); }
  bool Ends() {
    return WaitFor([this] { return done_.has_value(); });
  }
  std::optional<Completed> done_;
};

TEST_F(LiveTest, ACommandIsTalkedWithWhileItRuns) {
  LiveCommand cat = Open({"/bin/cat"});
  for (const char* line : {"one\n", "two\n"}) {
    ASSERT_TRUE(Write(cat.in, line));
    EXPECT_EQ(Read(cat.out, line), line);
  }
  EXPECT_FALSE(done_.has_value());
  EXPECT_EQ(sandbox_->running(), 1U);
  cat.in.Reset();
  ASSERT_TRUE(Ends()) << "a closed input is the end of file";
  EXPECT_EQ(done_->report.exit_code, 0);
  EXPECT_EQ(done_->out.total, 0U) << "nothing is captured";
  EXPECT_EQ(done_->out.head, "");
}

TEST_F(LiveTest, TheStreamsNeverBlockAndAreInheritedByNobody) {
  const LiveCommand cat = Open({"/bin/cat"});
  for (const UniqueFd* fd : {&cat.in, &cat.out, &cat.err}) {
    EXPECT_NE(::fcntl(fd->get(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(::fcntl(fd->get(), F_GETFD) & FD_CLOEXEC, 0);
  }
  // The ends of the command are as it expects them: a read waits.
  LiveCommand late = Open({"/bin/sh", "-c", "read line && echo $line >&2"});
  loop_.RunUntil([this] { return done_.has_value(); }, Clock::now() + 50ms);
  ASSERT_TRUE(Write(late.in, "late\n"));
  EXPECT_EQ(Read(late.err, "late\n"), "late\n");
}

TEST_F(LiveTest, WhatWasSaidBeforeTheEndCanStillBeRead) {
  const LiveCommand echo = Open({"/bin/sh", "-c", "echo last; echo words >&2; exit 4"});
  ASSERT_TRUE(Ends());
  EXPECT_EQ(done_->report.exit_code, 4);
  EXPECT_EQ(Read(echo.out, ""), "last\n");
  EXPECT_EQ(Read(echo.err, ""), "words\n");
}

TEST_F(LiveTest, ACommandWithoutAWallLimitRunsUntilItIsToldToEnd) {
  const LiveCommand limited = Open({"/bin/sleep", "60"}, {.wall = 100ms});
  ASSERT_TRUE(Ends());
  EXPECT_EQ(done_->report.limit, LimitHit::kWall);
  const LiveCommand server =
      Open({"/bin/sh", "-c", "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 60 & wait; done"});
  EXPECT_EQ(Read(server.out, "ready\n"), "ready\n");
  EXPECT_EQ(loop_.RunUntil([this] { return done_.has_value(); }, Clock::now() + 400ms), EventLoop::Wake::kDeadline);
  sandbox_->Kill(server.id, 10s);
  ASSERT_TRUE(Ends());
  EXPECT_TRUE(done_->report.cancelled);
  EXPECT_EQ(done_->report.exit_code, 0);
  EXPECT_EQ(Read(server.out, ""), "bye\n");
}

TEST_F(LiveTest, GraceEndsForACommandThatDoesNotListen) {
  const LiveCommand deaf = Open({"/bin/sh", "-c", "trap '' TERM; echo ready; while :; do sleep 60; done"});
  EXPECT_EQ(Read(deaf.out, "ready\n"), "ready\n");
  sandbox_->Kill(deaf.id, 50ms);
  ASSERT_TRUE(Ends());
  EXPECT_EQ(done_->report.signal, SIGKILL);
}

TEST_F(LiveTest, AReaderThatNeverReadsHoldsUpNobodyElse) {
  const LiveCommand yes = Open({"/usr/bin/yes"}, {.wall = 0ms, .output_bytes = 1});
  EXPECT_EQ(Run({.argv = {"/bin/echo", "other"}}).out.head, "other\n");
  loop_.RunUntil([this] { return done_.has_value(); }, Clock::now() + 100ms);
  EXPECT_FALSE(done_.has_value()) << "the limit of captured output is none of its business";
  sandbox_->Kill(yes.id);
  ASSERT_TRUE(Ends());
  EXPECT_EQ(done_->report.limit, LimitHit::kNone);
}

TEST_F(LiveTest, AClientThatVanishesLeavesNothing) {
  const std::string mark = "rune-test-live-" + std::to_string(::getpid());
  auto said = MakePipe();
  ASSERT_TRUE(said.ok());
  const pid_t client = ::fork();
  if (client == 0) {
    EventLoop loop;
    auto sandbox = Sandbox::Create(loop, {.helper = SandboxHelper()});
    const auto live =
        (*sandbox)->LaunchLive({.argv = {"/bin/sh", "-c", "echo up; cat; : " + mark}, .limits = {.wall = 0ms}},
                               SystemConfinement(), [](const Completed&) {});
    loop.RunUntil(
        [&] {
          char byte = 0;
          return ::read(live->out.get(), &byte, 1) == 1;
        },
        Clock::now() + 5s);
    const auto told = WriteAll(said->write.get(), (*sandbox)->tmp_dir());
    while (true) ::pause();
  }
  char path[256] = {};
  ASSERT_GT(::read(said->read.get(), path, sizeof path - 1), 0);
  EXPECT_GT(Alive(mark), 0);
  EXPECT_TRUE(Exists(path));
  ::kill(client, SIGKILL);
  ::waitpid(client, nullptr, 0);
  EXPECT_TRUE(WaitFor([&] { return Alive(mark) == 0; }));
  EXPECT_TRUE(WaitFor([&] { return !Exists(path); }));
}

TEST_F(LiveTest, NoDescriptorIsLeft) {
  const auto descriptors = [] {
    const auto all = std::filesystem::directory_iterator("/proc/self/fd");
    return std::distance(begin(all), end(all));
  };
  ASSERT_EQ(Shell("exit 0").report.exit_code, 0);
  const auto before = descriptors();
  for (int i = 0; i < 50; ++i) {
    {
      const LiveCommand live = Open({"/bin/cat"});
      if (i % 2 == 0) sandbox_->Kill(live.id);
    }
    ASSERT_TRUE(Ends());
  }
  EXPECT_EQ(descriptors(), before);
}

TEST_F(LiveTest, ItsInputCannotBeGivenBeforehand) {
  const auto live =
      sandbox_->LaunchLive({.argv = {"/bin/cat"}, .stdin_data = "x"}, SystemConfinement(), [](Completed) {});
  ASSERT_FALSE(live.ok());
  EXPECT_EQ(live.error().kind, ErrorKind::kInvalidInput);
  EXPECT_EQ(sandbox_->running(), 0U);
}

}  // namespace
}  // namespace rune::sandbox
