#include "sandbox/confinement.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <algorithm>

#include "sandbox/base/files.h"

namespace rune::sandbox {
namespace {

using testing::Contains;
using testing::Not;

TEST(Confinement, EveryLayerNameParsesBackToItself) {
  for (const Layer layer : kAllLayers) EXPECT_EQ(ParseLayer(LayerName(layer)), layer);
  EXPECT_EQ(ParseLayer("Landlock"), std::nullopt);
  EXPECT_EQ(ParseLayer(""), std::nullopt);
}

TEST(Confinement, EveryLayerStateHasItsOwnName) {
  EXPECT_EQ(LayerStateName(LayerState::kOff), "off");
  EXPECT_EQ(LayerStateName(LayerState::kEnforced), "enforced");
  EXPECT_EQ(LayerStateName(LayerState::kDegraded), "degraded");
  EXPECT_EQ(LayerStateName(LayerState::kMissing), "missing");
}

TEST(RequiresTest, ALayerIsRequiredWhenItIsNamedOrWhenNoneIsAndThePolicyDoesNotOpenIt) {
  const LayerReport closed{Layer::kNetwork, LayerState::kMissing, "", "no guard"};
  const LayerReport opened{Layer::kNetwork, LayerState::kOff, "", ""};
  EXPECT_TRUE(Requires(Enforcement::kRequire, {}, closed));
  EXPECT_FALSE(Requires(Enforcement::kRequire, {}, opened));
  EXPECT_TRUE(Requires(Enforcement::kRequire, {Layer::kNetwork}, opened)) << "asked for by name";
  EXPECT_FALSE(Requires(Enforcement::kRequire, {Layer::kNames}, closed));
  EXPECT_FALSE(Requires(Enforcement::kBestEffort, {Layer::kNetwork}, closed));
}

TEST(SystemReadTest, NamesOnlyWhatExists) {
  const FileAccess files = SystemRead();
  for (const auto* paths : {&files.read, &files.write, &files.list_only, &files.denied}) {
    for (const std::string& path : *paths) EXPECT_TRUE(Exists(path)) << path;
  }
  EXPECT_TRUE(files.execute.empty());
}

TEST(SystemReadTest, ClosesWhatIsNotMeantForEveryone) {
  if (!Exists("/etc/shadow")) GTEST_SKIP() << "this system has no /etc/shadow";
  const FileAccess files = SystemRead();
  EXPECT_THAT(files.denied, Contains("/etc/shadow"));
  EXPECT_THAT(files.denied, Not(Contains("/etc/passwd")));
  for (const std::string& path : files.denied) {
    struct stat info{};
    ASSERT_EQ(::lstat(path.c_str(), &info), 0);
    EXPECT_TRUE(S_ISREG(info.st_mode)) << path << ": a denied directory would make /etc unlistable";
  }
}

TEST(SystemReadTest, LetsProgramsBeListedButNotRead) {
  const FileAccess files = SystemRead();
  EXPECT_THAT(files.list_only, Contains("/usr/bin"));
  EXPECT_THAT(files.read, Not(Contains("/usr/bin")));
}

TEST(SystemReadTest, NeverGrantsATerminal) {
  const FileAccess files = SystemRead();
  for (const auto* paths : {&files.read, &files.write}) {
    for (const std::string& path : *paths) {
      EXPECT_FALSE(path.starts_with("/dev/tty") || path.starts_with("/dev/pts") || path == "/dev") << path;
    }
  }
}

}  // namespace
}  // namespace rune::sandbox
