#include "sandbox/guardian/run_network.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "sandbox/protocol/descriptor_passing.h"

namespace rune::sandbox {
namespace {

class RunNetworkTest : public testing::Test {
 protected:
  static CompiledPolicy Guarded() {
    CompiledPolicy policy;
    policy.guarded = {{}};
    return policy;
  }
  EventLoop loop_;
  OwnSockets none_;
  RunNetwork network_{loop_, SetupFrame{}, Identity{.uid = ::geteuid()}, none_};
};

TEST_F(RunNetworkTest, WithoutAFilterThatAsksThereIsNobodyToAnswer) {
  const CompiledPolicy closed;
  EXPECT_EQ(network_.Prepare(1, closed), -1);
  EXPECT_TRUE(network_.Serve(1, Milliseconds(0)));
  Report report;
  network_.End(1, report);
  EXPECT_TRUE(report.egress.empty());
}

TEST_F(RunNetworkTest, AListenerThatComesTooLateIsNotTheNextCommands) {
  const CompiledPolicy policy = Guarded();
  const UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int socket = network_.Prepare(1, policy);
  ASSERT_GE(socket, 0);
  EXPECT_FALSE(network_.Serve(1, Milliseconds(0))) << "its child has sent nothing";
  ASSERT_EQ(SendDescriptor(socket, file.get()), 0);
  EXPECT_EQ(network_.Prepare(2, policy), socket);
  EXPECT_FALSE(network_.Serve(2, Milliseconds(0)));
  ASSERT_EQ(SendDescriptor(socket, file.get()), 0);
  EXPECT_TRUE(network_.Serve(2, Milliseconds(0))) << "what comes in time is its own";
}

}  // namespace
}  // namespace rune::sandbox
