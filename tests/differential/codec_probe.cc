/// Our codecs as a program, to be compared with what the providers' own libraries make of the same bytes.
///
///     codec_probe decode WIRE        a response on standard input; one line of JSON: what is in it
///     codec_probe encode WIRE N      N lines of JSON: requests of odd histories

#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/wires/codec.h"
#include "agent/wires/normalise.h"
#include "sandbox/base/text.h"
#include "tests/unit/wires/histories.h"

namespace {

using namespace rune;         // NOLINT: a small program
using namespace rune::agent;  // NOLINT

std::string_view StopName(Stop stop) {
  switch (stop) {
    case Stop::kUnknown:
      return "unknown";
    case Stop::kEnd:
      return "end";
    case Stop::kToolCalls:
      return "calls";
    case Stop::kLength:
      return "length";
    case Stop::kFiltered:
      return "filtered";
    case Stop::kPaused:
      return "paused";
  }
  std::abort();
}

std::string ReadInput() {
  std::string bytes;
  for (int c = std::getchar(); c != EOF; c = std::getchar()) bytes += static_cast<char>(c);
  return bytes;
}

std::string Decode(const Codec& codec) {
  const auto decoder = codec.decoder("text/event-stream", {});
  decoder->Feed(ReadInput(), {});
  const Decoded decoded = decoder->Finish({});
  json::Writer out;
  out.BeginObject().Member("fault", decoded.fault != StreamFault::kNone).Member("text", TextOf(decoded.message));
  std::string thoughts;
  for (const Part& part : decoded.message.parts) {
    if (const auto* const reasoning = std::get_if<Reasoning>(&part)) thoughts += reasoning->text;
  }
  out.Member("thoughts", thoughts).Key("calls").BeginArray();
  for (const ToolCall& call : CallsOf(decoded.message)) {
    out.BeginObject().Member("name", call.name).Member("args", call.args).EndObject();
  }
  out.EndArray().Member("stop", StopName(decoded.message.stop));
  out.Member("input", decoded.usage.input).Member("cached", decoded.usage.cached);
  return out.Member("output", decoded.usage.output).EndObject().Take();
}

/// State as each wire's own decoder leaves it.
const std::map<Wire, std::vector<std::string>> kStates{
    {Wire::kOpenAiChat, {""}},
    {Wire::kOpenAiResponses,
     {"", R"({"type":"reasoning","id":"rs","summary":[],"encrypted_content":"S"})", R"({"phase":"commentary"})"}},
    {Wire::kAnthropicMessages,
     {"", R"({"type":"thinking","thinking":"x","signature":"S"})", R"({"type":"redacted_thinking","data":"R"})"}},
    {Wire::kGeminiNative, {"", R"({"thoughtSignature":"U0lH"})"}}};

void Encode(Wire wire, int count) {
  const std::vector<ToolSpec> tools{
      {"f", "F.", R"({"type":"object","properties":{"x":{"type":"string"}},"required":["x"]})"}};
  test::Histories histories(3, kStates.at(wire));
  for (int i = 0; i < count; ++i) {
    Caps caps = LookUpCaps(wire == Wire::kAnthropicMessages ? "anthropic"
                           : wire == Wire::kGeminiNative    ? "gemini"
                                                            : "openai",
                           "", wire == Wire::kOpenAiResponses ? "gpt-5" : "m");
    caps.wire = wire;
    caps.tool_images = i % 2 == 0;
    GenerationOptions options{.max_output_tokens = i % 4 == 0 ? 4000u : 0u, .cache_key = "k"};
    if (i % 5 == 0) options.schema = R"({"type":"object","properties":{"a":{"type":"integer"}}})";
    if (i % 3 == 0) options.thinking = Thinking::kHigh;
    if (i % 7 == 0) options.temperature = 1;
    std::vector<Message> odd = histories.Next();
    odd.insert(odd.begin(), MakeText(Role::kSystem, "Be brief."));
    const auto history = Normalise(odd, {.origin = "p/m"});
    const WireRequest request =
        CodecOf(wire).encode("gemini-3-pro", {.messages = history, .tools = tools, .options = options}, caps);
    std::printf("%s\n", request.body.c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> args(argv + 1, argv + argc);
  const auto wire = args.size() < 2 ? std::nullopt : ParseWire(args[1]);
  if (wire && args[0] == "decode") {
    std::printf("%s\n", Decode(CodecOf(*wire)).c_str());
    return 0;
  }
  if (wire && args[0] == "encode" && args.size() == 3) {
    Encode(*wire, static_cast<int>(ParseInt(args[2]).value_or(1)));
    return 0;
  }
  std::fprintf(stderr, "usage: codec_probe decode WIRE | encode WIRE N\n");
  return 2;
}
