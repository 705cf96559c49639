/// Decodes the OpenAI Chat Completions wire format (https://platform.openai.com/docs/api-reference/chat).
/// Reasoning::opaque of its messages is one of {"reasoning_details": [...]} (OpenRouter), {"reasoning_text",
/// "reasoning_opaque"} (Copilot) and {"reasoning_content"} (DeepSeek and its like, beside calls only);
/// ToolCall::opaque is {"extra_content": {...}} (Google's compatible endpoint).

#include <algorithm>
#include <array>
#include <utility>

#include "agent/wires/call_assembler.h"
#include "agent/wires/codec.h"
#include "agent/wires/openai_chat_reasoning.h"
#include "agent/wires/stream_decoder.h"

namespace rune::agent {
namespace {

class ChatDecoder : public StreamDecoder {
 public:
  ChatDecoder(const std::string& content_type, const DecoderLimits& limits) : StreamDecoder(content_type, limits) {}

 private:
  void Take(const json::View& root, const TextSink& on_text) override;
  void TakeDone() override {
    done_ = true;
    Settle();
  }
  bool ended() const override { return done_ || !finish_reason_.empty() || (whole() && any_choice_); }
  void Report(Decoded& decoded) const override {
    decoded.usage = usage_;
    decoded.usage_known = usage_known_;
    decoded.model = model_;
  }
  void Conclude(Decoded& decoded, const TextSink& on_text) override;

  void TakeChoice(const json::View& choice, const TextSink& on_text);
  void TakeContent(const json::View& content, const TextSink& on_text);
  void TakeText(std::string_view piece, const TextSink& on_text);
  void TakeReasoning(const json::View& delta);
  void TakeThought(std::string_view field, std::string_view thought);
  void TakeUsage(const json::View& usage);
  Stop StopOf() const;
  std::string Opaque() const;

