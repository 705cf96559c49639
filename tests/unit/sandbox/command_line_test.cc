#include "sandbox/guardian/command_line.h"

#include <gtest/gtest.h>

#include "sandbox/guardian/remedy_flags.h"

namespace rune::sandbox {
namespace {

TEST(CommandLineTest, FlagsEndWhereTheCommandBegins) {
  const auto line = ParseCommandLine({"--ro", "/usr", "--pids=7", "--net", "open", "ls", "--pids", "9"});
  ASSERT_TRUE(line.ok());
  EXPECT_EQ(line->confinement.files.read, std::vector<std::string>{"/usr"});
  EXPECT_EQ(line->limits.pids, 7U);
  EXPECT_EQ(line->confinement.network, Network::kOpen);
  EXPECT_EQ(line->command.argv, (std::vector<std::string>{"ls", "--pids", "9"}));
}

TEST(CommandLineTest, NothingIsGrantedByDefault) {
  const auto line = ParseCommandLine({"--", "ls"});
  ASSERT_TRUE(line.ok());
  EXPECT_EQ(line->confinement, Confinement());
  EXPECT_EQ(line->confinement.network, Network::kGuarded);
  EXPECT_TRUE(line->confinement.allowed_domains.empty());
}

TEST(CommandLineTest, RequireTakesAListOfLayersAndNeverTheCommand) {
  const auto detached = ParseCommandLine({"--require", "landlock,seccomp", "--", "ls"});
  EXPECT_EQ(detached->command.argv, std::vector<std::string>{"ls"});
  EXPECT_EQ(detached->confinement.required, (std::vector<Layer>{Layer::kLandlock, Layer::kSeccomp}));
  EXPECT_EQ(ParseCommandLine({"--require", "ls"})->command.argv, std::vector<std::string>{"ls"});
  EXPECT_EQ(ParseCommandLine({"--require=landlock,seccomp", "ls"})->confinement.required,
            (std::vector<Layer>{Layer::kLandlock, Layer::kSeccomp}));
}

TEST(CommandLineTest, TheFlagsOfARemedyGrantWhatItNames) {
  const auto granted = [](const Remedy& remedy) {
    std::vector<std::string> words = FlagsOf(remedy);
    words.emplace_back("ls");
    const auto line = ParseCommandLine(words);
    EXPECT_TRUE(line.ok()) << words[0];
    return line.ok() ? line->confinement : Confinement();
  };
  const std::vector<std::string> paths{"/srv/a", "/srv/b c"};
  EXPECT_EQ(granted({Grant::kExecute, paths}).files.execute, paths);
  EXPECT_EQ(granted({Grant::kRead, paths}).files.read, paths);
  EXPECT_EQ(granted({Grant::kWrite, paths}).files.write, paths);
  EXPECT_EQ(granted({Grant::kDomain, {"a.test:8443"}}).allowed_domains, std::vector<std::string>{"a.test:8443"});
  EXPECT_EQ(granted({Grant::kUpload, {}}).max_upload_bytes, 0U);
  EXPECT_TRUE(FlagsOf({}).empty());
}

TEST(CommandLineTest, SaysWhichPathsAreNotThere) {
  const auto notices = [](const std::vector<std::string>& arguments) { return ParseCommandLine(arguments)->notices; };
  EXPECT_EQ(notices({"--ro", "/nosuch", "--rw", "/tmp", "ls"}),
            std::vector<std::string>{"--ro /nosuch: there is no such path"});
  EXPECT_TRUE(notices({"--rw", "/tmp/rune-not-there", "--builtin", "write", "/tmp/rune-not-there"}).empty())
      << "it is to be made";
  EXPECT_EQ(ParseCommandLine({"--pids", "0", "ls"})->limits.pids, 0U) << "no limit";
  EXPECT_TRUE(ParseCommandLine({"--quiet", "ls"})->quiet);
}

TEST(CommandLineTest, MistakesAreNamed) {
  const struct {
    std::vector<std::string> arguments;
    const char* part;
  } cases[] = {{{"--rw"}, "--rw takes PATH"},
               {{"--timout", "1", "ls"}, "did you mean '--timeout'"},
               {{"--net", "some", "ls"}, "'none', 'guarded' or 'open'"},
               {{"--allow-domain", "https://a.test", "ls"}, "a URL instead of a host name"},
               {{"--pids", "-1", "ls"}, "--pids"},
               {{"--memory", "1T", "ls"}, "not a size"},
               {{"--timeout", "soon", "ls"}, "not a time"},
               {{"--env", "NAME", "ls"}, "NAME=VALUE"},
               {{"--require=gravity", "ls"}, "no layer 'gravity'"},
               {{}, "no command"}};
  for (const auto& c : cases) {
    const auto line = ParseCommandLine(c.arguments);
    ASSERT_FALSE(line.ok()) << c.part;
    EXPECT_NE(line.error().message.find(c.part), std::string::npos) << line.error().message;
  }
}

TEST(CommandLineTest, SizesAndTimes) {
  EXPECT_EQ(ParseSize("512M").value(), 512ull << 20);
  EXPECT_EQ(ParseSize("0").value(), 0U);
  EXPECT_EQ(ParseDuration("1.5").value().count(), 1500);
  EXPECT_EQ(ParseDuration("500ms").value().count(), 500);
  EXPECT_EQ(ParseDuration("2m").value().count(), 120'000);
}

TEST(CommandLineTest, TheHelpExplainsEveryFlag) {
  for (const char* flag : {"--ro", "--rox", "--rw", "--deny", "--system", "--net", "--memory", "--pids", "--timeout",
                           "--max-output", "--deny-syscall", "--env", "--chdir", "--require", "--report"}) {
    EXPECT_NE(HelpText().find(std::string("  ") + flag), std::string::npos) << flag;
  }
}

}  // namespace
}  // namespace rune::sandbox
