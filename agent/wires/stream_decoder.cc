#include "agent/wires/stream_decoder.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <variant>

#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

constexpr std::size_t kPageBytes = 4096;  // of a web page: enough for its title
constexpr double kLargestCount = 1e15;
constexpr std::string_view kMark = "\xEF\xBB\xBF";  // the byte order mark

}  // namespace

std::optional<std::uint64_t> TokenCount(const json::View& view) {
  std::optional<double> number = view.number();
  if (!number && view.string()) number = ParseDouble(*view.string());
  if (!number || !std::isfinite(*number)) return std::nullopt;
  return static_cast<std::uint64_t>(std::clamp(*number, 0.0, kLargestCount));
}

StreamDecoder::StreamDecoder(const std::string& content_type, const DecoderLimits& limits)
    : content_type_(ToLower(content_type)),
      limits_(limits),
      events_(SseLimits{.max_event_bytes = limits.max_body_bytes}) {}

void StreamDecoder::ChooseMode() {
  std::string_view seen = body_;
  if (kMark.starts_with(seen)) return;  // or the part of it that has come
  if (seen.starts_with(kMark)) seen.remove_prefix(kMark.size());
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

void StreamDecoder::Feed(std::string_view bytes, const TextSink& on_text) {
  if (settled()) return;
  std::string sniffed;
  if (mode_ == Mode::kSniffing) {
    body_ += bytes;
    ChooseMode();
    if (mode_ == Mode::kEvents) {
      sniffed = std::exchange(body_, {});
      bytes = sniffed;
    } else {
      bytes = {};
    }
  }
  if (mode_ == Mode::kEvents) {
    const bool fits = events_.Feed(bytes, [this, &on_text](const SseEvent& event) { TakeEvent(event, on_text); });
    if (!fits) Fail(StreamFault::kTooLarge, "an event outgrew the limit");
    return;
  }
  body_ += bytes;
  if (mode_ == Mode::kPage) {
    body_.resize(std::min(body_.size(), kPageBytes));
  } else if (body_.size() > limits_.max_body_bytes) {
    Fail(StreamFault::kTooLarge, "the body outgrew the limit");
  }
}

void StreamDecoder::Fail(StreamFault fault, std::string detail) {
  if (fault_ != StreamFault::kNone) return;
  fault_ = fault;
  detail_ = std::move(detail);
}

void StreamDecoder::FailWith(ServerError error) {
  if (fault_ != StreamFault::kNone) return;
  fault_ = StreamFault::kServerError;
  error_ = std::move(error);
  error_.found = true;
}

void StreamDecoder::FailTooLong() {
  FailWith({.message = "the answer does not fit into the model's window", .code = "context_length_exceeded"});
}

bool StreamDecoder::Count(std::size_t bytes) {
  counted_ += bytes;
  if (counted_ > limits_.max_text_bytes) Fail(StreamFault::kTooLarge, "the answer outgrew the limit");
  return counted_ <= limits_.max_text_bytes;
}

bool StreamDecoder::CheckNumber(std::size_t number, std::size_t most, std::string_view of_what) {
  if (number <= most) return true;
  Fail(StreamFault::kTooLarge, "more than " + std::to_string(most) + " " + std::string(of_what) + " in one answer");
  return false;
}

void StreamDecoder::Deliver(std::string& text, std::string_view piece, const TextSink& on_text) {
  if (piece.empty() || !Count(piece.size())) return;
  text += piece;
  delivered_ = true;
  if (on_text) on_text(piece);
}

void StreamDecoder::TakeEvent(const SseEvent& event, const TextSink& on_text) {
  if (settled()) return;
  any_event_ = true;
  const std::string_view data = Trim(event.data);
  if (data == "[DONE]") return TakeDone();
  if (data.empty()) return;
  const auto document = json::Document::Parse(data);
  if (!document.ok()) {
    if (event.flushed_at_eof && ended()) return;
    return Fail(event.flushed_at_eof ? StreamFault::kTruncated : StreamFault::kMalformed, document.error().message);
  }
  if (event.type == "error") {
    ServerError error = ReadServerError(document->root());
    if (!error.found) error.message = document->root().Dump();
    return FailWith(std::move(error));
  }
  TakeRoot(document->root(), on_text);
}

void StreamDecoder::TakeRoot(const json::View& root, const TextSink& on_text) {
  if (ServerError error = ReadServerError(root); error.found) return FailWith(std::move(error));
  Take(root, on_text);
}

void StreamDecoder::TakeWhole(const TextSink& on_text) {
  const auto document = json::Document::Parse(body_);
  if (!document.ok()) return Fail(StreamFault::kTruncated, document.error().message);
  const json::View root = document->root();
  if (root.type() != json::Type::kArray) return TakeRoot(root, on_text);
  for (std::size_t i = 0; i < root.size() && !settled(); ++i) TakeRoot(root[i], on_text);
}

void StreamDecoder::CheckEnd() {
  if (settled() || ended()) return;
  if (mode_ == Mode::kWhole) return Fail(StreamFault::kMalformed, "no answer in " + body_.substr(0, 200));
  if (ServerError unframed = ReadServerError(events_.stray()); unframed.found) return FailWith(std::move(unframed));
  if (!any_event_ && !events_.stray().empty()) return Fail(StreamFault::kMalformed, events_.stray());
  Fail(StreamFault::kTruncated, any_event_ ? "the stream ended before the answer did" : "an empty body");
}

Decoded StreamDecoder::Finish(const TextSink& on_text) {
  if (mode_ == Mode::kPage) Fail(StreamFault::kHtml, body_);
  if (mode_ == Mode::kWhole && !settled()) TakeWhole(on_text);
  if (mode_ == Mode::kEvents && !settled()) {
    events_.Finish([this, &on_text](const SseEvent& event) { TakeEvent(event, on_text); });
  }
  CheckEnd();
  Decoded decoded;
  Report(decoded);
  if (fault_ == StreamFault::kNone) {
    decoded.message.role = Role::kAssistant;
    Conclude(decoded, on_text);
    // The arguments of a cut or filtered turn may be incomplete and still parse: none of its calls may run.
    if (decoded.message.stop != Stop::kToolCalls) {
      std::erase_if(decoded.message.parts, [](const Part& part) { return std::holds_alternative<ToolCall>(part); });
    }
  }
  decoded.fault = fault_;
  decoded.error = error_;
  decoded.detail = detail_;
  if (fault_ != StreamFault::kNone) decoded.message = {};
  return decoded;
}

}  // namespace rune::agent
