#include "sandbox/process_list.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

namespace rune::sandbox {
namespace {

TEST(ProcessTreeTest, WalksFromTheRootOnly) {
  const std::vector<ProcessInfo> all{{.parent = 1, .pid = 10, .threads = 1, .private_bytes = 5},
                                     {.parent = 10, .pid = 11, .threads = 2, .private_bytes = 7},
                                     {.parent = 11, .pid = 12, .threads = 1, .private_bytes = 1},
                                     {.parent = 1, .pid = 20, .threads = 9, .private_bytes = 99}};
  EXPECT_EQ(Tree(all, 10), (std::vector<pid_t>{10, 11, 12}));
  EXPECT_EQ(UsageOfTree(all, 10).threads, 4U);
  EXPECT_EQ(UsageOfTree(all, 10).memory_bytes, 13U);
}

TEST(ProcessTreeTest, SeesAChildOfThisProcess) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  const auto children = ChildrenOfSelf();
  EXPECT_NE(std::find(children.begin(), children.end(), child), children.end());
  const auto all = ListProcesses();
  EXPECT_TRUE(std::any_of(all.begin(), all.end(),
                          [&](const ProcessInfo& p) { return p.pid == child && p.parent == ::getpid(); }));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace rune::sandbox
