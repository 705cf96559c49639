#include "agent/run/result_json.h"

#include <gtest/gtest.h>

#include "agent/json/json.h"
#include "sandbox/base/redaction.h"

namespace rune::agent {
namespace {

TEST(ResultJsonTest, HoldsTheContractOnOneLine) {
  RunResult result;
  result.outcome = Outcome::kAnswered;
  result.answer = "4\nlines";
  result.steps = 1;
  result.usage = {.input = 300, .output = 48};
  const std::string text = ResultJson(result);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  const auto parsed = json::Document::Parse(text);
  ASSERT_TRUE(parsed.ok());
  const json::View root = parsed->root();
  EXPECT_EQ(root["answer"].string(), "4\nlines");
  EXPECT_EQ(root["steps"].integer(), 1);
  EXPECT_EQ(root["tokens"].integer(), 348);
  EXPECT_EQ(root["tools_used"].size(), 0U);
  EXPECT_EQ(root["outcome"].string(), "answered");
  EXPECT_FALSE(root["error"].exists());
}

TEST(ResultJsonTest, SaysWhatItCostWhenThatIsKnown) {
  RunResult result;
  result.usage = {.input = 300, .cached = 100, .output = 48, .reasoning = 20};
  EXPECT_NE(ResultJson(result).find(R"("usage":{"input":300,"cached":100,"output":48,"reasoning":20})"),
            std::string::npos);
  result.cost = 1'234'500'000;
  EXPECT_NE(ResultJson(result).find(R"("reasoning":20,"cost_usd":0.0012345})"), std::string::npos)
      << ResultJson(result);
}

TEST(ResultJsonTest, AFailureHasAnErrorAndSecretsAreGone) {
  AddSecret("canary-secret-value");
  RunResult result;
  result.outcome = Outcome::kProviderAuth;
  result.detail = "key canary-secret-value was refused";
  result.denials.push_back({.message = "m",
                            .what = sandbox::DeniedAct::kExec,
                            .target = "canary-secret-value",
                            .way_out = "to allow it: W",
                            .line = "allowed_commands = [\"rm\"]"});
  const std::string text = ResultJson(result);
  EXPECT_NE(
      text.find(
          R"("denials":[{"what":"exec","target":"***","message":"m","count":1,"allow":"allowed_commands = [\"rm\"]","way_out":"to allow it: W"}])"),
      std::string::npos)
      << text;
  EXPECT_EQ(text.find("canary-secret-value"), std::string::npos);
  EXPECT_EQ(json::Document::Parse(text)->root()["error"].string(), "key *** was refused");
}

}  // namespace
}  // namespace rune::agent
