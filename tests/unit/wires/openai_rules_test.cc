/// Any history whatever, also one that nobody should make, encodes to a request that servers take.

#include <gmock/gmock.h>

#include <string>
#include <utility>
#include <vector>

#include "agent/wires/codec.h"
#include "agent/wires/normalise.h"
#include "tests/unit/wires/histories.h"
#include "tests/unit/wires/wire_rules.h"

namespace rune::agent {
namespace {

std::string TextAt(const json::View& view) { return std::string(view.string().value_or("")); }

class OpenAiRules : public test::WireRules {
 protected:
  void Tools(const json::View& root) {
    Rule(!root["tools"].exists() || root["tools"].size() > 0, "no empty tools");
    Rule(root["tools"].exists() || !root["tool_choice"].exists(), "no choice without tools");
  }
  void Call(const std::string& id, const json::View& named) {
    Rule(test::Matches(id, "_-", 40), "legal ids");
    Rule(calls_.insert(id).second, "unique ids");
    Rule(test::Matches(TextAt(named["name"]), "_-", 64), "legal names");
    const auto args = json::Document::Parse(TextAt(named["arguments"]));
    Rule(args.ok() && args->root().type() == json::Type::kObject, "arguments are an object");
    pending_.push_back(id);
  }
  void Answer(const std::string& id) {
    Rule(!pending_.empty() && pending_.front() == id, "results in the order of their calls");
    if (!pending_.empty()) pending_.erase(pending_.begin());
  }
  void Url(const std::string& url) {
    const bool bytes = url.starts_with("data:image/") && url.find(";base64,") + 8 < url.size();
    Rule(bytes || url.starts_with("https://"), "a picture has bytes or a URL");
  }
  void AllAnswered() { Rule(pending_.empty(), "every call is answered at once"); }

 private:
  std::vector<std::string> pending_;
  std::set<std::string> calls_;
};

class ChatRules : public OpenAiRules {
 private:
  void Check(const json::View& root) override {
    Keys(root, {"model", "max_tokens", "temperature", "seed", "response_format", "prompt_cache_key", "cache_control",
                "stream", "stream_options", "reasoning_effort", "reasoning", "tools", "messages"});
    Tools(root);
    const json::View messages = root["messages"];
    Rule(messages.size() > 0, "a message");
    std::string before;
    for (std::size_t i = 0; i < messages.size(); ++i) {
      const std::string role = TextAt(messages[i]["role"]);
      Rule((role == "system" || role == "developer") ? i == 0 : true, "one system message, the first");
      Rule(role != before || role == "tool", "no two messages of one role in a row");
      Message(role, messages[i]);
      before = role;
    }
    AllAnswered();
    Rule(before == "user" || before == "tool", "the user or a tool is last");
  }

  void Message(const std::string& role, const json::View& message) {
    if (role != "tool") AllAnswered();
    if (role == "assistant") return Assistant(message);
    if (role == "tool") {
      Keys(message, {"role", "tool_call_id", "content"});
      Rule(message["content"].string().has_value(), "results are text");
      return Answer(TextAt(message["tool_call_id"]));
    }
    Keys(message, {"role", "content"});
    const json::View content = message["content"];
    Rule(content.string() ? !content.string()->empty() : content.size() > 0, "no empty message");
    for (std::size_t i = 0; i < content.size(); ++i) {
      Rule(role == "user", "parts are the user's");
      if (TextAt(content[i]["type"]) == "text") {
        Keys(content[i], {"type", "text"});
        Rule(!TextAt(content[i]["text"]).empty(), "no empty part");
      } else {
        Keys(content[i], {"type", "image_url"});
        Url(TextAt(content[i]["image_url"]["url"]));
      }
    }
  }

