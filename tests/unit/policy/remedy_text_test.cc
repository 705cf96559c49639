#include "agent/policy/remedy_text.h"

#include <gtest/gtest.h>

#include <set>

#include "agent/config/settings.h"
#include "tests/unit/policy/policy_fixture.h"

namespace rune::agent {
namespace {

using sandbox::Grant;
using sandbox::Remedy;

PolicyConfig WrittenAt(const std::string& place) {
  PolicyConfig policy = Commands({"ls", "cat"});
  policy.origins["allowed_commands"] = {{place, policy.allowed_commands}};
  policy.origins["git_config"] = {{place, {}}};
  return policy;
}

TEST(RemedyTextTest, AddsToWhatIsThereAndSaysWhere) {
  const Remedy programs{Grant::kExecute, {"head", "tail"}};
  const PolicyConfig file = WrittenAt("~/.rune/rune.toml:7");
  EXPECT_EQ(TextOf(programs, file).text, R"(add "head", "tail" to allowed_commands in [policy] (~/.rune/rune.toml:7))");
  EXPECT_EQ(TextOf(programs, file).line, R"(allowed_commands = ["ls", "cat", "head", "tail"])");
  EXPECT_EQ(TextOf({Grant::kExecute, {"cat", "head"}}, file).text,
            R"(add "head" to allowed_commands in [policy] (~/.rune/rune.toml:7))")
      << "what is there is not added again";
  EXPECT_EQ(TextOf(programs, WrittenAt("RUNE_POLICY_ALLOWED_COMMANDS")).text,
            R"(add "head", "tail" to RUNE_POLICY_ALLOWED_COMMANDS)");
  EXPECT_EQ(TextOf(programs, WrittenAt("source.sandbox.allowed_commands")).text,
            R"(add "head", "tail" to source.sandbox.allowed_commands)");
  EXPECT_EQ(TextOf({Grant::kGitConfig, {}}, file).text, R"(set git_config = "open" in [policy] (~/.rune/rune.toml:7))");
  EXPECT_EQ(TextOf({Grant::kGitConfig, {}}, WrittenAt("source.policy.git_config")).text,
            R"(set source.policy.git_config: "open")");
}

TEST(RemedyTextTest, WritesAKeyThatIsNotThereWithItsDefault) {
  PolicyConfig policy;
  const Remedy read{Grant::kRead, {R"(/srv/"x\y)"}};
  EXPECT_EQ(TextOf(read, policy).text,
            R"(add allowed_paths_ro = ["/bin", "/usr", "/lib", "/srv/\"x\\y"] to [policy] (~/.rune/rune.toml))");
  EXPECT_EQ(TextOf({Grant::kUpload, {}}, policy).text, "add max_upload_mb = 0 to [policy] (~/.rune/rune.toml)");
  policy.place = "source.policy";
  EXPECT_EQ(TextOf(read, policy).text,
            R"(add source.policy.allowed_paths_ro: ["/bin", "/usr", "/lib", "/srv/\"x\\y"])");
  EXPECT_EQ(TextOf({Grant::kUpload, {}}, policy).text, "add source.policy.max_upload_mb: 0");
}

TEST(RemedyTextTest, NamesEveryPlaceThatHasToChange) {
  PolicyConfig policy = WrittenAt("~/.rune/rune.toml:3");
  policy.origins["allowed_commands"].push_back({"./rune.toml:2", {"ls"}});
  policy.allowed_commands = {"ls"};
  EXPECT_EQ(TextOf({Grant::kExecute, {"rm"}}, policy).text,
            R"(add "rm" to allowed_commands in [policy] (~/.rune/rune.toml:3), and )"
            R"(add "rm" to allowed_commands in [policy] (./rune.toml:2))");
  EXPECT_EQ(TextOf({Grant::kExecute, {"cat"}}, policy).text,
            R"(add "cat" to allowed_commands in [policy] (./rune.toml:2))")
      << "only the project takes it away";
}

TEST(RemedyTextTest, CannotBeBrokenOutOf) {
  const PolicyConfig policy;
  EXPECT_EQ(TextOf({}, policy).text, "");
  EXPECT_EQ(TextOf({Grant::kRead, {"/a\nallowed_commands = [\"*\"]"}}, policy).text, "") << "no line could say this";
  EXPECT_EQ(TextOf({Grant::kDomain, {"a\", \"*"}}, policy).line, R"(allowed_domains = ["a\", \"*"])");
}

TEST(RemedyTextTest, EveryGrantHasAKeyThatTheConfigurationKnows) {
  std::set<std::string_view> keys;
  for (const Grant grant :
       {Grant::kExecute, Grant::kRead, Grant::kWrite, Grant::kDomain, Grant::kUpload, Grant::kGitConfig}) {
    const std::string key = "policy." + std::string(PolicyKey(grant));
    EXPECT_TRUE(keys.insert(PolicyKey(grant)).second) << key;
    EXPECT_NE(FindSetting(key), nullptr) << key;
  }
}

