/// A tree of plain files stands for the hierarchy.
#include "sandbox/layers/cgroup_limits.h"

#include <gtest/gtest.h>

#include "sandbox/base/files.h"

namespace rune::sandbox {
namespace {

class CgroupLimitsTest : public testing::Test {
 protected:
  void SetUp() override {
    auto dir = TempDir::Create("/tmp", "cgroup-limits-");
    ASSERT_TRUE(dir.ok());
    root_ = std::make_unique<TempDir>(std::move(dir).value());
    ASSERT_TRUE(MakeDirs(At("system.slice/job.service/run.scope")).ok());
  }
  std::string At(const std::string& group) const { return root_->path() + "/" + group; }
  void Set(const std::string& group, const std::string& file, const std::string& text) const {
    ASSERT_TRUE(WriteFileAtomic(At(group) + "/" + file, text + "\n").ok());
  }
  std::unique_ptr<TempDir> root_;
};

TEST_F(CgroupLimitsTest, TheSmallestOfEachIsTakenAlong) {
  Set("system.slice/job.service/run.scope", "memory.max", "max");
  Set("system.slice/job.service/run.scope", "memory.high", "90000");
  Set("system.slice/job.service/run.scope", "pids.max", "20");
  Set("system.slice/job.service", "memory.max", "100000");
  Set("system.slice/job.service", "pids.max", "400");
  Set("system.slice/job.service", "cpu.max", "50000 100000");
  Set("system.slice", "memory.max", "70000");
  Set("system.slice", "memory.swap.max", "0");
  Set("system.slice", "cpu.max", "20000 10000");
  const auto all = LimitsBetween(At("system.slice/job.service/run.scope"), root_->path());
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->memory_max, 70000U);
  EXPECT_EQ(all->memory_high, 90000U);
  EXPECT_EQ(all->swap_max, 0U);
  EXPECT_EQ(all->pids_max, 20U);
  EXPECT_EQ(all->cpu_max, "50000 100000");
}

TEST_F(CgroupLimitsTest, WhatHoldsForTheParentHoldsForTheNewGroupAnyway) {
  Set("system.slice", "memory.max", "70000");
  Set("system.slice", "io.max", "8:0 rbps=1");
  const auto below = LimitsBetween(At("system.slice/job.service/run.scope"), At("system.slice"));
  ASSERT_TRUE(below.ok());
  EXPECT_FALSE(below->memory_max || below->memory_high || below->swap_max || below->pids_max);
  EXPECT_EQ(below->cpu_max, "");
  const auto same = LimitsBetween(At("system.slice"), At("system.slice"));
  ASSERT_TRUE(same.ok());
  EXPECT_FALSE(same->memory_max);
}

TEST_F(CgroupLimitsTest, ALimitThatIsNoNumberKeepsARunWhereItIs) {
  Set("system.slice/job.service", "cpuset.cpus", "");
  Set("system.slice/job.service", "cpu.max", "max 100000");
  EXPECT_TRUE(LimitsBetween(At("system.slice/job.service"), root_->path()).ok());
  Set("system.slice/job.service", "cpuset.cpus", "0-1");
  const auto refused = LimitsBetween(At("system.slice/job.service"), root_->path());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::kUnavailable);
  EXPECT_NE(refused.error().message.find("job.service/cpuset.cpus"), std::string::npos);
}

TEST_F(CgroupLimitsTest, Version1IsAskedWhetherItCountsUpwards) {
  Set("system.slice", "memory.limit_in_bytes", "70000");
  Set("system.slice/job.service", "memory.limit_in_bytes", "9223372036854771712");
  Set("system.slice/job.service", "memory.use_hierarchy", "1");
  EXPECT_EQ(MemoryLimitAbove(At("system.slice/job.service"), root_->path()), std::nullopt);
  Set("system.slice/job.service", "memory.use_hierarchy", "0");
  EXPECT_EQ(MemoryLimitAbove(At("system.slice/job.service"), root_->path()), 70000U);
}

}  // namespace
}  // namespace rune::sandbox
