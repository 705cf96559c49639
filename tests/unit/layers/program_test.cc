#include "sandbox/program.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "sandbox/base/files.h"

namespace rune::sandbox {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> Files(const std::string& name) {
  auto files = ProgramFiles(name);
  return files.ok() ? *files : std::vector<std::string>{"error: " + files.error().message};
}

class Program : public testing::Test {
 protected:
  std::string Script(const std::string& name, const std::string& text) const {
    std::string path = dir_.path() + "/" + name;
    EXPECT_TRUE(WriteFileAtomic(path, text, {.mode = 0755}).ok());
    return path;
  }
  TempDir dir_ = std::move(TempDir::Create("/tmp", "program-test-")).value();
};

TEST_F(Program, IsLookedUpInTheToolPathOnly) {
  EXPECT_EQ(FindProgram("sh").substr(FindProgram("sh").rfind('/')), "/sh");
  EXPECT_EQ(FindProgram("no-such-program-anywhere"), "");
  EXPECT_EQ(FindProgram(""), "");
  EXPECT_EQ(FindProgram("/etc/passwd"), "") << "not executable";
  EXPECT_EQ(FindProgram("/usr/bin"), "") << "a directory";
}

TEST_F(Program, BringsItsLoaderWithItsLinksResolved) {
  const auto files = Files("sh");
  const bool has_loader =
      std::any_of(files.begin(), files.end(), [](const std::string& path) { return path.find("ld-") != path.npos; });
  EXPECT_TRUE(has_loader) << testing::PrintToString(files);
  for (const std::string& path : files) {
    struct stat info{};
    ASSERT_EQ(::lstat(path.c_str(), &info), 0) << path;
    EXPECT_TRUE(S_ISREG(info.st_mode)) << path;
  }
}

TEST_F(Program, ThatIsAScriptBringsItsInterpreter) {
  const std::string script = Script("s", "#! /bin/sh -e\nexit 0\n");
  auto expected = Files("/bin/sh");
  expected.push_back(script);
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(Files(script), expected);
}

TEST_F(Program, ThatIsRunByEnvBringsWhatEnvLooksUp) {
  for (const char* line : {"#!/usr/bin/env sh\n", "#!/usr/bin/env -S A=1 sh -e\n"}) {
    const auto files = Files(Script("e", line));
    for (const std::string& path : Files("sh")) EXPECT_THAT(files, Contains(path)) << line;
    for (const std::string& path : Files("/usr/bin/env")) EXPECT_THAT(files, Contains(path)) << line;
  }
}

TEST_F(Program, ThatInterpretsItselfEndsTheSearch) {
  const std::string path = dir_.path() + "/loop";
  EXPECT_EQ(Script("loop", "#!" + path + "\n"), path);
  EXPECT_THAT(Files(path), ElementsAre(path));
}

TEST_F(Program, BehindALinkIsGrantedWhereItLies) {
  const std::string script = Script("real", "#!/bin/sh\n");
  ASSERT_EQ(::symlink("real", (dir_.path() + "/link").c_str()), 0);
  EXPECT_EQ(Files(dir_.path() + "/link"), Files(script));
}

TEST_F(Program, ThatIsUnknownIsAnError) {
  const auto files = ProgramFiles("no-such\nprogram");
  ASSERT_FALSE(files.ok());
  EXPECT_EQ(files.error().kind, ErrorKind::kInvalidInput);
  EXPECT_EQ(files.error().message, "no program 'no-such program'");
}

TEST_F(Program, SurvivesFilesThatOnlyLookLikePrograms) {
  EXPECT_THAT(Files(Script("empty", "")), ElementsAre(dir_.path() + "/empty"));
  EXPECT_THAT(Files(Script("elf",
                           "\x7f"
                           "ELF")),
              ElementsAre(dir_.path() + "/elf"));
  EXPECT_THAT(Files(Script("bang", "#!")), ElementsAre(dir_.path() + "/bang"));
  EXPECT_THAT(Files(Script("nowhere", "#!/no/such/interpreter\n")), ElementsAre(dir_.path() + "/nowhere"));
}

TEST_F(Program, BringsTheHelpersItCannotWorkWithout) {
  if (!FindProgram("git").empty() && Exists("/usr/lib/git-core")) {
    EXPECT_THAT(Files("git"), Contains("/usr/lib/git-core"));
  }
  if (FindProgram("gcc").empty()) GTEST_SKIP() << "no gcc here";
  EXPECT_THAT(Files("gcc"), Contains(HasSubstr("/gcc")));
  for (const std::string& path : Files("ld")) EXPECT_THAT(Files("cc"), Contains(path));
}

}  // namespace
}  // namespace rune::sandbox