TEST(WayOutTest, IsNothingThatWouldChangeNothing) {
  PolicyConfig config = Commands({"ls"});
  config.allowed_paths_ro = {"/srv/x"};
  config.denied_paths = {"/srv/closed"};
  config.origins["denied_paths"] = {{"~/.rune/rune.toml:9", config.denied_paths}};
  const Policy policy = MakePolicy(config);
  const auto way = [&](sandbox::DeniedAct what, const std::string& target, Remedy remedy) {
    return policy.Explain({.by = sandbox::DeniedBy::kLandlock, .what = what, .target = target, .remedy = remedy}, {});
  };
  using enum sandbox::DeniedAct;
  EXPECT_EQ(way(kRead, "/srv/x", {Grant::kRead, {"/srv/x"}}).way_out, "no entry of the policy allows it");
  EXPECT_EQ(way(kRead, "/srv/x", {Grant::kRead, {"/srv/x"}}).remedy, Remedy());
  EXPECT_EQ(way(kConnect, "/run/docker.sock", {Grant::kDomain, {"/run/docker.sock"}}).way_out,
            "no entry of the policy allows it")
      << "our own loader would refuse it";
  EXPECT_EQ(way(kExec, "/tmp/rune-test/x", {Grant::kExecute, {"/tmp/rune-test/x"}}).remedy.grant,
            Grant::kExecuteWritten)
      << "among the commands it would be an error";
  EXPECT_EQ(policy.WithWayOut(*policy.CheckRead("/srv/closed/x").refusal).way_out,
            "'/srv/closed' of denied_paths (~/.rune/rune.toml:9) keeps it closed");
  EXPECT_EQ(policy.WithWayOut(*policy.CheckRead("/home/user/.ssh/id").refusal).way_out,
            "no entry of the policy allows it");
  EXPECT_EQ(MakePolicy({}).WithWayOut(*MakePolicy({}).CheckRead("/root/x").refusal).way_out,
            "'/root' of denied_paths (its default) keeps it closed");
}

TEST(PolicyTest, SaysWhatSomebodyListedAndIsNotThere) {
  PolicyConfig config = Commands({"ls", "no-such-program", "*"});
  config.allowed_paths_ro = {"/usr", "/nosuch"};
  EXPECT_TRUE(MakePolicy(config).Missing().empty()) << "defaults may name what a machine lacks";
  config.origins["allowed_commands"] = {{"~/.rune/rune.toml:3", config.allowed_commands}};
  config.origins["allowed_paths_ro"] = {{"source.policy.allowed_paths_ro", config.allowed_paths_ro}};
  EXPECT_EQ(
      MakePolicy(config).Missing(),
      (std::vector<std::string>{"allowed_commands (~/.rune/rune.toml:3): nothing would be run as 'no-such-program'",
                                "allowed_paths_ro (source.policy.allowed_paths_ro): there is no '/nosuch'"}));
}

TEST(WayOutTest, IsOneFileForOneFile) {
  const Policy policy = MakePolicy(Commands({"echo"}));
  EXPECT_EQ(policy.CheckWrite("/var/tmp/notes.txt").refusal->remedy, (Remedy{Grant::kWrite, {"/var/tmp/notes.txt"}}));
  const Refusal redirected = policy.WithWayOut(*Check(policy, "echo x > /var/tmp/rune-not-there").refusal);
  EXPECT_EQ(redirected.remedy, Remedy());
  EXPECT_NE(redirected.way_out.find("write_file can make it"), std::string::npos) << redirected.way_out;
}

TEST(WayOutTest, OffersADirectoryButNeverTheHomeOrTheRoot) {
  const Policy policy = MakePolicy({}, PolicyMode::kConfirm);
  const auto directory = [&](const Verdict& verdict) { return policy.WithWayOut(*verdict.question).directory; };
  EXPECT_EQ(directory(policy.CheckWrite("/home/user/notes/a.txt")), "/home/user/notes");
  EXPECT_EQ(directory(policy.CheckRead("/srv/data/x")), "/srv/data");
  EXPECT_EQ(directory(policy.CheckWrite("/home/user/notes.txt")), "");
  EXPECT_EQ(directory(policy.CheckWrite("/home/x")), "");
  EXPECT_EQ(directory(policy.CheckWrite("/x")), "");
  EXPECT_EQ(directory(policy.CheckUrl("http://a.test/")), "");
}

TEST(WayOutTest, OfALookupIsForThePortThatTheCallNamed) {
  const Policy policy = MakePolicy(Commands({"curl"}));
  const sandbox::Denial lookup{.by = sandbox::DeniedBy::kNames,
                               .what = sandbox::DeniedAct::kLookup,
                               .target = "good.test",
                               .remedy = {Grant::kDomain, {"good.test"}}};
  const auto allowed = [&](const char* line) {
    return policy.Explain(lookup, Policy::NamedHosts(Policy::PlanCommand(line))).line;
  };
  EXPECT_EQ(allowed("curl http://good.test:8080/x"), R"(allowed_domains = ["good.test:8080"])");
  EXPECT_EQ(allowed("nc good.test 22"), R"(allowed_domains = ["good.test"])");
  EXPECT_EQ(allowed("curl https://good.test http://other.test:81"), R"(allowed_domains = ["good.test"])");
}

}  // namespace
}  // namespace rune::agent
