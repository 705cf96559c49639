#include "sandbox/repositories/git_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/base/files.h"

namespace rune::sandbox {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

/// What would run if somebody used git here now: the mark that every planted program leaves.
class GitWatchTest : public testing::Test {
 protected:
  void SetUp() override {
    ::setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
    ::setenv("HOME", At("home").c_str(), 1);
    // Nothing goes on in a repository after its command: some are removed at once.
    ::setenv("GIT_CONFIG_COUNT", "2", 1);
    ::setenv("GIT_CONFIG_KEY_0", "gc.auto", 1);
    ::setenv("GIT_CONFIG_VALUE_0", "0", 1);
    ::setenv("GIT_CONFIG_KEY_1", "maintenance.auto", 1);
    ::setenv("GIT_CONFIG_VALUE_1", "false", 1);
    ASSERT_TRUE(MakeDirs(At("home")).ok());
    Run("git init -q " + At("w/a/repo") + " && cd " + At("w/a/repo") + " && " + kCommit);
    ASSERT_TRUE(WriteFileAtomic(At("evil"), "#!/bin/sh\ntouch " + At("ran") + "\n", {.mode = 0755}).ok());
    watch_.Add({At("w")});
  }
  std::string At(const std::string& name) const { return dir_.path() + "/" + name; }
  std::string Git(const std::string& name) const { return At("w/a/repo/.git/" + name); }
  static void Run(const std::string& line) { ASSERT_EQ(::system(("{ " + line + "; } >/dev/null").c_str()), 0) << line; }
  void BeginAnew() {
    // What was planted may have closed a directory to its owner, too.
    Run("chmod -R u+w " + At("w/a") + " && rm -rf " + At("w/a") + " && git init -q " + At("w/a/repo") + " && cd " +
        At("w/a/repo") + " && " + kCommit);
  }
  /// Whether the next use of git runs what was planted.
  bool Runs() {
    ::unlink(At("ran").c_str());
    const std::string use =
        "cd " + At("w/a/repo") + " && { git status; echo x >>f; git add f; git x; " + kCommit + "; }";
    [[maybe_unused]] const int ignored = ::system(("{ " + use + "; } >/dev/null 2>&1").c_str());
    return Exists(At("ran"));
  }
  std::string Text(const std::string& name) const {
    const auto text = ReadFile(Git(name));
    return text.ok() ? *text : "";
  }

