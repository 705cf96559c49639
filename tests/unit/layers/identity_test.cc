#include "sandbox/layers/identity.h"

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "sandbox/base/files.h"
#include "sandbox/base/text.h"
#include "tests/unit/layers/in_child.h"

namespace rune::sandbox {
namespace {

/// The value of `key` in /proc/self/status.
std::string Status(const std::string& key) {
  const auto text = ReadFile("/proc/self/status");
  const std::size_t at = text.ok() ? text->find("\n" + key + ":") : std::string::npos;
  if (at == std::string::npos) return "";
  const std::size_t begin = at + key.size() + 2;
  return std::string(Trim(text->substr(begin, text->find('\n', begin) - begin)));
}

#define SKIP_UNLESS_ROOT() \
  if (::geteuid() != 0) GTEST_SKIP() << "changing the uid needs root"

class RootsIdentity : public testing::Test {
 protected:
  void SetUp() override {
    SKIP_UNLESS_ROOT();
    dir_ = TempDir::Create("/tmp", "identity-test-").value().path();
    ASSERT_TRUE(MakeDirs(dir_));
  }
  void TearDown() override {
    if (dir_.empty()) return;
    EXPECT_TRUE(RemoveTree(dir_).ok());
  }
  bool MakeDirs(const std::string& path) { return rune::MakeDirs(path, 0700).ok(); }
  std::string dir_;
};

TEST_F(RootsIdentity, IsAnUnusedUidWhenNothingStandsAgainstIt) {
  const Identity identity = PlanIdentity({.writable = {"/dev/null", "/no/such/dir"}, .landlock_abi = 7});
  EXPECT_TRUE(identity.change);
  EXPECT_GE(identity.uid, 62000u);
  EXPECT_LT(identity.uid, 63000u);
  EXPECT_EQ(identity.gid, identity.uid);
  EXPECT_EQ(identity.mechanism, "uid " + std::to_string(identity.uid) + ", no capabilities");
  EXPECT_EQ(identity.why, "");
}

TEST_F(RootsIdentity, StaysUidZeroForADirectoryOfRootOnlyUnderLandlock) {
  const Identity held = PlanIdentity({.writable = {dir_}, .landlock_abi = 3});
  EXPECT_EQ(held.uid, 0u);
  EXPECT_TRUE(held.change);
  EXPECT_EQ(held.why, "uid 0 without capabilities: " + dir_ + " belongs to root");

  const Identity loose = PlanIdentity({.writable = {dir_}, .landlock_abi = 0});
  EXPECT_GE(loose.uid, 62000u);
  EXPECT_NE(loose.why.find("no Landlock"), std::string::npos);

  // What it holds there is not everything that uid 0 can change: truncation came with ABI 3.
  const Identity early = PlanIdentity({.writable = {dir_}, .landlock_abi = 2});
  EXPECT_GE(early.uid, 62000u);
  EXPECT_NE(early.why.find("it takes Landlock ABI 3"), std::string::npos);
}

TEST_F(RootsIdentity, IsTheOwnerOfAPersonsDirectory) {
  ASSERT_EQ(::chown(dir_.c_str(), 4711, 4712), 0);
  const Identity identity = PlanIdentity({.writable = {dir_}, .landlock_abi = 7});
  EXPECT_EQ(identity.uid, 4711u);
  EXPECT_EQ(identity.gid, 4712u);
  EXPECT_EQ(identity.why, "uid 4711: " + dir_ + " belongs to it");
}

TEST_F(RootsIdentity, DoesNotCountADirectoryThatEveryoneCanWrite) {
  ASSERT_EQ(::chmod(dir_.c_str(), 01777), 0);
  EXPECT_GE(PlanIdentity({.writable = {dir_}, .landlock_abi = 7}).uid, 62000u);
}

TEST_F(RootsIdentity, OnceAppliedCannotReadWhatBelongsToRoot) {
  const std::string secret = dir_ + "/secret";
  ASSERT_TRUE(WriteFileAtomic(secret, "x", {.mode = 0600}).ok());
  ASSERT_EQ(::chmod(dir_.c_str(), 0755), 0);
  const Identity identity = PlanIdentity({.writable = {}, .landlock_abi = 7});
  const auto read = [&] { return ErrnoOf(::open(secret.c_str(), O_RDONLY)); };
  EXPECT_EQ(InChild(read), 0);
  EXPECT_EQ(InChild([&] { return ApplyIdentity(identity) + read(); }), EACCES);
}

TEST_F(RootsIdentity, OnceAppliedHasNoGroupAndCannotGoBack) {
  const Identity identity = PlanIdentity({.writable = {}, .landlock_abi = 7});
  EXPECT_EQ(InChild([] { return ErrnoOf(::setresuid(0, 0, 0)); }), 0);
  EXPECT_EQ(InChild([&] {
              const gid_t group = 4712;
              if (::setgroups(1, &group) != 0 || ApplyIdentity(identity) != 0) return 200;
              if (::getuid() != identity.uid || ::getegid() != identity.gid || ::getgroups(0, nullptr) != 0) return 201;
              return ErrnoOf(::setresuid(0, 0, 0));
            }),
            EPERM);
}

TEST(IdentityTest, LeavesNoCapabilityAndNoWayToGainOne) {
  const Identity identity = PlanIdentity({.writable = {}, .landlock_abi = 7});
  EXPECT_EQ(InChild([&] {
              if (ApplyIdentity(identity) != 0) return 1;
              for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapAmb"}) {
                if (Status(set) != "0000000000000000") return 2;
              }
              return Status("NoNewPrivs") == "1" ? 0 : 3;
            }),
            0);
}

TEST_F(RootsIdentity, EmptiesTheBoundingSetToo) {
  EXPECT_NE(Status("CapBnd"), "0000000000000000");
  const Identity identity{.uid = 0, .gid = 0, .change = true};
  EXPECT_EQ(InChild([&] { return ApplyIdentity(identity) == 0 && Status("CapBnd") == "0000000000000000" ? 0 : 1; }), 0);
  // Done beforehand it takes nothing from the process itself.
  EXPECT_EQ(InChild([] {
              const std::string before = Status("CapEff");
              return DropBoundingSet() == 0 && Status("CapBnd") == "0000000000000000" && Status("CapEff") == before ? 0
                                                                                                                    : 1;
            }),
            0);
}

TEST_F(RootsIdentity, AsUidZeroStillCannotDoWhatNeedsACapability) {
  const Identity identity{.uid = 0, .gid = 0, .change = true};
  const std::string file = dir_ + "/file";
  ASSERT_TRUE(WriteFileAtomic(file, "x").ok());
  const auto give_away = [&] { return ErrnoOf(::chown(file.c_str(), 4711, 4711)); };
  EXPECT_EQ(InChild(give_away), 0);
  ASSERT_EQ(::chown(file.c_str(), 0, 0), 0);
  EXPECT_EQ(InChild([&] { return ApplyIdentity(identity) + give_away(); }), EPERM);
}

TEST(IdentityTest, OfAnOrdinaryUserIsThatUser) {
  if (::geteuid() == 0) {
    // Becomes one first.
    EXPECT_EQ(InChild([] {
                if (::setresuid(4711, 4711, 4711) != 0) return 1;
                const Identity identity = PlanIdentity({.writable = {"/"}, .landlock_abi = 0});
                if (identity.change || identity.uid != 4711 || identity.mechanism != "uid 4711, no capabilities")
                  return 2;
                return ApplyIdentity(identity);
              }),
              0);
    return;
  }
  EXPECT_FALSE(PlanIdentity({}).change);
  EXPECT_EQ(PlanIdentity({}).uid, ::geteuid());
}

}  // namespace
}  // namespace rune::sandbox
