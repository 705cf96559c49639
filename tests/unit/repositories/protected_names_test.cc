#include "sandbox/protected_names.h"

#include <gtest/gtest.h>

namespace rune::sandbox {
namespace {

TEST(ProtectedNamesTest, HoldAtAnyDepthWhetherTheyExistOrNot) {
  for (const char* path :
       {"/w/.git", "/w/.git/config", "/w/a/b/.git/hooks/pre-commit", "/w/.git/modules/m/config", "/w/.GIT/config",
        "/w/a/.git/commondir", "/w/.git/config.worktree", "/w/.gitmodules", "/w/a/.gitmodules"}) {
    EXPECT_EQ(ProtectionOf(path, "/w", {}), Protection::kGit) << path;
    EXPECT_EQ(ProtectionOf(path, "/w", {.git_config = GitConfig::kOpen}), std::nullopt) << path;
  }
  for (const char* path : {"/w/.rune", "/w/a/.rune/x", "/w/rune.toml", "/w/a/.envrc", "/w/.bashrc"})
    EXPECT_EQ(ProtectionOf(path, "/w", {}), Protection::kOther) << path;
}

TEST(ProtectedNamesTest, LeaveOrdinaryWorkAlone) {
  for (const char* path :
       {"/w", "/w/a", "/w/.gitignore", "/w/.gitattributes", "/w/.git/COMMIT_EDITMSG", "/w/a/.git/info/exclude",
        "/w/git/config", "/w/.github/workflows/x.yml", "/w/config", "/w/.config/x", "/w/my.rune", "/w/.npmrc"}) {
    EXPECT_EQ(ProtectionOf(path, "/w", {}), std::nullopt) << path;
  }
}

TEST(ProtectedNamesTest, OfAGrantedHomeThereAreMore) {
  const ProtectedNames names{.home = "/home/u"};
  for (const char* path :
       {"/home/u/.ssh/authorized_keys", "/home/u/.config/x/y", "/home/u/.local/bin/git", "/home/u/.gitconfig"}) {
    EXPECT_EQ(ProtectionOf(path, "/home/u", names), Protection::kOther) << path;
    EXPECT_EQ(ProtectionOf(path, "/home", names), Protection::kOther) << path;
  }
  EXPECT_EQ(ProtectionOf("/home/u/.local/share/x", "/home/u", names), std::nullopt);
  // What was granted by its own name is meant.
  EXPECT_EQ(ProtectionOf("/home/u/.config/tool/x", "/home/u/.config/tool", names), std::nullopt);
  EXPECT_EQ(ProtectionOf("/home/u/p/.config/x", "/home/u/p", names), std::nullopt);
}

TEST(ProtectedNamesTest, CiFilesAreWhenItIsAskedFor) {
  for (const char* path :
       {"/w/.github/workflows/a.yml", "/w/Jenkinsfile", "/w/a/.gitlab-ci.yml", "/w/.circleci/config.yml"}) {
    EXPECT_EQ(ProtectionOf(path, "/w", {.ci_files = true}), Protection::kOther) << path;
    EXPECT_EQ(ProtectionOf(path, "/w", {}), std::nullopt) << path;
  }
  EXPECT_EQ(ProtectionOf("/w/.github/CODEOWNERS", "/w", {.ci_files = true}), std::nullopt);
}

TEST(ProtectedNamesTest, TheInnermostTreeCounts) {
  EXPECT_EQ(TreeOf("/w/a/x", {"/w", "/w/a", "/other"}), "/w/a");
  EXPECT_EQ(TreeOf("/x", {"/w"}), std::nullopt);
  // A file that was granted by its own name.
  EXPECT_EQ(ProtectionOf("/w/.envrc", "/w/.envrc", {}), std::nullopt);
}

}  // namespace
}  // namespace rune::sandbox
