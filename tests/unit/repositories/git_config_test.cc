#include "sandbox/repositories/git_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdio.h>

#include <random>

#include "sandbox/base/files.h"
#include "sandbox/base/text.h"
#include "sandbox/repositories/git_programs.h"

namespace rune::sandbox {
namespace {

/// As `git config --list -z` prints it; nullopt for a file that is refused.
std::optional<std::string> Listed(const std::string& text) {
  const auto entries = ParseGitConfig(text);
  if (!entries) return std::nullopt;
  std::string out;
  for (const GitConfigEntry& entry : *entries) {
    out += entry.Key();
    if (entry.value) out += "\n" + *entry.value;
    out += '\0';
  }
  return out;
}

std::optional<std::string> ListedByGit(const std::string& file) {
  FILE* pipe = ::popen(("git config --list -z -f '" + file + "' 2>/dev/null").c_str(), "r");
  std::string out;
  char buffer[4096];
  for (std::size_t n = 0; (n = ::fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.append(buffer, n);
  return ::pclose(pipe) == 0 ? std::optional(out) : std::nullopt;
}

class GitConfigTest : public testing::Test {
 protected:
  void Compare(const std::string& text) {
    ASSERT_TRUE(WriteFileAtomic(file_, text).ok());
    EXPECT_EQ(Listed(text), ListedByGit(file_)) << text;
  }
  TempDir dir_ = TempDir::Create("/tmp", "git-config-test-").value();
  std::string file_ = dir_.path() + "/config";
};

TEST_F(GitConfigTest, ReadsWhatGitReads) {
  for (const std::string text : {"",
                                 "[a]\nb=c\n",
                                 "[a]\nb\n",
                                 "[a]b=c",
                                 "[A]\nB = C \n",
                                 "[a \"S\\\"u\\\\b\"]\nx=1",
                                 "[a.B]\nx=1",
                                 "[a.B \"C\"]\nx=1",
                                 "[a \"\"]\nx=1",
                                 "[a.]\nx=1",
                                 "[a]\nb=\"q # ; x\" # c\n",
                                 "[a]\nb = x \\\n  y\n",
                                 "[a]\nb = \"x \\\n  y\"\n",
                                 "[a]\nb=x\\ty\\nz\\\\\\\"\n",
                                 "[a]\nb=\\q\n",
                                 "[a]\nb=\"open\n",
                                 "\xef\xbb\xbf[a]\nb=c",
                                 "[a]\r\nb = c\r\n",
                                 "[a]\nb=c\r",
                                 "[a]\nb=1;x\n",
                                 "; c\n# d\n[a]# e\nb=c",
                                 "[a] b = 1\n c = 2\n",
                                 "[a\nb=c",
                                 "[a b]\nx=1",
                                 "[a \"b\" ]\nx=1",
                                 "[a \"b\nc\"]\nx=1",
                                 "[a]\nb c\n",
                                 "[a]\n1b=c\n",
                                 "[a]\nb-c=d\n",
                                 "[a]\nb_c=d\n",
                                 "b=c\n",
                                 "[]\nb=c\n",
                                 "[a]\nb=\n",
                                 "[a]\nb= \n",
                                 "[a]\nb=x\\",
                                 "[a]\nb=\\\n",
                                 "[a]\n  b  =  c  d  \n",
                                 "[a]\nb=\"  c  \"  \n",
                                 "[a-b]\nc=d",
                                 "[a]\n\tb = \"c\"d\" e\"\n",
                                 "[include]\npath=/nowhere/at/all\n",
                                 "[a]=b\n",
                                 "[a]]\n",
                                 "[[a]\nb=c\n",
                                 "[a]\nb=c\\\r\nd\n"}) {
    Compare(text);
  }
}

TEST_F(GitConfigTest, ReadsRandomFilesAsGitDoes) {
  const std::vector<std::string> pieces{
      "[",  "]",    "a",  "B",    ".",   "-",   "=",       " ",        "\t",          "\n",
      "\r", "\r\n", "\"", "\\",   "\\n", "#",   ";",       "[core]\n", "[a \"x\"]\n", "key = value\n",
      "k",  "1",    "_",  "\\\n", "[x]", "v w", "\xc3\xa4"};
  std::mt19937 random(7);
  for (int round = 0; round < 600; ++round) {
    std::string text = round % 3 == 0 ? "" : "[s]\n";
    for (std::size_t n = random() % 24; n > 0; --n) text += pieces[random() % pieces.size()];
    Compare(text);
    if (HasFailure()) return;
  }
}

TEST_F(GitConfigTest, KnowsWhereAnEntryStands) {
  const std::string text = "[core] fsmonitor = /x \\\n  y # z\n\tbare = false\n";
  const auto entries = ParseGitConfig(text).value();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(text.substr(entries[0].begin, entries[0].end - entries[0].begin), "fsmonitor = /x \\\n  y # z");
  EXPECT_EQ(text.substr(entries[1].begin, entries[1].end - entries[1].begin), "bare = false");
}

TEST_F(GitConfigTest, WritesAnEntryAsGitReadsIt) {
  GitConfigEntry entry;
  entry.section = "filter", entry.subsection = "a \"b\" \\", entry.name = "clean", entry.value = " x # \"y\" \\ ";
  const auto read = ParseGitConfig(GitConfigLines(entry)).value();
  ASSERT_EQ(read.size(), 1U);
  EXPECT_EQ(read[0].Key(), entry.Key());
  EXPECT_EQ(read[0].value, entry.value);
}

TEST(GitPrograms, AreToldFromOrdinaryWork) {
  const auto runs = [](const std::string& text) {
    const auto entries = ParseGitConfig(text).value();
    return RunsPrograms(entries.at(0));
  };
  for (const char* text : {"[core]\nfsmonitor=/x",
                           "[core]\nhooksPath=x",
                           "[Core]\nSSHCommand=x",
                           "[core]\npager=less;x",
                           "[filter \"x\"]\nclean=y",
                           "[diff \"x\"]\ntextconv=y",
                           "[merge \"m\"]\ndriver=d",
                           "[alias]\nst=!sh",
                           "[alias]\nst=grep -Oevil x",
                           "[core]\nworktree=/",
                           "[include]\npath=x",
                           "[includeIf \"gitdir:/\"]\npath=x",
                           "[url \"ext::sh -c x\"]\ninsteadOf=https://",
                           "[remote \"o\"]\nurl=ext::sh",
                           "[remote \"o\"]\nuploadpack=x",
                           "[submodule \"s\"]\nupdate=!x",
                           "[credential \"https://h\"]\nhelper=!x",
                           "[gpg \"ssh\"]\nprogram=x",
                           "[pager]\nlog=x",
                           "[filter \"lfs\"]\nclean=evil",
                           "[sequence]\neditor=x",
                           "[protocol \"ext\"]\nallow=always",
                           "[trailer \"t\"]\ncommand=x"}) {
    EXPECT_TRUE(runs(text)) << text;
  }
  for (const char* text :
       {"[core]\nfsmonitor=true", "[core]\nfsmonitor", "[core]\nbare=false", "[user]\nname=x",
        "[remote \"o\"]\nurl=https://h/x", "[remote \"o\"]\nurl=git@h:x", "[branch \"m\"]\nremote=o",
        "[submodule \"s\"]\nurl=../x", "[pager]\nlog=false", "[filter \"lfs\"]\nclean=git-lfs clean -- %f",
        "[filter \"lfs\"]\nrequired=true", "[extensions]\nworktreeConfig=true", "[url \"https://h/\"]\ninsteadOf=gh:",
        "[remote \"o\"]\nurl=ssh://git@[2001:db8::1]/r", "[branch \"m\"]\ndescription=mend Foo::Bar"}) {
    EXPECT_FALSE(runs(text)) << text;
  }
}

}  // namespace
}  // namespace rune::sandbox
