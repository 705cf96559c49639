#include "resource/request/protocol.h"

#include <gtest/gtest.h>

#include "../fake_asker.h"
#include "resource/request/request.h"

namespace rune::resource {
namespace {

std::string ErrorOf(const std::string& text, Verb verb = Verb::kCheck) {
  const auto request = ParseRequest(verb, text);
  return request.ok() ? "(no error)" : request.error().message;
}

TEST(ParseRequest, TakesWhatConcourseWrites) {
  const Request request = ParsedAs(
      Verb::kIn, R"({"source":{"api_key":"k\u003c\u0026","prompt":"a\u2028b"},"version":{"ref":"r","x":"y"}})");
  EXPECT_EQ(request.source.config.api_key.Reveal(), "k<&");
  EXPECT_EQ(request.version.at("x"), "y") << "unknown keys of a version are kept";
}

TEST(ParseRequest, TakesNullForEverythingThatIsMissing) {
  const Request request = ParsedAs(Verb::kIn, R"({"source":null,"version":null,"params":null})");
  EXPECT_TRUE(request.version.empty());
  EXPECT_EQ(request.source.inline_limit, 4096u);
  const Request lists = ParsedAs(Verb::kCheck, R"({"source":{"pre_commands":null,"redact":null,"limits":null,
      "policy":{"allowed_domains":null,"allowed_commands":null},"sandbox":{"network":null,
      "filesystem":{"denied_paths":null}}}})");
  EXPECT_EQ(lists.source.config.policy.denied_paths, agent::PolicyConfig().denied_paths);
}

TEST(ParseRequest, IsLiberalWithScalars) {
  const Request request = ParsedAs(Verb::kCheck, R"({"source":{"model":4,"prompt":true,"debug":"yes","seed":"7",
      "temperature":"0.5","inline_limit":"1000","min_interval":90,"limits":{"seconds":"1h30m","steps":"5"},
      "pre_commands":"date"}})");
  EXPECT_EQ(request.source.config.model, "4");
  EXPECT_EQ(request.source.prompt, "true");
  EXPECT_TRUE(request.source.debug);
  EXPECT_EQ(request.source.config.seed, 7);
  EXPECT_EQ(request.source.config.temperature, 0.5);
  EXPECT_EQ(request.source.inline_limit, 1000u);
  EXPECT_EQ(request.source.min_interval, std::chrono::seconds(90));
  EXPECT_EQ(request.source.config.budgets.wall, std::chrono::minutes(90));
  EXPECT_EQ(request.source.config.budgets.steps, 5u);
  EXPECT_EQ(request.source.pre_commands, std::vector<std::string>{"date"});
}