  static constexpr const char* kCommit = "git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x";
  TempDir dir_ = TempDir::Create("/tmp", "git-watch-test-").value();
  GitWatch watch_;
};

TEST_F(GitWatchTest, WhatRunsProgramsIsTakenBackAndSaid) {
  const std::string evil = At("evil");
  const struct {
    std::string plant;
    std::string said;
  } kPlanted[] = {
      {"git config core.fsmonitor " + evil, "config: core.fsmonitor"},
      {"mkdir ../h && cp " + evil + " ../h/pre-commit && git config core.hooksPath ../h", "config: core.hookspath"},
      {"git config alias.x '!" + evil + "'", "config: alias.x"},
      {"git config filter.e.clean " + evil + " && echo '* filter=e' >.gitattributes", "config: filter.e.clean"},
      {"printf '[core]\\n\\tfsmonitor = " + evil + "\\n' >../inc && git config include.path ../../inc",
       "config: include.path"},
      {"cp " + evil + " .git/hooks/pre-commit", "hooks/pre-commit"},
      {"ln -s " + evil + " .git/hooks/pre-commit", "hooks/pre-commit"},
      {"mv .git/hooks .git/old && mkdir ../k && cp " + evil + " ../k/pre-commit && ln -s ../../k .git/hooks", "hooks"},
      {"git config extensions.worktreeConfig true && git config --worktree core.fsmonitor " + evil,
       "config.worktree: core.fsmonitor"},
      {"cp -r .git ../g && git -C .. --git-dir=g config core.fsmonitor " + evil +
           " && rm -rf .git/config && echo ../../g >.git/commondir",
       "commondir"},
      {"mv .git moved && cp -r moved .git && git config core.fsmonitor " + evil, "config: core.fsmonitor"},
      {"rm -rf .git && git init -q && git config core.fsmonitor " + evil, "config: core.fsmonitor"},
      {"cp -r .git ../s && git --git-dir=../s config core.fsmonitor " + evil +
           " && rm -rf .git && echo gitdir: ../s >.git",
       ".git"},
      {"cp -r .git ../t && git --git-dir=../t config core.fsmonitor " + evil + " && mv .git old && ln -s ../t .git",
       ".git"},
      {"git config core.fsmonitor " + evil + " && chmod 500 .git", "config: core.fsmonitor"},
      {"mv .git was && cd .. && git init -q && git config core.fsmonitor " + evil, "repo/.git"},
      {"rm .git/HEAD && cd .. && git init -q && git config core.fsmonitor " + evil, "config: core.fsmonitor"},
      {"cd .. && git init -q e && git -C e config core.fsmonitor " + evil + " && mv repo old && ln -s e repo",
       "a/repo"},
      {"git config alias.x 'grep --open-files-in-pager=" + evil + " x' && echo x >y && git add y", "config: alias.x"},
      {"mkdir ../i && mv .git/info/* ../i && rmdir .git/info && ln -s ../../i .git/info && echo '* filter=e' "
       ">../i/attributes && git config "
       "filter.e.clean " +
           evil,
       "info"},
  };
  for (const auto& planted : kPlanted) {
    // Outside of any watch it runs: that is what there is to be held.
    BeginAnew();
    Run("cd " + At("w/a/repo") + " && " + planted.plant);
    EXPECT_TRUE(Runs()) << planted.plant;

    BeginAnew();
    GitWatch watch;
    watch.Add({At("w")});
    Run("cd " + At("w/a/repo") + " && " + planted.plant);
    EXPECT_THAT(watch.Check(GitConfig::kGuarded), testing::Contains(testing::EndsWith(planted.said))) << planted.plant;
    EXPECT_FALSE(Runs()) << planted.plant;
    EXPECT_THAT(watch.Check(GitConfig::kGuarded), IsEmpty()) << planted.plant;
  }
}

TEST_F(GitWatchTest, OrdinaryWorkGoesOn) {
  Run("cd " + At("w/a/repo") +
      " && git config user.name me && git config user.email me@x && git remote add o https://h.test/x && git checkout "
      "-q -b b &&"
      " git branch m2 && echo 1 >f && git add f && git commit -qm f && git stash list &&"
      " git worktree add -q ../wt && git gc -q && git tag t && git config core.fsmonitor true && git config --unset "
      "core.fsmonitor &&"
      " git sparse-checkout set --cone . && git rebase -q HEAD");
  const std::string before = Text("config");
  EXPECT_THAT(watch_.Check(GitConfig::kGuarded), IsEmpty());
  EXPECT_EQ(Text("config"), before);
  EXPECT_THAT(before, HasSubstr("https://h.test/x"));
  Run("cd " + At("w/a/wt") + " && git status");
}

TEST_F(GitWatchTest, TheRestOfTheSettingsIsKept) {
  Run("cd " + At("w/a/repo") + " && git config user.name me && git config core.fsmonitor " + At("evil") +
      " && git config user.email e");
  EXPECT_THAT(watch_.Check(GitConfig::kGuarded), ElementsAre(Git("config") + ": core.fsmonitor"));
  EXPECT_THAT(Text("config"), HasSubstr("name = me"));
  EXPECT_THAT(Text("config"), HasSubstr("email = e"));
  EXPECT_THAT(Text("config"), Not(HasSubstr("fsmonitor")));
}

TEST_F(GitWatchTest, AHookThatWasThereStaysWhatItWas) {
  ASSERT_TRUE(WriteFileAtomic(Git("hooks/pre-push"), "#!/bin/sh\nexit 0\n", {.mode = 0755}).ok());
  watch_.Accept();
  ASSERT_TRUE(WriteFileAtomic(Git("hooks/pre-push"), "#!/bin/sh\nevil\n", {.mode = 0755}).ok());
  EXPECT_THAT(watch_.Check(GitConfig::kGuarded), ElementsAre(Git("hooks/pre-push")));
  EXPECT_EQ(Text("hooks/pre-push"), "#!/bin/sh\nexit 0\n");
  struct stat info{};
  ASSERT_EQ(::stat(Git("hooks/pre-push").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0755U);
}

TEST_F(GitWatchTest, ReadOnlyMeansTheWholeOfTheSettings) {
  const std::string before = Text("config");
  Run("cd " + At("w/a/repo") + " && git config user.name me");
  EXPECT_THAT(watch_.Check(GitConfig::kReadOnly), ElementsAre(Git("config")));
  EXPECT_EQ(Text("config"), before);
}

TEST_F(GitWatchTest, ASubmoduleIsHeldAsItsSuperproject) {
  Run("git init -q " + At("sub") + " && cd " + At("sub") + " && " + std::string(kCommit) + " && cd " + At("w/a/repo") +
      " && git -c protocol.file.allow=always submodule add -q " + At("sub") + " libs/s");
  // Made by a command: nothing in it may run yet.
  EXPECT_THAT(watch_.Check(GitConfig::kGuarded), IsEmpty());
  Run("git -C " + At("w/a/repo/libs/s") + " config core.fsmonitor " + At("evil"));
  EXPECT_THAT(watch_.Check(GitConfig::kGuarded), ElementsAre(Git("modules/libs/s/config") + ": core.fsmonitor"));
}

TEST_F(GitWatchTest, ABareRepositoryIsHeld) {
  Run("git init -q --bare " + At("w/store.git"));
  GitWatch watch;
  watch.Add({At("w")});
  Run("git --git-dir=" + At("w/store.git") + " config core.fsmonitor x && echo >" + At("w/store.git/hooks/update"));
  EXPECT_THAT(watch.Check(GitConfig::kGuarded),
              UnorderedElementsAre(At("w/store.git/config") + ": core.fsmonitor", At("w/store.git/hooks/update")));
}

TEST_F(GitWatchTest, ARepositoryThatACommandMakesIsItsOwn) {
  Run("git init -q " + At("w/mine") + " && git -C " + At("w/mine") + " config core.fsmonitor x");
  EXPECT_THAT(watch_.Check(GitConfig::kGuarded), IsEmpty());
}

TEST_F(GitWatchTest, ALinkThatWasThereStays) {
  Run("mv " + At("w/a/repo/.git") + " " + At("w/a/store") + " && ln -s ../store " + At("w/a/repo/.git"));
  GitWatch watch;
  watch.Add({At("w")});
  EXPECT_THAT(watch.Check(GitConfig::kGuarded), IsEmpty());
  EXPECT_TRUE(Exists(Git("HEAD")));
  Run("git -C " + At("w/a/repo") + " config core.fsmonitor x");
  EXPECT_THAT(watch.Check(GitConfig::kGuarded), testing::SizeIs(1));
  EXPECT_THAT(Text("config"), Not(HasSubstr("fsmonitor")));
}

TEST_F(GitWatchTest, SettingsBehindALinkAreHeld) {
  Run("mv " + Git("config") + " " + At("w/common") + " && ln -s ../../../common " + Git("config"));
  GitWatch watch;
  watch.Add({At("w")});
  Run("printf '[core]\n\tfsmonitor = x\n' >>" + At("w/common"));
  EXPECT_THAT(watch.Check(GitConfig::kGuarded), ElementsAre(Git("config") + ": core.fsmonitor"));
  EXPECT_THAT(Text("config"), Not(HasSubstr("fsmonitor")));
}

TEST_F(GitWatchTest, TheOrderOfProgramsIsTakenBackToo) {
  Run("cd " + At("w/a/repo") + " && git config --add core.sshCommand one && git config --add core.sshCommand two");
  watch_.Accept();
  Run("cd " + At("w/a/repo") +
      " && git config --unset-all core.sshCommand; git config --add core.sshCommand two && git config --add "
      "core.sshCommand one");
  EXPECT_THAT(watch_.Check(GitConfig::kGuarded), testing::SizeIs(1));
  Run("test \"$(git -C " + At("w/a/repo") + " config core.sshCommand)\" = two");
}

TEST_F(GitWatchTest, ALinkedDirectoryOfModulesIsTakenBack) {
  Run("mkdir " + At("w/m") + " && ln -s ../../../m " + Git("modules"));
  EXPECT_THAT(watch_.Check(GitConfig::kGuarded), testing::Contains(Git("modules")));
  EXPECT_FALSE(Exists(Git("modules")));
}

TEST_F(GitWatchTest, IsFoundBesideManyDirectories) {
  Run("mkdir " + At("w/0") + " && cd " + At("w/0") + " && seq 6000 | xargs mkdir");
  GitWatch watch;
  watch.Add({At("w")});
  Run("git -C " + At("w/a/repo") + " config core.fsmonitor x");
  EXPECT_THAT(watch.Check(GitConfig::kGuarded), testing::SizeIs(1));
}

TEST_F(GitWatchTest, NothingOutsideOfTheTreeIsTouched) {
  Run("git init -q " + At("victim") + " && echo hook >" + At("victim/.git/hooks/pre-commit") + " && mv " +
      At("w/a/repo") + " " + At("w/b") + " && ln -s " + At("victim") + " " + At("w/a/repo"));
  watch_.Check(GitConfig::kGuarded);
  EXPECT_TRUE(Exists(At("victim/.git/hooks/pre-commit")));
}

}  // namespace
}  // namespace rune::sandbox