  void Assistant(const json::View& message) {
    Keys(message, {"role", "content", "reasoning_content", "reasoning_details", "reasoning_text", "reasoning_opaque",
                   "tool_calls"});
    const json::View calls = message["tool_calls"];
    Rule(calls.size() > 0 || !TextAt(message["content"]).empty(), "no empty answer");
    Rule(calls.size() > 0 || !message["reasoning_content"].exists(), "thoughts beside calls only");
    for (std::size_t i = 0; i < calls.size(); ++i) {
      Keys(calls[i], {"id", "type", "function", "extra_content"});
      Call(TextAt(calls[i]["id"]), calls[i]["function"]);
    }
  }
};

class ResponsesRules : public OpenAiRules {
 private:
  void Check(const json::View& root) override {
    Keys(root, {"model", "max_output_tokens", "temperature", "reasoning", "text", "include", "store",
                "prompt_cache_key", "stream", "instructions", "tools", "input"});
    Rule(root["store"].boolean() == false, "nothing is stored");
    Tools(root);
    const json::View input = root["input"];
    Rule(input.size() > 0, "an item");
    for (std::size_t i = 0; i < input.size(); ++i) Item(input[i], input[i + 1]);
    AllAnswered();
    const json::View last = input[input.size() - 1];
    Rule(TextAt(last["role"]) == "user" || TextAt(last["type"]) == "function_call_output",
         "the user or a tool is last");
  }

  void Item(const json::View& item, const json::View& next) {
    const std::string type = TextAt(item["type"]);
    if (type == "function_call") {
      Keys(item, {"type", "call_id", "name", "arguments"});
      Call(TextAt(item["call_id"]), item);
    } else if (type == "function_call_output") {
      Keys(item, {"type", "call_id", "output"});
      Rule(item["output"].string() || item["output"].size() > 0, "an output");
      Parts(item["output"]);
      Answer(TextAt(item["call_id"]));
    } else if (type == "reasoning") {
      Keys(item, {"type", "id", "summary", "encrypted_content"});
      const std::string follows = TextAt(next["type"]);
      Rule(follows == "message" || follows == "function_call" || follows == "reasoning", "a thought has its outcome");
    } else if (type == "message") {
      Keys(item, {"type", "role", "content", "phase"});
      Rule(!TextAt(item["content"]).empty(), "no empty answer");
    } else {
      AllAnswered();
      Keys(item, {"role", "content"});
      Rule(TextAt(item["role"]) == "user" && item["content"].size() > 0, "the user says something");
      Parts(item["content"]);
    }
  }

  void Parts(const json::View& parts) {
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (TextAt(parts[i]["type"]) == "input_text") {
        Keys(parts[i], {"type", "text"});
        Rule(!TextAt(parts[i]["text"]).empty(), "no empty part");
      } else {
        Keys(parts[i], {"type", "image_url", "detail"});
        Url(TextAt(parts[i]["image_url"]));
      }
    }
  }
};

const std::vector<ToolSpec> kTools{{"f", "F.", R"({"type":"object","properties":{}})"}};
const std::vector<std::string> kStates{"",
                                       R"({"reasoning_content":"so"})",
                                       R"({"reasoning_details":[{"type":"reasoning.text"}]})",
                                       R"({"extra_content":{"google":{"thought_signature":"S"}}})",
                                       R"({"type":"reasoning","id":"r","summary":[],"encrypted_content":"S"})",
                                       R"({"type":"reasoning",)",
                                       R"({"phase":"commentary"})",
                                       R"({"type":"thinking","thinking":"x","signature":"S"})",
                                       "{\"x\""};

template <typename Rules>
void ExpectEveryHistoryToObey(const Codec& codec) {
  test::Histories histories(5, kStates);
  for (int round = 0; round < 10'000; ++round) {
    const Caps caps{.developer_role = round % 3 == 0,
                    .tool_images = round % 2 == 0,
                    .thinking = round % 4 == 0,
                    .echo_reasoning = round % 7 != 0};
    const auto history = Normalise(histories.Next(), {.origin = "p/m", .images = round % 11 != 0});
    const std::string body =
        codec
            .encode("m",
                    {.messages = history,
                     .tools = kTools,
                     .options = {.thinking = round % 3 == 0 ? Thinking::kHigh : Thinking::kDefault}},
                    caps)
            .body;
    ASSERT_EQ(Rules().Broken(body), "") << body;
  }
}

TEST(ChatEncode, EveryHistoryObeysTheRulesOfTheWire) {
  ExpectEveryHistoryToObey<ChatRules>(CodecOf(Wire::kOpenAiChat));
}

TEST(ResponsesEncode, EveryHistoryObeysTheRulesOfTheWire) {
  ExpectEveryHistoryToObey<ResponsesRules>(CodecOf(Wire::kOpenAiResponses));
}

}  // namespace
}  // namespace rune::agent
