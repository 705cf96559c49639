/// Encodes the OpenAI Responses wire format (https://platform.openai.com/docs/api-reference/responses), without its
/// server-side state: everything is sent every time, and nothing is stored. `input` is the last member.

#include <algorithm>
#include <variant>

#include "agent/wires/base64.h"
#include "agent/wires/codec.h"
#include "agent/wires/effort.h"
#include "agent/wires/encoding.h"

namespace rune::agent {
namespace {

constexpr std::uint64_t kLeastOutput = 16;  // tokens; less is refused
constexpr std::string_view kThought = R"({"type":"reasoning",)";
constexpr std::string_view kPhase = R"({"phase":)";

class Encoder {
 public:
  Encoder(const ModelRequest& request, const Caps& caps) : request_(request), caps_(caps) {}

  std::string Run(const std::string& model) {
    out_.BeginObject().Member("model", model);
    WriteOptions();
    for (const Message& message : request_.messages) {
      if (message.role == Role::kSystem) out_.Member("instructions", TextOf(message));
    }
    WriteTools();
    out_.Key("input").BeginArray();
    for (std::size_t i = 0; i < request_.messages.size(); ++i) WriteMessage(i);
    out_.EndArray().EndObject();
    return out_.Take();
  }

 private:
  void WriteOptions() {
    const GenerationOptions& options = request_.options;
    if (const std::uint64_t max = OutputCap(options, caps_); max > 0) {
      out_.Member("max_output_tokens", std::max(max, kLeastOutput));
    }
    if (options.temperature && caps_.temperature) out_.Key("temperature").Double(*options.temperature);
    if (const std::string_view effort = EffortName(options.thinking); !effort.empty() && caps_.thinking) {
      out_.Key("reasoning").BeginObject().Member("effort", effort).EndObject();
    }
    if (!options.schema.empty() && caps_.json_schema) {
      out_.Key("text").BeginObject().Key("format").BeginObject().Member("type", "json_schema");
      out_.Member("name", "answer").Key("schema").Raw(options.schema).EndObject().EndObject();
    }
    // Models that do not think refuse it.
    if (caps_.thinking && caps_.echo_reasoning) {
      out_.Key("include").BeginArray().String("reasoning.encrypted_content").EndArray();
    }
    out_.Member("store", false);
    if (!options.cache_key.empty() && caps_.cache_key) out_.Member("prompt_cache_key", options.cache_key);
    out_.Member("stream", options.stream);
  }

  void WriteTools() {
    if (request_.tools.empty()) return;
    out_.Key("tools").BeginArray();
    for (const ToolSpec& tool : request_.tools) {
      out_.BeginObject().Member("type", "function").Member("name", tool.name);
      out_.Member("description", tool.description).Key("parameters").Raw(tool.schema);
      out_.Member("strict", false).EndObject();  // must be there; true asks for schemas of a special form
    }
    out_.EndArray();
  }

  void WriteMessage(std::size_t at) {
    const Message& message = request_.messages[at];
    switch (message.role) {
      case Role::kSystem:
        return;
      case Role::kUser: {
        const bool behind_results = at > 0 && request_.messages[at - 1].role == Role::kTool;
        return WriteUser(behind_results ? &request_.messages[at - 1] : nullptr, &message);
      }
      case Role::kAssistant:
        return WriteAssistant(message);
      case Role::kTool: {
        WriteResults(message);
        const bool user_follows = at + 1 < request_.messages.size() && request_.messages[at + 1].role == Role::kUser;
        if (!user_follows && HasLooseImages(message)) WriteUser(&message, nullptr);
        return;
      }
    }
  }

  /// Pictures that have no place in the results themselves.
  bool HasLooseImages(const Message& results) const { return !caps_.tool_images && HasImages(results); }

  /// The loose pictures of `results`, then the user's own words and pictures. Either may be null.
  void WriteUser(const Message* results, const Message* message) {
    out_.BeginObject().Member("role", "user").Key("content").BeginArray();
    if (results != nullptr && HasLooseImages(*results)) {
      for (const ToolResult* const result : ResultsWithImages(*results)) {
        WriteText(PicturesCaption(*result));
        for (const Image& image : result->images) WriteImage(image);
      }
    }
    if (message != nullptr) {
      for (const Part& part : message->parts) {
        if (const auto* const text = std::get_if<Text>(&part)) WriteText(text->text);
        if (const auto* const image = std::get_if<Image>(&part)) WriteImage(*image);
      }
    }
    out_.EndArray().EndObject();
  }

  void WriteText(std::string_view text) {
    if (!text.empty()) out_.BeginObject().Member("type", "input_text").Member("text", text).EndObject();
  }

  void WriteImage(const Image& image) {
    out_.BeginObject().Member("type", "input_image").Key("image_url");
    WriteBase64(out_, image.data, "data:" + image.media_type + ";base64,");
    out_.Member("detail", "auto").EndObject();
  }

  /// Ids of items are left out: the server keeps none, so there is nothing that they could name.
  void WriteAssistant(const Message& message) {
    std::vector<std::string_view> thoughts;  // each must stand before what came of it, and is refused alone
    std::string_view phase;
    const auto flush = [&] {
      for (const std::string_view thought : thoughts) out_.Raw(thought);
      thoughts.clear();
    };
    for (const Part& part : message.parts) {
      if (const auto* const reasoning = std::get_if<Reasoning>(&part); reasoning != nullptr && caps_.echo_reasoning) {
        if (reasoning->opaque.starts_with(kThought)) thoughts.emplace_back(reasoning->opaque);
        if (reasoning->opaque.starts_with(kPhase)) phase = reasoning->opaque;
      } else if (const auto* const text = std::get_if<Text>(&part)) {
        flush();
        out_.BeginObject().Member("type", "message").Member("role", "assistant").Member("content", text->text);
        if (!phase.empty()) out_.Key("phase").Raw(phase.substr(kPhase.size(), phase.size() - kPhase.size() - 1));
        out_.EndObject();
        phase = {};
      } else if (const auto* const call = std::get_if<ToolCall>(&part)) {
        flush();
        out_.BeginObject().Member("type", "function_call").Member("call_id", call->id).Member("name", call->name);
        out_.Member("arguments", call->args).EndObject();
      }
    }
  }

  void WriteResults(const Message& message) {
    for (const ToolResult* const result : ResultsOf(message)) {
      const std::string text = ResultText(*result);
      out_.BeginObject().Member("type", "function_call_output").Member("call_id", result->call_id).Key("output");
      if (result->images.empty() || !caps_.tool_images) {
        out_.String(text);
      } else {
        out_.BeginArray();
        WriteText(text);
        for (const Image& image : result->images) WriteImage(image);
        out_.EndArray();
      }
      out_.EndObject();
    }
  }

  const ModelRequest& request_;
  const Caps& caps_;
  json::Writer out_;
};

}  // namespace

WireRequest EncodeOpenAiResponses(const std::string& model, const ModelRequest& request, const Caps& caps) {
  return {.body = Encoder(request, caps).Run(model)};
}

}  // namespace rune::agent
