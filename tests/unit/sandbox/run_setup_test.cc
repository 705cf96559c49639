/// A set-up changes its process for good, so that each is made in a child of the test.
#include "sandbox/guardian/run_setup.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "sandbox/base/files.h"
#include "sandbox/process_list.h"
#include "tests/unit/layers/in_child.h"

namespace rune::sandbox {
namespace {

class RunSetupTest : public testing::Test {
 protected:
  RunSetupTest() : tmp_(TempDir::Create("/tmp", "rune-setup-test-")) { EXPECT_TRUE(tmp_.ok()); }
  SetupFrame Frame() const {
    SetupFrame frame;
    frame.limits = {.memory_bytes = 64 << 20, .pids = 9};
    frame.tmp_dir = tmp_->path();
    return frame;
  }
  Result<TempDir> tmp_;
};

TEST_F(RunSetupTest, TheRunsOwnPlacesAreGrantedAndReallyItsOwn) {
  const std::string seen = tmp_->path() + "/seen";
  const int result = InChild([&] {
    const RunSetup setup(Frame(), {});
    FileAccess files;
    setup.GrantOwn(files);
    if (std::find(files.write.begin(), files.write.end(), setup.tmp()) == files.write.end()) return 1;
    // By the name that commands know, and by the one that the client knows.
    if (!WriteFileAtomic(setup.tmp() + "/seen", "x").ok()) return 2;
    return Exists(seen) ? 0 : 3;
  });
  EXPECT_EQ(result, 0);
  EXPECT_TRUE(Exists(seen)) << "and the client finds it";
}

TEST_F(RunSetupTest, WhatNoGroupHoldsTheProcessesOwnLimitsDo) {
  const int result = InChild([&] {
    RunSetup setup(Frame(), {});
    const RlimitPlan plan = setup.Rlimits({.open_files = 77});
    if (plan.command.open_files != 77) return 1;
    const bool group_has_memory = setup.group() != nullptr && setup.group()->has_memory();
    if (plan.data_bytes != (group_has_memory ? 0 : setup.limits().memory_bytes)) return 2;
    const bool group_has_pids = setup.group() != nullptr && setup.group()->has_pids();
    if (group_has_pids && plan.processes != 0) return 3;
    return setup.facts().cgroup.empty() == (setup.group() == nullptr) ? 0 : 4;
  });
  EXPECT_EQ(result, 0);
}

TEST_F(RunSetupTest, ThePrivateDirectoryGoesWhenItsClientCannotTakeItAway) {
  ASSERT_TRUE(WriteFileAtomic(tmp_->path() + "/file", "x").ok());
  EXPECT_EQ(InChild([&] {
              const RunSetup setup(Frame(), {});
              setup.RemoveTmp();
              return 0;
            }),
            0);
  EXPECT_FALSE(Exists(tmp_->path()));
}

TEST_F(RunSetupTest, TheEmptyNetworkIsNotMadeForAnOpenNetwork) {
  EXPECT_EQ(InChild([&] {
              SetupFrame open = Frame();
              open.first.network = Network::kOpen;
              return RunSetup(open, {}).empty_network() == -1 ? 0 : 1;
            }),
            0);
}

TEST_F(RunSetupTest, WithProcessIdsOfItsOwnARunSeesNobodyElses) {
  const int client = ::getpid();
  EXPECT_EQ(InChild([&] {
              if (!Exists("/proc/" + std::to_string(client) + "/status")) return 1;
              const RunSetup setup(Frame(), {});
              if (!setup.facts().own_pids) return 0;  // the layers test says why
              if (::getpid() != 1) return 2;
              if (!setup.facts().out_of_reach.empty()) return 3;
              return ListProcesses().size() == 1 ? 0 : 4;
            }),
            0);
}

}  // namespace
}  // namespace rune::sandbox
