/// Decodes Gemini's own wire format (https://ai.google.dev/api/generate-content, v1beta).

#include <algorithm>
#include <array>
#include <utility>

#include "agent/wires/call_assembler.h"
#include "agent/wires/codec.h"
#include "agent/wires/stream_decoder.h"

namespace rune::agent {
namespace {

template <std::size_t kSize>
bool IsOneOf(std::string_view word, const std::array<std::string_view, kSize>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

class GeminiDecoder : public StreamDecoder {
 public:
  GeminiDecoder(const std::string& content_type, const DecoderLimits& limits) : StreamDecoder(content_type, limits) {}

 private:
  void Take(const json::View& root, const TextSink& on_text) override {
    if (const auto name = root["modelVersion"].string()) model_ = *name;
    TakeUsage(root["usageMetadata"]);
    if (const auto reason = root["promptFeedback"]["blockReason"].string(); reason && !reason->empty()) blocked_ = true;
    const json::View candidates = root["candidates"];
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      const json::View candidate = candidates[i];
      if (candidate["index"].integer().value_or(0) != 0) continue;  // other answers were not asked for
      const json::View parts = candidate["content"]["parts"];
      for (std::size_t k = 0; k < parts.size() && !settled(); ++k) TakePart(parts[k], on_text);
      const std::string_view reason = candidate["finishReason"].string().value_or("");
      if (finish_reason_.empty() && reason != "FINISH_REASON_UNSPECIFIED") finish_reason_ = reason;
      if (const auto message = candidate["finishMessage"].string()) finish_message_ = *message;
    }
  }
  // Counts may come behind it, so that nothing is settled yet.
  bool ended() const override { return blocked_ || !finish_reason_.empty(); }

  void TakePart(const json::View& part, const TextSink& on_text) {
    const std::string signature = part["thoughtSignature"].Text();
    if (!Count(signature.size())) return;
    if (part["functionCall"].type() == json::Type::kObject) return TakeCall(part["functionCall"], signature);
    const auto text = part["text"].string();
    if (!text && signature.empty()) return;  // a picture, a program: not asked for
    if (part["thought"].boolean().value_or(false)) return TakeThought(part, text.value_or(""), signature);
    if (text && !text->empty()) {
      // What is signed goes back as it came, so that it is not merged with what is not.
      const bool open = signature.empty() && !parts_.empty() && std::holds_alternative<Text>(parts_.back());
      if (!open) parts_.emplace_back(Text{});
      Deliver(std::get<Text>(parts_.back()).text, *text, on_text);
    }
    if (signature.empty()) return;
    json::Writer opaque;
    opaque.BeginObject();
    if (!text || text->empty()) opaque.Member("text", "");  // a part of its own
    parts_.emplace_back(Reasoning{"", opaque.Member("thoughtSignature", signature).EndObject().Take()});
  }

  void TakeThought(const json::View& part, std::string_view text, const std::string& signature) {
    if (!Count(text.size())) return;
    if (!signature.empty()) {
      parts_.emplace_back(Reasoning{std::string(text), part.Dump()});
      return;
    }
    auto* const open = parts_.empty() ? nullptr : std::get_if<Reasoning>(&parts_.back());
    if (open == nullptr || !open->opaque.empty()) {
      parts_.emplace_back(Reasoning{std::string(text), ""});
    } else {
      open->text += text;
    }
  }

  void TakeCall(const json::View& call, const std::string& signature) {
    const bool to_be_continued = call["willContinue"].boolean().value_or(false) || call["partialArgs"].size() > 0;
    if (to_be_continued) return Fail(StreamFault::kMalformed, "a call in pieces");
    const std::string id = call["id"].Text();
    const json::View args = call["args"];
    ToolCall taken{.id = id,
                   .name = call["name"].Text(),
                   .args = TidyArguments(args.string() ? std::string(*args.string()) : args.Dump())};
    if (!Count(id.size() + taken.name.size() + taken.args.size())) return;
    if (!signature.empty() || !id.empty()) {
      json::Writer opaque;
      opaque.BeginObject();
      if (!id.empty()) opaque.Member("id", id);
      if (!signature.empty()) opaque.Member("thoughtSignature", signature);
      taken.opaque = opaque.EndObject().Take();
    }
    if (CheckCalls(++calls_)) parts_.emplace_back(std::move(taken));
  }

  /// Every chunk counts anew; a field that is missing keeps what was known.
  void TakeUsage(const json::View& usage) {
    const auto take = [&usage](std::uint64_t& field, std::string_view name) {
      const auto count = TokenCount(usage[name]);
      if (count) field = *count;
      return count.has_value();
    };
    if (take(prompt_, "promptTokenCount")) usage_known_ = true;
    if (take(candidates_, "candidatesTokenCount")) usage_known_ = true;
    take(tool_prompt_, "toolUsePromptTokenCount");
    take(cached_, "cachedContentTokenCount");
    take(thoughts_, "thoughtsTokenCount");
  }

  Stop StopOf() const {
    constexpr std::array<std::string_view, 9> kFiltered{
        "SAFETY",  "RECITATION",   "PROHIBITED_CONTENT",       "BLOCKLIST",
        "SPII",    "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION",
        "LANGUAGE"};
    if (finish_reason_.empty() || IsOneOf(finish_reason_, kFiltered)) return Stop::kFiltered;  // or blocked_
    if (finish_reason_ == "MAX_TOKENS") return Stop::kLength;
    constexpr std::array<std::string_view, 4> kErrors{"OTHER", "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL",
                                                      "TOO_MANY_TOOL_CALLS"};
    if (IsOneOf(finish_reason_, kErrors)) return Stop::kUnknown;
    if (calls_ > 0) return Stop::kToolCalls;
    return finish_reason_ == "STOP" ? Stop::kEnd : Stop::kUnknown;
  }

  void Report(Decoded& decoded) const override {
    decoded.model = model_;
    decoded.usage_known = usage_known_;
    decoded.usage.input = prompt_ + tool_prompt_;
    decoded.usage.cached = std::min(cached_, decoded.usage.input);
    decoded.usage.output = candidates_ + thoughts_;
    decoded.usage.reasoning = thoughts_;
  }

  void Conclude(Decoded& decoded, const TextSink& /*on_text*/) override {
    Message& message = decoded.message;
    message.stop = StopOf();
    message.parts = std::move(parts_);
    const bool failed = finish_reason_ == "MALFORMED_FUNCTION_CALL" || finish_reason_ == "UNEXPECTED_TOOL_CALL";
    if (message.stop == Stop::kUnknown && (failed || TextOf(message).empty())) {
      const std::string why = finish_message_.empty() ? "" : ": " + finish_message_;
      FailWith({.message = "the answer ended with finishReason " + finish_reason_ + why, .code = finish_reason_});
    }
  }

  std::vector<Part> parts_;
  std::size_t calls_ = 0;  // among them
  bool blocked_ = false;
  std::string finish_reason_;  // the first that says anything
  std::string finish_message_;
  std::string model_;
  bool usage_known_ = false;
  std::uint64_t prompt_ = 0, tool_prompt_ = 0, cached_ = 0, candidates_ = 0, thoughts_ = 0;
};

}  // namespace

std::unique_ptr<Decoder> MakeGeminiNativeDecoder(const std::string& content_type, const DecoderLimits& limits) {
  return std::make_unique<GeminiDecoder>(content_type, limits);
}

}  // namespace rune::agent