  bool done_ = false;
  bool any_choice_ = false;
  std::string finish_reason_;  // the first that says anything
  std::string text_;
  std::string refusal_;
  ThinkSplitter splitter_;
  std::string reasoning_;
  std::string reasoning_field_;
  ReasoningDetails details_;
  std::string sealed_;  // Copilot's reasoning_opaque
  CallAssembler calls_;
  Usage usage_;
  bool usage_known_ = false;
  std::string model_;
};

void ChatDecoder::Take(const json::View& root, const TextSink& on_text) {
  if (model_.empty()) model_ = root["model"].Text();
  TakeUsage(root["x_groq"]["usage"]);
  const json::View choices = root["choices"];
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (!choices[i]["error"].is_null()) return FailWith(ReadServerError(choices[i]));
    TakeUsage(choices[i]["usage"]);
    // Choices of one index are pieces of one answer; other answers were not asked for.
    if (choices[i]["index"].integer().value_or(0) == 0) TakeChoice(choices[i], on_text);
  }
  TakeUsage(root["usage"]);
}

void ChatDecoder::TakeChoice(const json::View& choice, const TextSink& on_text) {
  any_choice_ = true;
  if (finish_reason_.empty()) finish_reason_ = choice["finish_reason"].Text();
  const json::View streamed = choice["delta"];
  const json::View delta = streamed.is_null() ? choice["message"] : streamed;
  TakeReasoning(delta);
  // Some send the whole message once more at the end.
  const bool again = streamed.is_null() && !text_.empty() && delta["content"].string() == std::string_view(text_);
  if (!again) TakeContent(delta["content"], on_text);
  if (const auto refusal = delta["refusal"].string(); refusal && Count(refusal->size())) refusal_ += *refusal;
  calls_.BeginChunk();
  const json::View calls = delta["tool_calls"];
  for (std::size_t i = 0; i < calls.size() && !settled(); ++i) {
    Count(calls_.Add(calls[i]));
    CheckCalls(calls_.size());
  }
}

void ChatDecoder::TakeContent(const json::View& content, const TextSink& on_text) {
  if (const auto text = content.string()) return TakeText(*text, on_text);
  if (content.type() != json::Type::kArray) return;
  for (std::size_t i = 0; i < content.size(); ++i) {
    const json::View part = content[i];
    if (const auto text = part["text"].string()) TakeText(*text, on_text);
    const json::View thoughts = part["thinking"];  // Mistral: a list of texts
    for (std::size_t k = 0; k < thoughts.size(); ++k) TakeThought("content", thoughts[k]["text"].string().value_or(""));
  }
}

void ChatDecoder::TakeText(std::string_view piece, const TextSink& on_text) {
  if (splitter_.holds() && !Count(piece.size())) return;
  splitter_.Feed(piece, [&](std::string_view text) { Deliver(text_, text, on_text); });
}

void ChatDecoder::TakeReasoning(const json::View& delta) {
  const json::View details = delta["reasoning_details"];
  if (details.exists() && !Count(details.Dump().size())) return;
  std::string said;
  for (std::size_t i = 0; i < details.size(); ++i) {
    if (!CheckParts(details_.size() + details[i].size())) return;
    said += details_.Add(details[i]);
  }
  if (const auto sealed = delta["reasoning_opaque"].string(); sealed && Count(sealed->size())) sealed_ += *sealed;
  constexpr std::array<std::string_view, 4> kFields{"reasoning_content", "reasoning", "reasoning_text", "cot_summary"};
  for (const std::string_view field : kFields) TakeThought(field, delta[field].string().value_or(""));
  TakeThought("reasoning_details", said);
}

/// Some send the same thought under two names: the first name seen is the one that counts.
void ChatDecoder::TakeThought(std::string_view field, std::string_view thought) {
  if (thought.empty() || (!reasoning_field_.empty() && reasoning_field_ != field)) return;
  reasoning_field_ = field;
  if (Count(thought.size())) reasoning_ += thought;
}

void ChatDecoder::TakeUsage(const json::View& usage) {
  const auto prompt = TokenCount(usage["prompt_tokens"]);
  const auto completion = TokenCount(usage["completion_tokens"]);
  if (!prompt && !completion) return;
  // Counts are cumulative, so the last ones replace those before.
  usage_ = {.input = prompt.value_or(0), .output = completion.value_or(0)};
  // Some leave reasoning out of the completion, but not out of the total.
  const auto total = TokenCount(usage["total_tokens"]).value_or(0);
  if (prompt && total > *prompt) usage_.output = std::max(usage_.output, total - *prompt);
  const json::View prompt_details = usage["prompt_tokens_details"];
  auto cached = TokenCount(prompt_details["cached_tokens"]);
  if (!cached) cached = TokenCount(usage["prompt_cache_hit_tokens"]);
  usage_.cached = std::min(cached.value_or(0), usage_.input);
  usage_.cache_write = std::min(TokenCount(prompt_details["cache_write_tokens"]).value_or(0), usage_.input);
  const auto reasoning = TokenCount(usage["completion_tokens_details"]["reasoning_tokens"]);
  usage_.reasoning = std::min(reasoning.value_or(0), usage_.output);
  usage_known_ = true;
}

Stop ChatDecoder::StopOf() const {
  const std::string& reason = finish_reason_;
  if (!refusal_.empty() || reason == "content_filter" || reason == "sensitive") return Stop::kFiltered;
  if (reason == "length" || reason == "max_tokens") return Stop::kLength;
  // Whatever else it says: several servers end a turn with calls in it with "stop".
  return calls_.Finish().empty() ? Stop::kEnd : Stop::kToolCalls;
}

/// Thinking models of DeepSeek's kind want their thoughts back beside the calls that came of them, and nowhere else.
std::string ChatDecoder::Opaque() const {
  const std::string details = details_.Json();
  json::Writer out;
  out.BeginObject();
  if (!details.empty()) {
    out.Key("reasoning_details").Raw(details);
  } else if (!sealed_.empty()) {
    out.Member("reasoning_text", reasoning_).Member("reasoning_opaque", sealed_);
  } else if (reasoning_field_ == "reasoning_content" && !calls_.empty()) {
    out.Member("reasoning_content", reasoning_);
  } else {
    return {};
  }
  return out.EndObject().Take();
}

void ChatDecoder::Conclude(Decoded& decoded, const TextSink& on_text) {
  if (finish_reason_ == "error" || finish_reason_ == "insufficient_system_resource") {
    return FailWith({.message = "the answer ended with finish_reason \"" + finish_reason_ + "\""});
  }
  if (finish_reason_ == "model_context_window_exceeded") return FailTooLong();
  splitter_.Finish([&](std::string_view text) { Deliver(text_, text, on_text); });
  if (text_.empty()) Deliver(text_, refusal_, on_text);
  if (reasoning_.empty()) reasoning_ = splitter_.thoughts();
  Message& message = decoded.message;
  message.stop = StopOf();
  if (std::string opaque = Opaque(); !reasoning_.empty() || !opaque.empty()) {
    message.parts.emplace_back(Reasoning{reasoning_, std::move(opaque)});
  }
  if (!text_.empty()) message.parts.emplace_back(Text{text_});
  for (ToolCall& call : calls_.Finish()) message.parts.emplace_back(std::move(call));
}

}  // namespace

std::unique_ptr<Decoder> MakeOpenAiChatDecoder(const std::string& content_type, const DecoderLimits& limits) {
  return std::make_unique<ChatDecoder>(content_type, limits);
}

}  // namespace rune::agent
