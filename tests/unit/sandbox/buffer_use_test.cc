#include "sandbox/guardian/buffer_use.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vector>

#include "sandbox/base/unique_fd.h"

namespace rune::sandbox {
namespace {

constexpr std::uint64_t kSocket = 64 << 10;  // less than any kernel's default

std::uint64_t Now() { return BuffersOfTree(ListProcesses(), ::getpid()); }

TEST(BufferUse, EachSocketCountsWhatItMayHoldHoweverOftenItIsOpen) {
  const std::uint64_t before = Now();
  std::vector<UniqueFd> fds;
  for (int i = 0; i < 20; ++i) {
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    fds.emplace_back(pair[0]);
    fds.emplace_back(pair[1]);
  }
  const std::uint64_t open = Now();
  EXPECT_GE(open, before + 40 * kSocket);
  const UniqueFd again(::dup(fds[0].get()));
  EXPECT_EQ(Now(), open);
  fds.clear();
  EXPECT_LT(Now(), open);
}

TEST(BufferUse, APipeCountsAsPipe) {
  const std::uint64_t before = Now();
  const Pipe pipe = std::move(MakePipe()).value();
  EXPECT_EQ(Now(), before + (64 << 10));
}

}  // namespace
}  // namespace rune::sandbox