TEST(ParseRequest, NamesTheKeyAndThePlaceOfEveryMistake) {
  EXPECT_EQ(ErrorOf(R"({"source":{"promt":"x"}})"), "source: unknown key 'promt' (did you mean 'prompt'?)");
  EXPECT_EQ(ErrorOf(R"({"source":{"prompt":["x"]}})"), "source.prompt: expected string, found array");
  EXPECT_EQ(ErrorOf(R"({"source":{"record":"store"}})"),
            "source.record: 'store' is not available in this release; use inline or none");
  EXPECT_EQ(ErrorOf(R"({"source":{"record":"x"}})"), "source.record: expected inline or none");
  EXPECT_EQ(ErrorOf(R"({"source":{"sandbox":{"policy_mode":"yolo"}}})"),
            "source.sandbox.policy_mode: expected allowlist, confirm or unrestricted");
  EXPECT_EQ(ErrorOf(R"({"source":{"sandbox":{"require":["landlok"]}}})"),
            "source.sandbox.require[0]: expected limits, network, seccomp, landlock or names");
  EXPECT_EQ(ErrorOf(R"({"source":{"limits":{"steps":-1}}})"),
            "source.limits.steps: expected a whole number, not negative");
  EXPECT_EQ(ErrorOf(R"({"source":{"inline_limit":20000}})"), "source.inline_limit: at most 16384");
  EXPECT_EQ(ErrorOf(R"({"source":{"thinking":"hard"}})"), "source.thinking: expected off, low, medium, high or xhigh");
  EXPECT_EQ(ErrorOf(R"({"source":{"max_images":0}})"), "source.max_images: from 1 to 100");
  EXPECT_EQ(ErrorOf(R"({"source":{"temperature":3}})"), "source.temperature: from 0 to 2");
  EXPECT_EQ(ErrorOf(R"({"source":{"deadlines":{"connect":"2h"}}})"), "source.deadlines.connect: from 0.001 to 3600");
  EXPECT_EQ(ErrorOf(R"({"source":{"deadlines":{"idle":0}}})"), "source.deadlines.idle: from 0.001 to 3600");
  EXPECT_EQ(ErrorOf(R"({"source":{"deadlines":{"conect":1}}})"),
            "source.deadlines: unknown key 'conect' (did you mean 'connect'?)");
  EXPECT_EQ(ErrorOf(R"({"source":{"retry":{"attempts":0}}})"), "source.retry.attempts: from 1 to 20");
  EXPECT_EQ(ErrorOf(R"({"source":{"retry":{"base_ms":"1s"}}})"),
            "source.retry.base_ms: expected a whole number, not negative");
  EXPECT_EQ(ErrorOf(R"({"source":{"limits":{"cost_usd":-1}}})"), "source.limits.cost_usd: from 0 to 1000000");
  EXPECT_EQ(ErrorOf(R"({"source":{"embeddings":{"modle":"m"}}})"),
            "source.embeddings: unknown key 'modle' (did you mean 'model'?)");
  EXPECT_EQ(ErrorOf(R"({"source":{"version_from":["/a"]}})"),
            "source.version_from: needs a schema, for it names members of a JSON answer");
  EXPECT_EQ(ErrorOf(R"({"source":[]})").substr(0, 7), "source:");
  EXPECT_EQ(ErrorOf(R"({"source":{"allowed_commands":[]}})"),
            "source: unknown key 'allowed_commands' (did you mean 'policy.allowed_commands'?)");
  EXPECT_EQ(ErrorOf(R"({"source":{"policy":{"schema":{}}}})"),
            "source.policy: unknown key 'schema' (did you mean 'source.schema'?)");
  EXPECT_EQ(ErrorOf(R"({"source":{"policy":{"allowed_commands":["a","b",3]}}})"),
            "source.policy.allowed_commands[2]: expected string, found number");
  EXPECT_EQ(ErrorOf(R"({"params":{"min_interval":1}})", Verb::kOut),
            "params: unknown key 'min_interval' (did you mean 'source.min_interval'?)");
  EXPECT_EQ(ErrorOf(R"({"params":{"promt":"x"}})", Verb::kOut), "params: unknown key 'promt' (did you mean 'prompt'?)");
  EXPECT_EQ(ErrorOf(R"({"params":{"prompt":"a","prompt_file":"b"}})", Verb::kOut),
            "params.prompt and params.prompt_file: give one of them");
  EXPECT_EQ(ErrorOf(R"({"params":{"fail_if":{"matches":"("}}})", Verb::kOut),
            "params.fail_if.matches: pattern '(': missing )");
  EXPECT_EQ(ErrorOf(R"x({"params":{"fail_if":{"matches":"a(?!b)"}}})x", Verb::kOut),
            "params.fail_if.matches: pattern 'a(?!b)': look-ahead is not supported");
  EXPECT_EQ(ErrorOf(R"({"source":{"redact":["abc"]}})").substr(0, 14), "source.redact:");
}

TEST(ParseRequest, RefusesWhatIsNoRequest) {
  EXPECT_NE(ErrorOf("x").find("the request on stdin is not JSON"), std::string::npos);
  EXPECT_NE(ErrorOf("").find("the request on stdin"), std::string::npos);
  EXPECT_NE(ErrorOf(R"({"source":{"prompt":"a)").find("at byte"), std::string::npos);
  EXPECT_NE(ErrorOf("{\"source\":{\"prompt\":\"\xFF\"}}").find("at byte"), std::string::npos);
  EXPECT_NE(ErrorOf(std::string(200'000, '[')).find("deeper than"), std::string::npos);
  EXPECT_NE(ErrorOf("[1]").find("expected object"), std::string::npos);
  EXPECT_NE(ErrorOf(R"({"source":{"prompt":"a","prompt":"b"}})").find("duplicate key"), std::string::npos);
  EXPECT_EQ(ErrorOf(R"({"source":{},"version":"x"})"), "version: expected object, found string");
}

TEST(ParseRequest, NeverQuotesAValueInAnError) {
  EXPECT_EQ(ErrorOf(R"({"source":{"debug":"very-secret-value"}})").find("very-secret-value"), std::string::npos);
  EXPECT_EQ(ErrorOf(R"({"source":{"record_key":"short-secret"}})").find("short-secret"), std::string::npos);
}

TEST(ParseRequest, AcceptsBothSpellingsOfThePolicyUnlessTheyDisagree) {
  const Request request = ParsedAs(Verb::kCheck, R"({"source":{
      "policy":{"allowed_commands":["curl"],"mode":"allowlist"},
      "sandbox":{"policy_mode":"allowlist","allowed_commands":["curl"],"network":{"allowed_domains":["wttr.in"]},
                 "filesystem":{"read_write_paths":["/w"],"read_only_paths":["/r"],"denied_paths":["/d"]},
                 "resources":{"timeout_secs":20,"max_memory_mb":100,"max_pids":9},"require":["seccomp"]}}})");
  const agent::PolicyConfig& policy = request.source.config.policy;
  EXPECT_EQ(policy.mode, agent::PolicyMode::kAllowlist);
  EXPECT_EQ(policy.allowed_domains, std::vector<std::string>{"wttr.in"});
  EXPECT_EQ(policy.allowed_paths_rw, std::vector<std::string>{"/w"});
  EXPECT_EQ(policy.allowed_paths_ro, std::vector<std::string>{"/r"});
  EXPECT_EQ(policy.denied_paths, std::vector<std::string>{"/d"});
  EXPECT_EQ(policy.max_memory_mb, 100u);
  EXPECT_EQ(policy.max_pids, 9u);
  EXPECT_EQ(policy.enforcement, sandbox::Enforcement::kRequire);
  EXPECT_EQ(policy.required_layers, std::vector<sandbox::Layer>{sandbox::Layer::kSeccomp});
  EXPECT_EQ(request.source.config.budgets.tool_wall, std::chrono::seconds(20));
  EXPECT_NE(
      ErrorOf(R"({"source":{"policy":{"mode":"confirm"},"sandbox":{"policy_mode":"unrestricted"}}})").find("disagree"),
      std::string::npos);
  EXPECT_NE(ErrorOf(R"({"source":{"policy":{"allowed_commands":[]},"sandbox":{"allowed_commands":["sh"]}}})")
                .find("different things"),
            std::string::npos);
}

TEST(ParseRequest, AnEmptyListAllowsNothing) {
  const Request request = ParsedAs(Verb::kCheck, R"({"source":{"policy":{"denied_paths":[]}}})");
  EXPECT_TRUE(request.source.config.policy.denied_paths.empty());
}

}  // namespace
}  // namespace rune::resource
