#include "sandbox/guardian/file_operations.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "sandbox/base/files.h"
#include "sandbox/guardian/file_search.h"

namespace rune::sandbox {
namespace {

struct Said {
  int code = 0;
  std::string out;
};

class FileOperationsTest : public testing::Test {
 protected:
  void SetUp() override {
    auto dir = TempDir::Create("/tmp", "operations-test-");
    ASSERT_TRUE(dir.ok());
    dir_ = std::make_unique<TempDir>(std::move(dir).value());
  }
  std::string At(const std::string& name) const { return dir_->path() + "/" + name; }
  void Put(const std::string& name, const std::string& text) const {
    ASSERT_TRUE(WriteFileAtomic(At(name), text).ok());
  }

  /// Runs an operation with these standard streams.
  Said Run(const std::vector<std::string>& argv, const std::string& input = "") const {
    Put(".in", input);
    const UniqueFd in(::open(At(".in").c_str(), O_RDONLY | O_CLOEXEC));
    const UniqueFd out(::open(At(".out").c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    const UniqueFd saved[3] = {UniqueFd(::dup(0)), UniqueFd(::dup(1)), UniqueFd(::dup(2))};
    ::dup2(in.get(), 0), ::dup2(out.get(), 1), ::dup2(out.get(), 2);
    Said said;
    said.code = RunFileOperation(argv, {});
    for (int fd : {0, 1, 2}) ::dup2(saved[fd].get(), fd);
    said.out = ReadFile(At(".out")).value();
    ::unlink(At(".in").c_str());
    ::unlink(At(".out").c_str());
    return said;
  }
  std::unique_ptr<TempDir> dir_;
};

TEST_F(FileOperationsTest, ReadGivesTheWholeOfASmallFile) {
  Put("f", "one\ntwo\nthree");
  EXPECT_EQ(Run({"read", At("f"), "1", "0"}).out, "one\ntwo\nthree");
}

TEST_F(FileOperationsTest, ReadSaysHowToGoOn) {
  Put("f", "1\n2\n3\n4\n5\n");
  EXPECT_EQ(Run({"read", At("f"), "2", "2"}).out, "2\n3\n[lines 2 to 3 of 5; go on with offset 4]\n");
  EXPECT_EQ(Run({"read", At("f"), "4", "2"}).out, "4\n5\n");
  EXPECT_EQ(Run({"read", At("f"), "9", "0"}).out, "[the file has 5 lines]\n");
}

TEST_F(FileOperationsTest, ReadOfALargeFileIsCutAtALine) {
  std::string text;
  for (int i = 1; i <= 20000; ++i) text += "line " + std::to_string(i) + "\n";
  Put("f", text);
  const Said said = Run({"read", At("f"), "1", "0"});
  EXPECT_LT(said.out.size(), 50U << 10);
  const std::size_t at = said.out.find("go on with offset ");
  ASSERT_NE(at, std::string::npos);
  const std::string next = said.out.substr(at + 18, said.out.find(']', at) - at - 18);
  EXPECT_EQ(Run({"read", At("f"), next, "1"}).out.substr(0, 5 + next.size() + 1), "line " + next + "\n");
}

TEST_F(FileOperationsTest, ABinaryFileIsDescribed) {
  Put("f", std::string("\x7f"
                       "ELF\0\0\0",
                       7));
  EXPECT_NE(Run({"read", At("f"), "1", "0"}).out.find("binary file, 7 bytes, begins with 7f454c46"), std::string::npos);
}

TEST_F(FileOperationsTest, Utf16WithAMarkIsText) {
  using namespace std::string_literals;
  Put("little",
      "\xff\xfe"
      "a\0\xe9\0\n\0\x3d\xd8\x00\xde"s);
  Put("big",
      "\xfe\xff"
      "\0a\0\xe9\0\n\xd8\x3d\xde\x00"s);
  for (const char* name : {"little", "big"})
    EXPECT_EQ(Run({"read", At(name), "1", "0"}).out, "a\xc3\xa9\n\xf0\x9f\x98\x80") << name;
  Put("half",
      "\xff\xfe"
      "a\0\x3d\xd8"s);
  Put("odd",
      "\xff\xfe"
      "a\0b"s);
  for (const char* name : {"half", "odd"})
    EXPECT_NE(Run({"read", At(name), "1", "0"}).out.find("binary file"), std::string::npos) << name;
}

TEST_F(FileOperationsTest, ADirectoryAFifoAndAMissingFileAreErrorsAndNothingBlocks) {
  ASSERT_EQ(::mkfifo(At("fifo").c_str(), 0600), 0);
  for (const std::string& name : {std::string("."), std::string("fifo"), std::string("missing")}) {
    EXPECT_EQ(Run({"read", At(name), "1", "0"}).code, 1) << name;
  }
}

TEST_F(FileOperationsTest, WriteMakesItsDirectories) {
  EXPECT_EQ(Run({"write", At("a b/c/-f")}, "hello").out, "Written 5 bytes to " + At("a b/c/-f") + "\n");
  EXPECT_EQ(ReadFile(At("a b/c/-f")).value(), "hello");
}

TEST_F(FileOperationsTest, EditReplacesTheOneOccurrence) {
  Put("f", "alpha beta gamma");
  EXPECT_EQ(Run({"edit", At("f")}, "4\nbetaB").code, 0);
  EXPECT_EQ(ReadFile(At("f")).value(), "alpha B gamma");
}

TEST_F(FileOperationsTest, EditRefusesWhatIsMissingOrNotUnique) {
  Put("f", "aaa");
  EXPECT_NE(Run({"edit", At("f")}, "1\nbX").out.find("does not occur"), std::string::npos);
  EXPECT_NE(Run({"edit", At("f")}, "1\naX").out.find("occurs 3 times"), std::string::npos);
  EXPECT_NE(Run({"edit", At("f")}, "0\nX").out.find("empty"), std::string::npos);
  EXPECT_EQ(ReadFile(At("f")).value(), "aaa");
}

TEST_F(FileOperationsTest, ListShowsHiddenFilesAndKinds) {
  Put(".hidden", "abc");
  ASSERT_TRUE(MakeDirs(At("dir")).ok());
  ASSERT_EQ(::symlink("x", At("link").c_str()), 0);
  const std::string out = Run({"list", dir_->path()}).out;
  EXPECT_NE(out.find(".hidden  3\n"), std::string::npos) << out;
  EXPECT_NE(out.find("dir/\n"), std::string::npos);
  EXPECT_NE(out.find("link@\n"), std::string::npos);
}

TEST_F(FileOperationsTest, FindAndSearchStayOutOfGitAndBinaries) {
  ASSERT_TRUE(MakeDirs(At("src/deep")).ok() && MakeDirs(At(".git")).ok());
  Put("src/a.cc", "int needle;\n");
  Put("src/deep/b.cc", "none\nneedle two\n");
  Put(".git/c.cc", "needle\n");
  Put("bin", std::string("needle\0", 7));
  EXPECT_EQ(Run({"find", dir_->path(), "*.cc", "10"}).out, "src/a.cc\nsrc/deep/b.cc\n");
  EXPECT_EQ(Run({"find", dir_->path(), "src/*.cc", "10"}).out, "src/a.cc\n");
  EXPECT_EQ(Run({"find", dir_->path(), "**/*.cc", "1"}).out, "src/a.cc\n[1 more]\n");
  EXPECT_EQ(Run({"search", dir_->path(), "needle", "", "10"}).out,
            "src/a.cc:1:int needle;\nsrc/deep/b.cc:2:needle two\n");
  EXPECT_EQ(Run({"search", dir_->path(), "^needle", "*.cc", "10"}).out, "src/deep/b.cc:2:needle two\n");
  EXPECT_EQ(Run({"search", dir_->path(), "(", "", "10"}).code, 1);
}

TEST_F(FileOperationsTest, InspectTellsOfAProcessAndOfNone) {
  EXPECT_NE(Run({"inspect", std::to_string(::getpid())}).out.find("Pid:"), std::string::npos);
  EXPECT_EQ(Run({"inspect", "999999999"}).out, "process_not_found\n");
  EXPECT_EQ(Run({"inspect", "../1"}).code, 1);
}

TEST_F(FileOperationsTest, AnUnknownOperationOrCountIsRefused) {
  EXPECT_EQ(Run({"format", "/"}).code, 1);
  EXPECT_EQ(Run({"read", At("f")}).code, 1);
}

TEST(GlobTest, StarsAndDoubleStars) {
  const struct {
    const char* pattern;
    const char* path;
    bool matches;
  } cases[] = {{"*.cc", "a/b.cc", true},          {"a/*.cc", "a/b.cc", true},
               {"a/*.cc", "a/b/c.cc", false},     {"a/**/c.cc", "a/c.cc", true},
               {"a/**/c.cc", "a/x/y/c.cc", true}, {"**/b", "b", true},
               {"[ab].c", "c.c", false},          {"a/**", "a/x/y", true}};
  for (const auto& c : cases) EXPECT_EQ(MatchesGlob(c.pattern, c.path), c.matches) << c.pattern << " " << c.path;
}

}  // namespace
}  // namespace rune::sandbox
