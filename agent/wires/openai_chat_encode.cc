/// Encodes the OpenAI Chat Completions wire format, as OpenAI and a dozen others speak it
/// (https://platform.openai.com/docs/api-reference/chat). `messages` is the last member of a request. Pictures in tool
/// results follow in a user message behind all results of the turn: the wire has no place for them in a result.

#include <variant>

#include "agent/wires/base64.h"
#include "agent/wires/codec.h"
#include "agent/wires/effort.h"
#include "agent/wires/encoding.h"

namespace rune::agent {
namespace {

class Encoder {
 public:
  Encoder(const ModelRequest& request, const Caps& caps) : request_(request), caps_(caps) {}

  std::string Run(const std::string& model) {
    out_.BeginObject().Member("model", model);
    WriteOptions();
    WriteThinking();
    WriteTools();
    out_.Key("messages").BeginArray();
    for (std::size_t i = 0; i < request_.messages.size(); ++i) WriteMessage(i);
    out_.EndArray().EndObject();
    return out_.Take();
  }

 private:
  void WriteOptions() {
    const GenerationOptions& options = request_.options;
    if (const std::uint64_t max = OutputCap(options, caps_); max > 0) out_.Member(caps_.max_tokens_field, max);
    if (options.temperature && caps_.temperature) out_.Key("temperature").Double(*options.temperature);
    if (options.seed && caps_.temperature) out_.Member("seed", *options.seed);
    if (!options.schema.empty() && caps_.json_schema) {
      out_.Key("response_format").BeginObject().Member("type", "json_schema").Key("json_schema").BeginObject();
      out_.Member("name", "answer").Key("schema").Raw(options.schema).EndObject().EndObject();
    }
    if (!options.cache_key.empty() && caps_.cache_key) out_.Member("prompt_cache_key", options.cache_key);
    if (caps_.cache_marks) out_.Key("cache_control").BeginObject().Member("type", "ephemeral").EndObject();
    out_.Member("stream", options.stream);
    if (options.stream && caps_.stream_usage) {
      out_.Key("stream_options").BeginObject().Member("include_usage", true).EndObject();
    }
  }

  void WriteThinking() {
    const std::string_view effort = EffortName(request_.options.thinking);
    if (effort.empty() || !caps_.thinking) return;
    if (caps_.thinking_style == "openrouter") {
      out_.Key("reasoning").BeginObject().Member("effort", effort).EndObject();
    } else {
      out_.Member("reasoning_effort", effort);
    }
  }

  void WriteTools() {
    if (request_.tools.empty()) return;  // an empty list is an error to some servers
    out_.Key("tools").BeginArray();
    for (const ToolSpec& tool : request_.tools) {
      out_.BeginObject().Member("type", "function").Key("function").BeginObject();
      out_.Member("name", tool.name).Member("description", tool.description).Key("parameters").Raw(tool.schema);
      out_.EndObject().EndObject();
    }
    out_.EndArray();
  }

  void WriteMessage(std::size_t at) {
    const Message& message = request_.messages[at];
    switch (message.role) {
      case Role::kSystem:
        out_.BeginObject().Member("role", caps_.developer_role ? "developer" : "system");
        out_.Member("content", TextOf(message)).EndObject();
        return;
      case Role::kUser:
        // Pictures of the results before it stand in the same message: two user messages in a row are an error to
        // some servers.
        return WriteUser(at > 0 && request_.messages[at - 1].role == Role::kTool ? &request_.messages[at - 1] : nullptr,
                         &message);
      case Role::kAssistant:
        return WriteAssistant(message);
      case Role::kTool: {
        WriteResults(message);
        const bool user_follows = at + 1 < request_.messages.size() && request_.messages[at + 1].role == Role::kUser;
        if (!user_follows && HasImages(message)) WriteUser(&message, nullptr);
        return;
      }
    }
  }

  /// The pictures of `results`, then the user's own words and pictures. Either may be null.
  void WriteUser(const Message* results, const Message* message) {
    const bool result_images = results != nullptr && HasImages(*results);
    out_.BeginObject().Member("role", "user").Key("content");
    if (!result_images && !HasImages(*message)) {
      out_.String(TextOf(*message)).EndObject();
      return;
    }
    out_.BeginArray();
    if (result_images) WriteResultImages(*results);
    if (message != nullptr) WriteParts(*message);
    out_.EndArray().EndObject();
  }

  void WriteParts(const Message& message) {
    for (const Part& part : message.parts) {
      if (const auto* const text = std::get_if<Text>(&part)) {
        WriteText(text->text);
      } else if (const auto* const image = std::get_if<Image>(&part)) {
        WriteImage(*image);
      }
    }
  }

  void WriteResultImages(const Message& results) {
    for (const ToolResult* const result : ResultsWithImages(results)) {
      WriteText(PicturesCaption(*result));
      for (const Image& image : result->images) WriteImage(image);
    }
  }

  void WriteText(std::string_view text) {
    if (!text.empty()) out_.BeginObject().Member("type", "text").Member("text", text).EndObject();
  }

  void WriteImage(const Image& image) {
    out_.BeginObject().Member("type", "image_url").Key("image_url").BeginObject().Key("url");
    WriteBase64(out_, image.data, "data:" + image.media_type + ";base64,");
    out_.EndObject().EndObject();
  }

  void WriteAssistant(const Message& message) {
    const std::string text = TextOf(message);
    const std::vector<ToolCall> calls = CallsOf(message);
    out_.BeginObject().Member("role", "assistant");
    if (text.empty() && !calls.empty() && caps_.null_content) {
      out_.Key("content").Null();
    } else {
      out_.Member("content", text);
    }
    if (caps_.echo_reasoning) WriteState(message, !calls.empty());
    if (!calls.empty()) {
      out_.Key("tool_calls").BeginArray();
      for (const ToolCall& call : calls) WriteCall(call);
      out_.EndArray();
    }
    out_.EndObject();
  }

  void WriteState(const Message& message, bool has_calls) {
    for (const Part& part : message.parts) {
      const auto* const reasoning = std::get_if<Reasoning>(&part);
      const auto state = reasoning == nullptr ? std::nullopt : StateOf(reasoning->opaque, R"({"reasoning_)");
      if (!state) continue;
      for (const std::string& name : state->root().keys()) {
        // Wanted beside the calls that came of it, and refused elsewhere.
        if (name != "reasoning_content" || has_calls) out_.Key(name).Raw(state->root()[name].Dump());
      }
      return;
    }
  }

  void WriteCall(const ToolCall& call) {
    out_.BeginObject().Member("id", call.id).Member("type", "function").Key("function").BeginObject();
    out_.Member("name", call.name).Member("arguments", call.args).EndObject();
    if (const auto state = StateOf(call.opaque, R"({"extra_content":)"); state && caps_.echo_reasoning) {
      out_.Key("extra_content").Raw(state->root()["extra_content"].Dump());
    }
    out_.EndObject();
  }

  void WriteResults(const Message& message) {
    for (const ToolResult* const result : ResultsOf(message)) {
      out_.BeginObject().Member("role", "tool").Member("tool_call_id", result->call_id);
      out_.Member("content", ResultText(*result)).EndObject();
    }
  }

  const ModelRequest& request_;
  const Caps& caps_;
  json::Writer out_;
};

}  // namespace

WireRequest EncodeOpenAiChat(const std::string& model, const ModelRequest& request, const Caps& caps) {
  return {.body = Encoder(request, caps).Run(model)};
}

}  // namespace rune::agent
