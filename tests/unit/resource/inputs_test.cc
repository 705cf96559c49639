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

class InputImages : public Inputs {
 protected:
  void SetUp() override {
    Inputs::SetUp();
    for (const char* name :
         {"repo/b.png", "repo/a.png", "repo/.hidden.png", "repo/shots/1/x.png", "repo/shots/2/x.png"}) {
      Picture(root_ + "/" + name, name);
    }
    Picture(outer_->path() + "/secret.png", "secret");
  }
  static void Picture(const std::string& path, const std::string& mark) {
    ASSERT_TRUE(MakeDirs(path.substr(0, path.rfind('/'))).ok());
    ASSERT_TRUE(WriteFileAtomic(path, "\x89PNG\r\n\x1A\n" + mark).ok());
  }
  /// What Picture() marked them with, in order; or why there are none.
  std::vector<std::string> Marks(const std::vector<std::string>& patterns, std::size_t most = 10) {
    const auto images = ReadImages(root_, patterns, most);
    if (!images.ok()) return {images.error().message};
    std::vector<std::string> marks;
    for (const agent::Image& image : *images) marks.push_back(image.data.substr(8));
    return marks;
  }
};
using Names = std::vector<std::string>;

TEST_F(InputImages, AreNamedByPathsAndPatterns) {
  EXPECT_EQ(Marks({"repo/a.png"}), Names{"repo/a.png"});
  EXPECT_EQ(Marks({"repo/*.png"}), (Names{"repo/a.png", "repo/b.png"})) << "sorted, and nothing hidden";
  EXPECT_EQ(Marks({"repo/b.png", "repo/*.png"}), (Names{"repo/b.png", "repo/a.png"})) << "each once";
  EXPECT_EQ(Marks({"*/shots/*/x.png"}), (Names{"repo/shots/1/x.png", "repo/shots/2/x.png"}));
  EXPECT_EQ(Marks({"./repo/[a]?png"}), Names{"repo/a.png"});
  EXPECT_EQ(Marks({}), Names{});
}

TEST_F(InputImages, LeadNowhereElse) {
  ASSERT_EQ(::symlink((outer_->path() + "/secret.png").c_str(), (root_ + "/repo/c.png").c_str()), 0);
  ASSERT_EQ(::symlink("../..", (root_ + "/repo/up").c_str()), 0);
  ASSERT_TRUE(Exists(root_ + "/repo/up/secret.png")) << "the way out is there";
  for (const std::string path : {"../secret.png", "repo/up/secret.png", "repo/up/*.png", "../*.png", "repo/c*.png"}) {
    const auto images = ReadImages(root_, {path}, 10);
    ASSERT_FALSE(images.ok()) << path;
    EXPECT_EQ(images.error().kind, ErrorKind::kInvalidInput);
  }
  EXPECT_FALSE(ReadImages(root_, {outer_->path() + "/secret.png"}, 10).ok());
  EXPECT_FALSE(ReadImages(root_, {outer_->path() + "/*.png"}, 10).ok());
}

TEST_F(InputImages, MustBeThereAndBeWhatModelsTake) {
  ASSERT_TRUE(WriteFileAtomic(root_ + "/repo/v.svg", "<svg/>").ok());
  ASSERT_TRUE(WriteFileAtomic(root_ + "/repo/e.png", "").ok());
  Picture(root_ + "/repo/big.png", std::string(5u << 20, 'x'));
  EXPECT_EQ(Marks({"repo/*.gif"}), Names{"'repo/*.gif' matches no file"});
  EXPECT_NE(Marks({"repo/none.png"})[0].find("'repo/none.png': No such file"), std::string::npos);
  EXPECT_EQ(Marks({"repo/v.svg"}), Names{"'repo/v.svg': SVG is no picture that models take; convert it to PNG"});
  EXPECT_EQ(Marks({"repo/e.png"}), Names{"'repo/e.png': is empty"});
  EXPECT_EQ(Marks({"repo/big.png"}), Names{"'repo/big.png': more than 5242880 bytes"});
  EXPECT_EQ(Marks({"repo/p.md"}), Names{"'repo/p.md': is no PNG, JPEG, GIF or WebP picture"});
  EXPECT_EQ(Marks({"repo/*.png"}, 1), Names{"more than 1 pictures (max_images)"});
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
