#include "agent/policy/remedy_text.h"

#include <gtest/gtest.h>

#include <set>

#include "agent/config/settings.h"
#include "tests/unit/policy/policy_fixture.h"

namespace rune::agent {
namespace {

using sandbox::Grant;
using sandbox::Remedy;

TEST(RemedyTextTest, IsALineOfTomlOrOfYaml) {
  EXPECT_EQ(TomlLine({Grant::kExecute, {"head", "tail"}}), R"(allowed_commands = ["head", "tail"])");
  EXPECT_EQ(YamlLine({Grant::kExecute, {"head", "tail"}}), R"(allowed_commands: ["head", "tail"])");
  EXPECT_EQ(TomlLine({Grant::kRead, {"/srv/a b"}}), R"(allowed_paths_ro = ["/srv/a b"])");
  EXPECT_EQ(YamlLine({Grant::kWrite, {R"(/srv/"x\y)"}}), R"(allowed_paths_rw: ["/srv/\"x\\y"])");
  EXPECT_EQ(TomlLine({Grant::kDomain, {"*.a.test:8443"}}), R"(allowed_domains = ["*.a.test:8443"])");
  EXPECT_EQ(YamlLine({Grant::kUpload, {}}), "max_upload_mb: 0");
  EXPECT_EQ(TomlLine({}), "");
  EXPECT_EQ(YamlLine({}), "");
}

TEST(RemedyTextTest, CannotBeBrokenOutOf) {
  EXPECT_EQ(TomlLine({Grant::kRead, {"/a\nallowed_commands = [\"*\"]"}}), "") << "no line could say this";
  EXPECT_EQ(TomlLine({Grant::kRead, {"/a\", \"*"}}), R"(allowed_paths_ro = ["/a\", \"*"])");
}

TEST(RemedyTextTest, EveryGrantHasAKeyThatTheConfigurationKnows) {
  std::set<std::string_view> keys;
  for (const Grant grant : {Grant::kExecute, Grant::kRead, Grant::kWrite, Grant::kDomain, Grant::kUpload}) {
    const std::string key = "policy." + std::string(PolicyKey(grant));
    EXPECT_TRUE(keys.insert(PolicyKey(grant)).second) << key;
    EXPECT_NE(FindSetting(key), nullptr) << key;
  }
}

}  // namespace
}  // namespace rune::agent
