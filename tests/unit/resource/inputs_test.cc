#include "resource/inputs.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/base/files.h"

namespace rune::resource {
namespace {

class Inputs : public testing::Test {
 protected:
  void SetUp() override {
    auto made = TempDir::Create("/tmp", "rune-inputs-");
    ASSERT_TRUE(made.ok());
    outer_.emplace(std::move(*made));
    root_ = outer_->path() + "/inputs";
    ASSERT_TRUE(MakeDirs(root_ + "/repo").ok());
    ASSERT_TRUE(WriteFileAtomic(outer_->path() + "/secret", "secret").ok());
    ASSERT_TRUE(WriteFileAtomic(root_ + "/repo/p.md", "hello").ok());
  }
  Result<std::string> Read(const std::string& path) { return ReadInput(root_, path, 100); }
  std::optional<TempDir> outer_;
  std::string root_;
};

TEST_F(Inputs, AreReadBelowTheirDirectory) {
  EXPECT_EQ(*Read("repo/p.md"), "hello");
  EXPECT_EQ(*Read("./repo/../repo/p.md"), "hello");
}

TEST_F(Inputs, LeadNowhereElse) {
  ASSERT_EQ(::symlink("/etc/passwd", (root_ + "/repo/absolute").c_str()), 0);
  ASSERT_EQ(::symlink("../../secret", (root_ + "/repo/relative").c_str()), 0);
  ASSERT_EQ(::symlink("..", (root_ + "/up").c_str()), 0);
  for (const std::string path :
       {"../secret", "/etc/passwd", "repo/absolute", "repo/relative", "up/secret", "repo/../../secret"}) {
    EXPECT_FALSE(Read(path).ok()) << path;
  }
}

TEST_F(Inputs, MustBeRegularFilesOfBoundedSize) {
  ASSERT_EQ(::mkfifo((root_ + "/fifo").c_str(), 0600), 0);
  ASSERT_TRUE(WriteFileAtomic(root_ + "/big", std::string(101, 'x')).ok());
  for (const std::string path : {"fifo", "repo", "big", "gone", ""}) EXPECT_FALSE(Read(path).ok()) << path;
}

TEST(ExpandBuildVariables, ReplacesTheDocumentedOnesOnly) {
  const auto lookup = [](const std::string& name) -> std::optional<std::string> {
    return name == "BUILD_ID" ? std::optional<std::string>("7") : std::nullopt;
  };
  EXPECT_EQ(ExpandBuildVariables("$BUILD_ID/${BUILD_ID}/$BUILD_STATUS.", lookup), "7/7/.");
  EXPECT_EQ(ExpandBuildVariables("$HOME $BUILD_IDX ${BUILD_ID $5 $$ $", lookup), "$HOME $BUILD_IDX ${BUILD_ID $5 $$ $");
}

}  // namespace
}  // namespace rune::resource
