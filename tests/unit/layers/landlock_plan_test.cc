#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>

#include "sandbox/base/files.h"
#include "sandbox/base/paths.h"
#include "sandbox/layers/kernel_abi.h"
#include "sandbox/layers/landlock.h"

namespace rune::sandbox {
namespace {

using namespace kernel;
using testing::ElementsAre;
using testing::Pair;
using testing::UnorderedElementsAre;

constexpr int kAbi = 7;
constexpr std::uint64_t kRead = kFsReadFile | kFsReadDir;
constexpr std::uint64_t kExecute = kRead | kFsExecute;
constexpr std::uint64_t kWrite = kRead | kFsWriteFile | kFsTruncate | kFsRefer | kFsRemoveDir | kFsRemoveFile |
                                 kFsMakeDir | kFsMakeReg | kFsMakeSock | kFsMakeFifo | kFsMakeSymlink;

/// A small tree: a/{file,link -> b/file,sub/{deep,other}}, b/{file}, top
class LandlockPlan : public testing::Test {
 protected:
  void SetUp() override {
    root_ = dir_.path();
    for (const char* name : {"a/sub", "b"}) ASSERT_TRUE(MakeDirs(At(name)).ok());
    for (const char* name : {"a/file", "a/sub/deep", "a/sub/other", "b/file", "top"}) {
      ASSERT_TRUE(WriteFileAtomic(At(name), "x").ok());
    }
    ASSERT_EQ(::symlink("../b/file", At("a/link").c_str()), 0);
  }

  std::string At(const std::string& name) const { return root_ + "/" + name; }

  /// The plan with paths below the root made relative.
  std::map<std::string, std::uint64_t> Plan(const FileAccess& files, int abi = kAbi) const {
    std::map<std::string, std::uint64_t> rules;
    for (const LandlockRule& rule : PlanLandlock(files, abi)) {
      const bool below = rule.path != root_ && IsBelow(rule.path, root_);
      rules[below ? rule.path.substr(root_.size() + 1) : rule.path == root_ ? "." : rule.path] = rule.rights;
    }
    return rules;
  }

