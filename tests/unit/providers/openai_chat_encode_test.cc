#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "agent/providers/normalise.h"
#include "agent/providers/openai_chat.h"

namespace rune::agent {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::vector<ToolSpec> kTools{
    {"read_file", "Reads.", R"({"type":"object","properties":{"path":{"type":"string"}}})"}};

std::string Encode(const std::vector<Message>& messages, const GenerationOptions& options = {},
                   const ChatDialect& dialect = {}) {
  return EncodeOpenAiChat("m", {.messages = messages, .tools = kTools, .options = options}, dialect);
}

Message Assistant(std::vector<Part> parts) {
  return {.role = Role::kAssistant, .parts = std::move(parts), .origin = "p/m"};
}
Message Results(std::vector<Part> parts) { return {.role = Role::kTool, .parts = std::move(parts)}; }

TEST(ChatEncode, AFirstRequestLooksLikeThis) {
  EXPECT_EQ(Encode({MakeText(Role::kSystem, "Be brief."), MakeText(Role::kUser, "Hi")}),
            R"({"model":"m","stream":true,"stream_options":{"include_usage":true},)"
            R"("tools":[{"type":"function","function":{"name":"read_file","description":"Reads.",)"
            R"("parameters":{"type":"object","properties":{"path":{"type":"string"}}}}}],)"
            R"("messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"}]})");
}

TEST(ChatEncode, CallsAndResultsArePairedById) {
  EXPECT_THAT(
      Encode({MakeText(Role::kUser, "Hi"),
              Assistant({ToolCall{"a", "read_file", R"({"path":"x"})"}, ToolCall{"b", "read_file", "{}"}}),
              Results({ToolResult{"a", "read_file", "text", false}, ToolResult{"b", "read_file", "no path", true}})}),
      HasSubstr(R"({"role":"assistant","content":null,"tool_calls":[)"
                R"({"id":"a","type":"function","function":{"name":"read_file","arguments":"{\"path\":\"x\"}"}},)"
                R"({"id":"b","type":"function","function":{"name":"read_file","arguments":"{}"}}]},)"
                R"({"role":"tool","tool_call_id":"a","content":"text"},)"
                R"({"role":"tool","tool_call_id":"b","content":"Error: no path"}])"));
}

TEST(ChatEncode, NullContentIsASwitch) {
  const std::vector<Message> messages{MakeText(Role::kUser, "Hi"), Assistant({ToolCall{"a", "f", "{}"}})};
  EXPECT_THAT(Encode(messages, {}, {.null_content = false}), HasSubstr(R"("content":"","tool_calls")"));
}

TEST(ChatEncode, OptionsAreSentOnlyWhenTheyAreSet) {
  const std::vector<Message> messages{MakeText(Role::kUser, "Hi")};
  EXPECT_THAT(Encode(messages), Not(testing::AnyOf(HasSubstr("temperature"), HasSubstr("seed"), HasSubstr("max_"),
                                                   HasSubstr("response_format"))));
  const std::string full =
      Encode(messages,
             {.max_output_tokens = 9, .temperature = 0.5, .seed = 3, .schema = R"({"type":"object"})", .stream = false},
             {.max_tokens_field = "max_completion_tokens"});
  EXPECT_THAT(
      full,
      StartsWith(
          R"({"model":"m","max_completion_tokens":9,"temperature":0.5,"seed":3,"response_format":)"
          R"({"type":"json_schema","json_schema":{"name":"answer","schema":{"type":"object"}}},"stream":false,"tools":)"));
}

TEST(ChatEncode, UsageOfAStreamIsASwitch) {
  EXPECT_THAT(Encode({MakeText(Role::kUser, "Hi")}, {}, {.stream_usage = false}), Not(HasSubstr("stream_options")));
}

TEST(ChatEncode, WithoutToolsNothingIsSaidAboutThem) {
  const std::vector<Message> messages{MakeText(Role::kUser, "Hi")};
  EXPECT_THAT(EncodeOpenAiChat("m", {.messages = messages, .tools = {}}, {}), Not(HasSubstr("tools")));
}

TEST(ChatEncode, ProviderStateGoesBackBesideCallsOnly) {
  const Reasoning state{"so", R"({"reasoning_content":"so","extra_content":[{"google":{"thought_signature":"S"}}]})"};
  const std::string with_calls = Encode({MakeText(Role::kUser, "Hi"), Assistant({state, ToolCall{"a", "f", "{}"}})});
  EXPECT_THAT(with_calls, HasSubstr(R"("reasoning_content":"so","tool_calls")"));
  EXPECT_THAT(with_calls, HasSubstr(R"("extra_content":{"google":{"thought_signature":"S"}}})"));
  EXPECT_THAT(Encode({MakeText(Role::kUser, "Hi"), Assistant({state, Text{"x"}})}),
              Not(HasSubstr("reasoning_content")));
}

TEST(ChatEncode, ARequestIsAPrefixOfTheNextOne) {
  std::vector<Message> history{MakeText(Role::kSystem, "S"), MakeText(Role::kUser, "Hi")};
  std::string before;
  const NormaliseOptions options{.origin = "p/m"};
  for (int turn = 0; turn < 6; ++turn) {
    const std::string request = Encode(Normalise(history, options));
    if (!before.empty()) {
      EXPECT_THAT(request, StartsWith(before));
    }
    before = request.substr(0, request.size() - 2);
    const std::string id = turn % 2 == 0 ? "" : "call_1_1";  // synthesised and repeated ids must be stable, too
    Message reply = Assistant(
        {Reasoning{"t", R"({"reasoning_content":"t"})"}, ToolCall{id, "read_file", turn == 3 ? "{bad" : "{}"}});
    if (turn == 4) reply = Assistant({Text{"an answer"}});
    AdoptReply(reply, history);
    history.push_back(reply);
    if (turn == 4) {
      history.push_back(MakeText(Role::kUser, "go on"));
    } else {
      history.push_back(Results({ToolResult{CallsOf(reply)[0].id, "read_file", "text\xFF", turn == 2}}));
    }
  }
}

}  // namespace
}  // namespace rune::agent
