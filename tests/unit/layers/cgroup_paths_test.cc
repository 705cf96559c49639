#include "sandbox/layers/cgroup_paths.h"

#include <gtest/gtest.h>

namespace rune::sandbox {
namespace {

TEST(CgroupPaths, FindsTheV2GroupBelowItsMount) {
  const CgroupTexts texts{"0::/user.slice/app.scope\n",
                          "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"};
  EXPECT_EQ(OwnCgroup(texts, ""), "/sys/fs/cgroup/user.slice/app.scope");
  EXPECT_EQ(CgroupMount(texts, ""), "/sys/fs/cgroup");
  EXPECT_EQ(OwnCgroup(texts, "memory"), "");
}

TEST(CgroupPaths, FindsEachV1HierarchyEvenWhenItHasSeveralControllers) {
  const CgroupTexts texts{"9:name=systemd:/\n4:memory,freezer:/jobs/7\n3:pids:/\n0::/\n",
                          "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory,freezer\n"
                          "39 31 0:36 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"};
  EXPECT_EQ(OwnCgroup(texts, "memory"), "/sys/fs/cgroup/memory/jobs/7");
  EXPECT_EQ(OwnCgroup(texts, "pids"), "/sys/fs/cgroup/pids");
  EXPECT_EQ(OwnCgroup(texts, ""), "");
}

TEST(CgroupPaths, TakesTheMountedRootOffInsideAContainerWithoutACgroupNamespace) {
  const CgroupTexts texts{"4:memory:/docker/abc/inner\n3:pids:/docker/abc\n",
                          "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
                          "39 31 0:36 /docker/abc /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids\n"};
  EXPECT_EQ(OwnCgroup(texts, "memory"), "/sys/fs/cgroup/memory/inner");
  EXPECT_EQ(OwnCgroup(texts, "pids"), "/sys/fs/cgroup/pids");
}

TEST(CgroupPaths, AGroupThatNothingShowsHasNoDirectory) {
  // Anything else that is mounted would lead out of that group, and out of what limits it.
  const CgroupTexts texts{"4:memory:/elsewhere\n3:pids:/../beside\n0::/docker/abcdef\n",
                          "35 31 0:32 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
                          "39 31 0:36 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
                          "40 31 0:37 /docker/abc /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"};
  EXPECT_EQ(OwnCgroup(texts, "memory"), "");
  EXPECT_EQ(OwnCgroup(texts, "pids"), "");
  EXPECT_EQ(OwnCgroup(texts, ""), "");
}

TEST(CgroupPaths, ReadsNothingIntoMalformedText) {
  const CgroupTexts texts{"::\nmemory\n4:memory\n", "35 31 - cgroup\n - \n"};
  EXPECT_EQ(OwnCgroup(texts, "memory"), "");
  EXPECT_EQ(OwnCgroup(texts, ""), "");
  EXPECT_EQ(CgroupMount({}, ""), "");
}

}  // namespace
}  // namespace rune::sandbox
