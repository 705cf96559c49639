/// Encodes Gemini's own wire format (https://ai.google.dev/api/generate-content, v1beta). `contents` is the last
/// member.

#include <algorithm>
#include <optional>
#include <string_view>
#include <variant>

#include "agent/wires/base64.h"
#include "agent/wires/codec.h"
#include "agent/wires/encoding.h"
#include "agent/wires/gemini_native.h"
#include "agent/wires/gemini_schema.h"
#include "sandbox/base/encoding.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

/// What the service takes in place of a signature for a call that another model made.
constexpr std::string_view kForeignSignature = "skip_thought_signature_validator";
constexpr int kSignedCalls = 3;  // the generation that began with it

bool IsPro(std::string_view model) { return model.find("pro") != std::string_view::npos; }

/// In tokens. The larger models cannot stop thinking.
std::optional<int> BudgetOf(Thinking thinking, std::string_view model) {
  switch (thinking) {
    case Thinking::kDefault:
      return std::nullopt;
    case Thinking::kOff:
      return IsPro(model) ? 128 : 0;
    case Thinking::kLow:
      return 2048;
    case Thinking::kMedium:
      return 8192;
    case Thinking::kHigh:
      return 16384;
    case Thinking::kXHigh:
      return 24576;
  }
  std::abort();
}

std::string_view LevelOf(Thinking thinking, std::string_view model) {
  switch (thinking) {
    case Thinking::kDefault:
      return "";
    case Thinking::kOff:
      return IsPro(model) ? "LOW" : "MINIMAL";
    case Thinking::kLow:
      return "LOW";
    case Thinking::kMedium:
      return "MEDIUM";
    case Thinking::kHigh:
    case Thinking::kXHigh:
      return "HIGH";
  }
  std::abort();
}

class Encoder {
 public:
  Encoder(const std::string& model, const ModelRequest& request, const Caps& caps)
      : model_(model), generation_(GeminiGeneration(model)), request_(request), caps_(caps) {}

  std::string Run() {
    out_.BeginObject();
    WriteConfig();
    WriteSystem();
    WriteTools();
    out_.Key("contents").BeginArray();
    const Message* before = nullptr;
    for (const Message& message : request_.messages) {
      WriteMessage(message, before);
      before = &message;
    }
    out_.EndArray().EndObject();
    return out_.Take();
  }

 private:
  void WriteThinking() {
    const Thinking thinking = request_.options.thinking;
    if (!caps_.thinking || thinking == Thinking::kDefault) return;
    if (caps_.thinking_style == "budget") {
      out_.Key("thinkingConfig").BeginObject().Member("thinkingBudget", *BudgetOf(thinking, model_)).EndObject();
    } else if (caps_.thinking_style == "level") {
      out_.Key("thinkingConfig").BeginObject().Member("thinkingLevel", LevelOf(thinking, model_)).EndObject();
    }
  }

  void WriteConfig() {
    const GenerationOptions& options = request_.options;
    out_.Key("generationConfig").BeginObject();
    if (options.temperature && caps_.temperature) out_.Key("temperature").Double(*options.temperature);
    if (options.seed && caps_.temperature) out_.Member("seed", *options.seed & 0x7fffffff);  // an int32
    if (const std::uint64_t max = OutputCap(options, caps_); max > 0) out_.Member("maxOutputTokens", max);
    // Before generation 3 an answer in JSON and tools exclude one another.
    const bool schema = caps_.json_schema && (request_.tools.empty() || generation_ >= 3);
    if (!options.schema.empty() && schema) {
      out_.Member("responseMimeType", "application/json");
      out_.Key("responseJsonSchema").Raw(SanitiseForGemini(options.schema));
    }
    WriteThinking();
    out_.EndObject();
  }

  void WriteSystem() {
    const std::vector<Message>& messages = request_.messages;
    if (messages.empty() || messages.front().role != Role::kSystem) return;
    out_.Key("systemInstruction").BeginObject().Key("parts").BeginArray();
    WriteText(TextOf(messages.front()));
    out_.EndArray().EndObject();
  }

  void WriteTools() {
    if (request_.tools.empty()) return;  // an empty list is an error
    out_.Key("tools").BeginArray().BeginObject().Key("functionDeclarations").BeginArray();
    for (const ToolSpec& tool : request_.tools) {
      out_.BeginObject().Member("name", tool.name).Member("description", tool.description);
      out_.Key("parametersJsonSchema").Raw(SanitiseForGemini(tool.schema)).EndObject();
    }
    out_.EndArray().EndObject().EndArray();
  }

  void BeginContent(std::string_view role) { out_.BeginObject().Member("role", role).Key("parts").BeginArray(); }
  void EndContent() { out_.EndArray().EndObject(); }
  void WriteText(std::string_view text) { out_.BeginObject().Member("text", text).EndObject(); }

  /// GIF is refused, with every later request of the conversation.
  static bool IsInlined(const Image& image) { return image.media_type != "image/gif"; }

  void WriteImage(const Image& image) {
    if (!IsInlined(image)) return WriteText("[a picture that this model cannot see: its format is GIF]");
    out_.BeginObject().Key("inlineData").BeginObject().Member("mimeType", image.media_type).Key("data");
    WriteBase64(out_, image.data);
    out_.EndObject().EndObject();
  }