  TempDir dir_ = std::move(TempDir::Create("/tmp", "landlock-plan-")).value();
  std::string root_;
};

TEST_F(LandlockPlan, GrantsATreeByOneRule) {
  EXPECT_THAT(Plan({.read = {At("a")}}), ElementsAre(Pair("a", kRead)));
  EXPECT_THAT(Plan({.execute = {At("a")}}), ElementsAre(Pair("a", kExecute)));
  EXPECT_THAT(Plan({.write = {At("a")}}), ElementsAre(Pair("a", kWrite)));
}

TEST_F(LandlockPlan, GivesAFileOnlyTheRightsOfFiles) {
  EXPECT_THAT(Plan({.read = {At("top")}}), ElementsAre(Pair("top", kFsReadFile)));
  EXPECT_THAT(Plan({.write = {At("top")}}), ElementsAre(Pair("top", kFsReadFile | kFsWriteFile | kFsTruncate)));
}

TEST_F(LandlockPlan, MergesWhatSeveralEntriesGrant) {
  EXPECT_THAT(Plan({.execute = {At("a")}, .write = {At("a")}}), ElementsAre(Pair("a", kWrite | kFsExecute)));
  EXPECT_THAT(Plan({.execute = {At("a/file")}, .write = {At("a")}}),
              ElementsAre(Pair("a", kWrite), Pair("a/file", kFsReadFile | kFsExecute)));
}

TEST_F(LandlockPlan, NeverGrantsWhatTheAbiDoesNotKnow) {
  EXPECT_THAT(Plan({.write = {At("a")}}, 1), ElementsAre(Pair("a", kWrite & ~(kFsRefer | kFsTruncate))));
  EXPECT_THAT(Plan({.write = {At("a")}}, 2), ElementsAre(Pair("a", kWrite & ~kFsTruncate)));
  for (int abi = 1; abi <= 9; ++abi) {
    for (const auto& [path, rights] : Plan({.write = {At("a"), "/dev/null"}}, abi)) {
      EXPECT_EQ(rights & ~HandledFileRights(abi), 0u) << path;
    }
  }
}

TEST_F(LandlockPlan, NeverGrantsDeviceNodes) {
  for (const auto& [path, rights] : Plan({.read = {root_}, .execute = {root_}, .write = {root_}})) {
    EXPECT_EQ(rights & (kFsMakeChar | kFsMakeBlock), 0u) << path;
  }
}

TEST_F(LandlockPlan, LetsDeviceIoctlsThroughOnDevicesOnly) {
  const auto rules = PlanLandlock({.write = {"/dev/null"}}, 5);
  EXPECT_THAT(rules, ElementsAre(LandlockRule{"/dev/null", kFsReadFile | kFsWriteFile | kFsTruncate | kFsIoctlDev}));
}

TEST_F(LandlockPlan, GrantsTheSiblingsOfADeniedFile) {
  EXPECT_THAT(
      Plan({.read = {root_}, .denied = {At("a/sub/deep")}}),
      ElementsAre(Pair(".", kFsReadDir), Pair("a", kFsReadDir), Pair("a/file", kFsReadFile), Pair("a/sub", kFsReadDir),
                  Pair("a/sub/other", kFsReadFile), Pair("b", kRead), Pair("top", kFsReadFile)));
}

TEST_F(LandlockPlan, DoesNotListAboveADeniedDirectory) {
  EXPECT_THAT(Plan({.read = {root_}, .denied = {At("a/sub")}}),
              ElementsAre(Pair("a/file", kFsReadFile), Pair("b", kRead), Pair("top", kFsReadFile)));
}

TEST_F(LandlockPlan, TakesWritingAwayFromTheParentOfADeniedFile) {
  EXPECT_THAT(Plan({.write = {At("a")}, .denied = {At("a/file")}}),
              ElementsAre(Pair("a", kFsReadDir), Pair("a/sub", kWrite)));
}

TEST_F(LandlockPlan, TakesWritingAwayFromEveryDirectoryAboveADeniedPathThatIsNotThereYet) {
  const auto held = Plan({.write = {At("a")}, .denied = {At("a/none")}});
  EXPECT_EQ(held.at("a") & (kFsMakeReg | kFsMakeDir | kFsRemoveDir | kFsMakeSymlink), 0U);
  EXPECT_NE(held.at("a/sub") & kFsMakeReg, 0U) << "its siblings stay what they were";
  const auto deep = Plan({.write = {At("a")}, .denied = {At("a/sub/none/deeper")}});
  EXPECT_EQ(deep.at("a") & kFsRemoveDir, 0U) << "or a/sub could be moved away and made anew";
  EXPECT_EQ(deep.at("a/sub") & kFsMakeDir, 0U);
  EXPECT_NE(Plan({.write = {At("a")}}).at("a") & kFsMakeReg, 0U) << "the control";
}

TEST_F(LandlockPlan, LetsADeniedPathWinOverEveryOtherEntry) {
  const FileAccess files{.read = {At("a")},
                         .execute = {At("a/sub/deep")},
                         .write = {At("a/sub")},
                         .list_only = {At("a/sub")},
                         .denied = {At("a/sub")}};
  EXPECT_THAT(Plan(files), ElementsAre(Pair("a/file", kFsReadFile)));
  EXPECT_THAT(Plan({.read = {At("a")}, .denied = {At("a")}}), ElementsAre());
  EXPECT_THAT(Plan({.read = {At("a")}, .denied = {root_}}), ElementsAre());
}

TEST_F(LandlockPlan, DeniesWhatADeniedLinkPointsTo) {
  EXPECT_THAT(Plan({.read = {At("b"), At("top")}, .denied = {At("a/link")}}),
              ElementsAre(Pair("b", kFsReadDir), Pair("top", kFsReadFile)));
}

TEST_F(LandlockPlan, ListsButDoesNotReadAListOnlyTree) {
  EXPECT_THAT(Plan({.read = {root_}, .list_only = {At("a")}}),
              ElementsAre(Pair(".", kFsReadDir), Pair("a", kFsReadDir), Pair("b", kRead), Pair("top", kFsReadFile)));
}

TEST_F(LandlockPlan, ReadsWhatIsNamedInsideAListOnlyTree) {
  EXPECT_THAT(Plan({.read = {root_}, .execute = {At("a/sub/deep")}, .list_only = {At("a")}}),
              ElementsAre(Pair(".", kFsReadDir), Pair("a", kFsReadDir), Pair("a/sub/deep", kFsReadFile | kFsExecute),
                          Pair("b", kRead), Pair("top", kFsReadFile)));
}

TEST_F(LandlockPlan, NestsAListOnlyTreeInsideAnother) {
  EXPECT_THAT(Plan({.read = {At("a")}, .list_only = {At("a"), At("a/sub")}}),
              ElementsAre(Pair("a", kFsReadDir), Pair("a/file", kFsReadFile), Pair("a/sub", kFsReadDir)))
      << "the inner one narrows the entry that names the outer one";
  EXPECT_THAT(Plan({.read = {root_}, .list_only = {At("a"), At("a/sub")}}),
              ElementsAre(Pair(".", kFsReadDir), Pair("a", kFsReadDir), Pair("a/sub", kFsReadDir), Pair("b", kRead),
                          Pair("top", kFsReadFile)));
}

TEST_F(LandlockPlan, DeniesInsideAListOnlyTree) {
  EXPECT_THAT(Plan({.read = {root_}, .list_only = {At("a")}, .denied = {At("a/sub")}}),
              ElementsAre(Pair("b", kRead), Pair("top", kFsReadFile)))
      << "neither the tree nor its parent can be listed without showing the denied directory";
}

TEST_F(LandlockPlan, ResolvesLinksInTheWayToAnEntry) {
  ASSERT_EQ(::symlink("a", At("alias").c_str()), 0);
  EXPECT_THAT(Plan({.read = {At("alias/sub/deep"), At("b/../b")}}),
              ElementsAre(Pair("a/sub/deep", kFsReadFile), Pair("b", kRead)));
}

TEST_F(LandlockPlan, PassesOverLinksWhenItGrantsSiblings) {
  // a/link leads to b/file, which was never granted.
  EXPECT_THAT(Plan({.read = {At("a")}, .denied = {At("a/sub")}}), ElementsAre(Pair("a/file", kFsReadFile)));
}

TEST_F(LandlockPlan, DoesNotFollowALinkOutOfATreeThatACommandCanWrite) {
  EXPECT_THAT(Plan({.read = {At("a/link")}}), ElementsAre(Pair("b/file", kFsReadFile)));
  EXPECT_THAT(Plan({.read = {At("a/link")}, .write = {At("a")}}), ElementsAre(Pair("a", kWrite)));
  ASSERT_EQ(::symlink("sub/deep", At("a/inside").c_str()), 0);
  EXPECT_THAT(Plan({.execute = {At("a/inside")}, .write = {At("a")}}),
              ElementsAre(Pair("a", kWrite), Pair("a/sub/deep", kFsReadFile | kFsExecute)));
}

TEST_F(LandlockPlan, SkipsWhatDoesNotExist) {
  EXPECT_THAT(Plan({.read = {At("none"), At("b")}, .denied = {At("b/none")}}), ElementsAre(Pair("b", kRead)));
}

}  // namespace
}  // namespace rune::sandbox
