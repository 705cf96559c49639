/// Asks a model again and again through one client, as a run that never ends would, in conversations that grow to a
/// dozen messages and begin anew. Whoever plays the model watches what this process holds.
///
///   soak_client WIRE BASE_URL COUNT    exit 0 when every turn had an answer

#include <cstdio>
#include <string>
#include <variant>
#include <vector>

#include "agent/providers/http_model_client.h"
#include "sandbox/base/event_loop.h"
#include "sandbox/base/text.h"

namespace {

using namespace rune;
using namespace rune::agent;

constexpr std::size_t kLongest = 12;  // messages of one conversation

/// What the tools said to the calls of `reply`; a person's next question when there are none.
Message Next(const Message& reply) {
  const std::vector<ToolCall> calls = CallsOf(reply);
  if (calls.empty()) return MakeText(Role::kUser, "And then?");
  Message results{.role = Role::kTool};
  for (const ToolCall& call : calls) {
    results.parts.push_back(ToolResult{call.id, call.name, std::string(2000, 'r'), false, {}});
  }
  return results;
}

int Soak(HttpModelClient& client, std::int64_t count) {
  const std::vector<ToolSpec> tools{
      {"execute_cmd", "Runs a command.", R"({"type":"object","properties":{"cmd":{"type":"string"}}})"}};
  std::vector<Message> history;
  std::size_t heard = 0;
  for (std::int64_t turn = 0; turn < count; ++turn) {
    if (history.empty() || history.size() > kLongest) history = {MakeText(Role::kUser, "Begin.")};
    ModelOutcome outcome = client.Complete({.messages = history, .tools = tools, .options = {}},
                                           [&heard](std::string_view text) { heard += text.size(); });
    if (const auto* const error = std::get_if<ModelError>(&outcome)) {
      std::fprintf(stderr, "soak_client: turn %lld: %s\n", static_cast<long long>(turn), error->message.c_str());
      return 1;
    }
    history.push_back(std::move(std::get<ModelReply>(outcome).message));
    history.push_back(Next(history.back()));
  }
  return heard > 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto wire = words.size() == 3 ? ParseWire(words[0]) : std::nullopt;
  const auto count = words.size() == 3 ? ParseInt(words[2]) : std::nullopt;
  if (!wire || !count) {
    std::fprintf(stderr, "usage: soak_client WIRE BASE_URL COUNT\n");
    return 2;
  }
  EventLoop loop;
  HttpModelOptions options;
  options.endpoint = {.provider = "soak", .base_url = words[1], .model = "test-model"};
  options.caps.wire = *wire;
  options.caps.default_max_tokens = *wire == Wire::kAnthropicMessages ? 1024 : 0;
  options.api_key = Secret("soak-key");
  HttpModelClient client(loop, options);
  return Soak(client, *count);
}
