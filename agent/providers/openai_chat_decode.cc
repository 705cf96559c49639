#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "agent/providers/openai_chat.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

constexpr std::size_t kPageBytes = 4096;  // of a web page: enough for its title
constexpr double kLargestCount = 1e15;

/// A token count: a number, or a string that holds one; nothing negative.
std::optional<std::uint64_t> CountAt(const json::View& view) {
  std::optional<double> number = view.number();
  if (!number && view.string()) number = ParseDouble(*view.string());
  if (!number || !std::isfinite(*number)) return std::nullopt;
  return static_cast<std::uint64_t>(std::clamp(*number, 0.0, kLargestCount));
}

}  // namespace

OpenAiChatDecoder::OpenAiChatDecoder(std::string content_type, DecoderLimits limits)
    : content_type_(ToLower(content_type)),
      limits_(limits),
      events_(SseLimits{.max_event_bytes = limits.max_body_bytes}) {}

void OpenAiChatDecoder::ChooseMode() {
  std::string_view seen = body_;
  if (seen.starts_with("\xEF\xBB\xBF")) seen.remove_prefix(3);
  seen = Trim(seen);
  if (seen.empty()) return;
  const bool says_events = content_type_.starts_with("text/event-stream");
  if (seen.front() == '<' || content_type_.starts_with("text/html")) {
    mode_ = Mode::kPage;
  } else if (!says_events && (seen.front() == '{' || seen.front() == '[')) {
    mode_ = Mode::kWhole;  // asked for a stream or not: some gateways answer in one piece
  } else {
    mode_ = Mode::kEvents;
  }
}

void OpenAiChatDecoder::Feed(std::string_view bytes, const TextSink& on_text) {
  if (settled()) return;
  std::string sniffed;
  if (mode_ == Mode::kSniffing) {
    body_ += bytes;
    ChooseMode();
    if (body_.size() > limits_.max_body_bytes) Fail(StreamFault::kTooLarge, "the body outgrew the limit");
    if (mode_ != Mode::kEvents) return;
    sniffed = std::exchange(body_, {});
    bytes = sniffed;
  }
  if (mode_ == Mode::kEvents) {
    const bool fits = events_.Feed(bytes, [this, &on_text](const SseEvent& event) { TakeEvent(event, on_text); });
    if (!fits) Fail(StreamFault::kTooLarge, "an event outgrew the limit");
  } else if (mode_ == Mode::kPage) {
    body_.append(bytes.substr(0, kPageBytes - std::min(kPageBytes, body_.size())));
  } else {
    body_ += bytes;
    if (body_.size() > limits_.max_body_bytes) Fail(StreamFault::kTooLarge, "the body outgrew the limit");
  }
}

void OpenAiChatDecoder::Fail(StreamFault fault, std::string detail) {
  if (fault_ != StreamFault::kNone) return;
  fault_ = fault;
  detail_ = std::move(detail);
}

void OpenAiChatDecoder::TakeEvent(const SseEvent& event, const TextSink& on_text) {
  if (settled()) return;
  any_event_ = true;
  const std::string_view data = Trim(event.data);
  if (data == "[DONE]") {
    done_ = true;
    return;
  }
  if (data.empty()) return;
  const auto document = json::Document::Parse(data);
  if (!document.ok()) {
    return Fail(event.flushed_at_eof ? StreamFault::kTruncated : StreamFault::kMalformed, document.error().message);
  }
  const json::View root = document->root();
  if (event.type == "error") {
    error_ = ReadServerError(root);
    if (!error_.found) error_ = {.message = root.Dump(), .found = true};
    return Fail(StreamFault::kServerError, "");
  }
  TakeRoot(root, on_text);
}

void OpenAiChatDecoder::TakeRoot(const json::View& root, const TextSink& on_text) {
  error_ = ReadServerError(root);
  if (!error_.found)
    error_ = ReadServerError(root["choices"][std::size_t{0}]["error"].exists() ? root["choices"][std::size_t{0}]
                                                                               : json::View());
  if (error_.found) return Fail(StreamFault::kServerError, "");
  if (model_.empty()) model_ = root["model"].string().value_or("");
  TakeUsage(root["x_groq"]["usage"]);
  const json::View choices = root["choices"];
  for (std::size_t i = 0; i < choices.size(); ++i) {
    TakeUsage(choices[i]["usage"]);
    // Choices of one index are pieces of one answer; other answers were not asked for.
    if (choices[i]["index"].integer().value_or(0) == 0) TakeChoice(choices[i], on_text);
  }
  TakeUsage(root["usage"]);
}

void OpenAiChatDecoder::TakeChoice(const json::View& choice, const TextSink& on_text) {
  if (finish_reason_.empty()) finish_reason_ = choice["finish_reason"].string().value_or("");
  const json::View streamed = choice["delta"];
  const json::View delta = streamed.is_null() ? choice["message"] : streamed;
  TakeReasoning(delta);
  TakeContent(delta["content"], on_text);
  if (const auto refusal = delta["refusal"].string()) {
    refusal_ += *refusal;
    Count(refusal->size());
  }
  calls_.BeginChunk();
  const json::View calls = delta["tool_calls"];
  for (std::size_t i = 0; i < calls.size(); ++i) Count(calls_.Add(calls[i]));
}

void OpenAiChatDecoder::TakeContent(const json::View& content, const TextSink& on_text) {
  if (const auto text = content.string()) return TakeText(*text, on_text);
  if (content.type() != json::Type::kArray) return;
  for (std::size_t i = 0; i < content.size(); ++i) {
    const json::View part = content[i];
    if (const auto text = part["text"].string()) TakeText(*text, on_text);
    const json::View thoughts = part["thinking"];  // Mistral: a list of texts
    for (std::size_t k = 0; k < thoughts.size(); ++k) reasoning_ += thoughts[k]["text"].string().value_or("");
  }
}

