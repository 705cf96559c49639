#include "sandbox/foreground.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "tests/support/sandbox_helper.h"

namespace rune::sandbox {
namespace {

using namespace std::chrono_literals;

class ForegroundTest : public testing::Test {
 protected:
  void SetUp() override {
    sandbox_ = Sandbox::Create(loop_, {.helper = SandboxHelper()}).value();
    confinement_.files = SystemRead();
    confinement_.files.execute = {"/bin", "/usr"};
    confinement_.network = Network::kClosed;
  }
  Result<Completed> Run(std::vector<std::string> argv, const Patience& patience = {}) {
    return RunInForeground(loop_, *sandbox_, {.argv = std::move(argv)}, confinement_, patience);
  }

  EventLoop loop_;
  std::unique_ptr<Sandbox> sandbox_;
  Confinement confinement_;
};

TEST_F(ForegroundTest, ACommandIsRunToItsEnd) {
  const auto done = Run({"echo", "here"});
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(done->out.head, "here\n");
  EXPECT_TRUE(Exited(done->report));
  EXPECT_EQ(sandbox_->running(), 0U);
}

TEST_F(ForegroundTest, AnInterruptionEndsItAndWhatItStarted) {
  loop_.At(Clock::now() + 100ms, [this] { loop_.Interrupt(SIGTERM); });
  const TimePoint start = Clock::now();
  const auto done = Run({"/bin/sh", "-c", "sleep 50 & sleep 50"});
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().kind, ErrorKind::kCancelled);
  EXPECT_EQ(sandbox_->running(), 0U);
  EXPECT_LT(Clock::now() - start, 5s);
}

TEST_F(ForegroundTest, SoDoesTheDeadlineOfItsCaller) {
  const auto done = Run({"sleep", "50"}, {.deadline = Clock::now() + 100ms, .grace = 0ms});
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().kind, ErrorKind::kCancelled);
  EXPECT_EQ(sandbox_->running(), 0U);
  EXPECT_TRUE(Run({"true"}).ok()) << "the control: the sandbox is as good as before";
}

}  // namespace
}  // namespace rune::sandbox