  void WriteMessage(const Message& message, const Message* before) {
    switch (message.role) {
      case Role::kSystem:
        return;
      case Role::kUser:
        BeginContent("user");
        for (const Part& part : message.parts) {
          if (const auto* const text = std::get_if<Text>(&part)) WriteText(text->text);
          if (const auto* const image = std::get_if<Image>(&part)) WriteImage(*image);
        }
        return EndContent();
      case Role::kAssistant:
        return WriteModel(message);
      case Role::kTool:
        return WriteResults(message, before == nullptr ? std::vector<ToolCall>() : CallsOf(*before));
    }
  }

  /// What may go back.
  std::optional<json::Document> EchoOf(const std::string& opaque) const {
    return caps_.echo_reasoning ? StateOf(opaque) : std::nullopt;
  }

  void WriteModel(const Message& message) {
    BeginContent("model");
    bool first_call = true;
    for (std::size_t i = 0; i < message.parts.size(); ++i) {
      const Part& part = message.parts[i];
      if (const auto* const text = std::get_if<Text>(&part)) {
        WriteModelText(*text, i + 1 < message.parts.size() ? &message.parts[i + 1] : nullptr);
      } else if (const auto* const reasoning = std::get_if<Reasoning>(&part)) {
        const auto state = EchoOf(reasoning->opaque);
        // Without a text it belongs to the part before it. Another wire's state may stand under the same model's name.
        if (!state || !state->root()["text"].string() || !state->root()["thoughtSignature"].string()) continue;
        out_.Raw(reasoning->opaque);
      } else if (const auto* const call = std::get_if<ToolCall>(&part)) {
        WriteCall(*call, std::exchange(first_call, false));
      }
    }
    EndContent();
  }

  void WriteModelText(const Text& text, const Part* behind) {
    out_.BeginObject().Member("text", text.text);
    const auto* const reasoning = behind == nullptr ? nullptr : std::get_if<Reasoning>(behind);
    if (const auto state = reasoning == nullptr ? std::nullopt : EchoOf(reasoning->opaque)) {
      const auto signature = state->root()["thoughtSignature"].string();
      if (signature && !state->root()["text"].exists()) out_.Member("thoughtSignature", *signature);
    }
    out_.EndObject();
  }

  void WriteCall(const ToolCall& call, bool first) {
    const auto state = EchoOf(call.opaque);
    const json::View root = state ? state->root() : json::View();
    out_.BeginObject().Key("functionCall").BeginObject();
    // Its own ids only: those that we make are refused in places.
    if (const auto id = root["id"].string()) out_.Member("id", *id);
    out_.Member("name", call.name).Key("args").Raw(call.args).EndObject();
    if (const auto signature = root["thoughtSignature"].string()) {
      out_.Member("thoughtSignature", *signature);
    } else if (first && generation_ >= kSignedCalls) {
      out_.Member("thoughtSignature", kForeignSignature);  // of parallel calls, only the first has one
    }
    out_.EndObject();
  }

  /// Results hold nothing but bytes of a kind that the model takes.
  bool HoldsImages(const ToolResult& result) const {
    return generation_ >= kSignedCalls && caps_.tool_images &&
           std::all_of(result.images.begin(), result.images.end(), IsInlined);
  }

  /// All results of a turn in one content, whose number must be that of the calls; pictures that they cannot hold in
  /// one of their own.
  void WriteResults(const Message& message, const std::vector<ToolCall>& calls) {
    std::vector<const ToolResult*> with_images;
    BeginContent("user");
    for (const ToolResult* const result : ResultsOf(message)) {
      WriteResult(*result, calls);
      if (!result->images.empty() && !HoldsImages(*result)) with_images.push_back(result);
    }
    EndContent();
    if (with_images.empty()) return;
    BeginContent("user");
    for (const ToolResult* const result : with_images) {
      WriteText(PicturesCaption(*result));
      for (const Image& image : result->images) WriteImage(image);
    }
    EndContent();
  }

  void WriteResult(const ToolResult& result, const std::vector<ToolCall>& calls) {
    out_.BeginObject().Key("functionResponse").BeginObject();
    const auto call = std::find_if(calls.begin(), calls.end(),
                                   [&](const ToolCall& candidate) { return candidate.id == result.call_id; });
    if (const auto state = call == calls.end() ? std::nullopt : EchoOf(call->opaque)) {
      if (const auto id = state->root()["id"].string()) out_.Member("id", *id);
    }
    out_.Member("name", result.name).Key("response").BeginObject();
    out_.Member(result.is_error ? "error" : "output", result.text).EndObject();
    if (!result.images.empty() && HoldsImages(result)) {
      out_.Key("parts").BeginArray();
      for (const Image& image : result.images) WriteImage(image);
      out_.EndArray();
    }
    out_.EndObject().EndObject();
  }

  const std::string& model_;
  int generation_;
  const ModelRequest& request_;
  const Caps& caps_;
  json::Writer out_;
};

}  // namespace

int GeminiGeneration(std::string_view model) {
  constexpr std::string_view kFamily = "gemini-";
  const std::size_t at = model.find(kFamily);
  if (at == std::string_view::npos) return 0;
  const std::string_view rest = model.substr(at + kFamily.size());
  return static_cast<int>(ParseInt(rest.substr(0, rest.find_first_not_of("0123456789"))).value_or(0));
}

WireRequest EncodeGeminiNative(const std::string& model, const ModelRequest& request, const Caps& caps) {
  std::string path = model.find('/') == std::string::npos ? "/models" : "";  // or "tunedModels/x"
  for (const std::string_view segment : Split(model, '/')) path += "/" + PercentEncode(segment);
  path += request.options.stream ? ":streamGenerateContent?alt=sse" : ":generateContent";
  return {.path = std::move(path), .body = Encoder(model, request, caps).Run()};
}

}  // namespace rune::agent