void OpenAiChatDecoder::TakeText(std::string_view text, const TextSink& on_text) {
  if (text.empty()) return;
  Count(text.size());
  if (settled()) return;
  text_ += text;
  if (on_text) on_text(text);
}

void OpenAiChatDecoder::TakeReasoning(const json::View& delta) {
  // Some send the same thought under two names: the first name seen is the one that counts.
  constexpr std::array<std::string_view, 3> kFields{"reasoning_content", "reasoning", "reasoning_text"};
  for (const std::string_view field : kFields) {
    const auto thought = delta[field].string();
    if (!thought || thought->empty() || (!reasoning_field_.empty() && reasoning_field_ != field)) continue;
    reasoning_field_ = field;
    reasoning_ += *thought;
    return Count(thought->size());
  }
}

void OpenAiChatDecoder::Count(std::size_t bytes) {
  taken_bytes_ += bytes;
  if (taken_bytes_ > limits_.max_text_bytes) Fail(StreamFault::kTooLarge, "the answer outgrew the limit");
}

void OpenAiChatDecoder::TakeUsage(const json::View& usage) {
  const auto prompt = CountAt(usage["prompt_tokens"]);
  const auto completion = CountAt(usage["completion_tokens"]);
  if (!prompt && !completion) return;
  // Counts are cumulative, so the last ones replace those before.
  usage_ = {.input = prompt.value_or(0), .output = completion.value_or(0)};
  // Some leave reasoning out of the completion, but not out of the total.
  const auto total = CountAt(usage["total_tokens"]).value_or(0);
  if (prompt && total > *prompt) usage_.output = std::max(usage_.output, total - *prompt);
  auto cached = CountAt(usage["prompt_tokens_details"]["cached_tokens"]);
  if (!cached) cached = CountAt(usage["prompt_cache_hit_tokens"]);
  usage_.cached = std::min(cached.value_or(0), usage_.input);
  const auto reasoning = CountAt(usage["completion_tokens_details"]["reasoning_tokens"]);
  usage_.reasoning = std::min(reasoning.value_or(0), usage_.output);
  usage_known_ = true;
}

void OpenAiChatDecoder::CheckTerminal() {
  if (settled() || !finish_reason_.empty()) return;
  if (const ServerError unframed = ReadServerError(events_.stray()); unframed.found) {
    error_ = unframed;
    return Fail(StreamFault::kServerError, "");
  }
  if (!any_event_ && !events_.stray().empty()) return Fail(StreamFault::kMalformed, events_.stray());
  Fail(StreamFault::kTruncated, any_event_ ? "the stream ended before the answer did" : "an empty body");
}

Stop OpenAiChatDecoder::StopOf() const {
  const std::string& reason = finish_reason_;
  if (!refusal_.empty() || reason == "content_filter" || reason == "sensitive") return Stop::kFiltered;
  if (reason == "length" || reason == "max_tokens" || reason == "model_context_window_exceeded") return Stop::kLength;
  // Whatever else it says: several servers end a turn with calls in it with "stop".
  return calls_.Finish().empty() ? Stop::kEnd : Stop::kToolCalls;
}

std::string OpenAiChatDecoder::Opaque() const {
  const std::string extras = calls_.Extras();
  const bool echo = reasoning_field_ == "reasoning_content" && !calls_.empty();
  if (extras.empty() && !echo) return {};
  json::Writer out;
  out.BeginObject();
  if (echo) out.Member("reasoning_content", reasoning_);
  if (!extras.empty()) out.Key("extra_content").Raw(extras);
  return out.EndObject().Take();
}

Decoded OpenAiChatDecoder::Finish(const TextSink& on_text) {
  if (mode_ == Mode::kWhole && fault_ == StreamFault::kNone) {
    const auto document = json::Document::Parse(body_);
    if (!document.ok()) {
      Fail(StreamFault::kTruncated, document.error().message);
    } else {
      TakeRoot(document->root(), on_text);
      if (document->root()["choices"].size() == 0)
        Fail(StreamFault::kMalformed, "no choices in " + body_.substr(0, 200));
      done_ = true;
    }
  } else if (mode_ == Mode::kPage) {
    Fail(StreamFault::kHtml, body_);
  } else if (fault_ == StreamFault::kNone) {
    events_.Finish([this, &on_text](const SseEvent& event) { TakeEvent(event, on_text); });
    CheckTerminal();
  }
  if (finish_reason_ == "error" || finish_reason_ == "insufficient_system_resource") {
    error_ = {.message = "the answer ended with finish_reason \"" + finish_reason_ + "\"", .found = true};
    Fail(StreamFault::kServerError, "");
  }

  Decoded result{.usage = usage_,
                 .usage_known = usage_known_,
                 .model = model_,
                 .fault = fault_,
                 .error = error_,
                 .detail = detail_};
  if (fault_ != StreamFault::kNone) return result;
  Message& message = result.message;
  message.role = Role::kAssistant;
  message.stop = StopOf();
  if (std::string opaque = Opaque(); !reasoning_.empty() || !opaque.empty()) {
    message.parts.emplace_back(Reasoning{reasoning_, std::move(opaque)});
  }
  if (text_.empty() && !refusal_.empty()) {
    text_ = refusal_;
    if (on_text) on_text(text_);
  }
  if (!text_.empty()) message.parts.emplace_back(Text{text_});
  // The arguments of a cut or filtered turn may be incomplete and still parse: none of its calls may run.
  if (message.stop == Stop::kToolCalls) {
    for (ToolCall& call : calls_.Finish()) message.parts.emplace_back(std::move(call));
  }
  return result;
}

}  // namespace rune::agent
