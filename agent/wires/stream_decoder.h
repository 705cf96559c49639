#pragma once
/// What the decoders of streamed wires share: how a response is framed (events, one JSON text, a web page), what can go
/// wrong with any of them, and the bounds.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/http/sse.h"
#include "agent/json/json.h"
#include "agent/wires/codec.h"

namespace rune::agent {

/// A token count: a number, or a string that holds one; clamped to what a count can be.
std::optional<std::uint64_t> TokenCount(const json::View& view);

class StreamDecoder : public Decoder {
 public:
  void Feed(std::string_view bytes, const TextSink& on_text) final;
  bool settled() const final { return done_ || fault_ != StreamFault::kNone; }
  std::size_t content_bytes() const final { return counted_; }
  Decoded Finish(const TextSink& on_text) final;

 protected:
  StreamDecoder(const std::string& content_type, const DecoderLimits& limits);

  /// One object of the stream, or a whole response; no error.
  virtual void Take(const json::View& root, const TextSink& on_text) = 0;
  /// The protocol's terminal marker was seen.
  virtual bool ended() const = 0;
  /// The model's name and the tokens, as far as they are known by now: also of an answer that is none.
  virtual void Report(Decoded& decoded) const = 0;
  /// The answer, after the end. May Fail(). Calls of a turn that did not end with kToolCalls are dropped afterwards.
  virtual void Conclude(Decoded& decoded, const TextSink& on_text) = 0;
  /// "[DONE]": the terminal marker of one wire; gateways add it to the others.
  virtual void TakeDone() {}

  /// Nothing behind this counts.
  void Settle() { done_ = true; }
  /// The first fault stays.
  void Fail(StreamFault fault, std::string detail);
  void FailWith(ServerError error);
  /// The answer has filled the model's window.
  void FailTooLong();
  /// False when the answer has outgrown its limit.
  bool Count(std::size_t bytes);
  /// The calls and the parts so far. False when an answer has more of them than anyone means.
  bool CheckCalls(std::size_t calls) { return CheckNumber(calls, limits_.max_calls, "calls"); }
  bool CheckParts(std::size_t parts) { return CheckNumber(parts, limits_.max_parts, "parts"); }
  /// Appends to `text`, and delivers.
  void Deliver(std::string& text, std::string_view piece, const TextSink& on_text);
  bool delivered() const { return delivered_; }         ///< Some text has reached the caller.
  bool whole() const { return mode_ == Mode::kWhole; }  ///< One JSON text instead of a stream.

 private:
  enum class Mode : std::uint8_t { kSniffing, kEvents, kWhole, kPage };

  void ChooseMode();
  void TakeEvent(const SseEvent& event, const TextSink& on_text);
  void TakeRoot(const json::View& root, const TextSink& on_text);
  void TakeWhole(const TextSink& on_text);
  void CheckEnd();
  bool CheckNumber(std::size_t number, std::size_t most, std::string_view of_what);

  std::string content_type_;
  DecoderLimits limits_;
  Mode mode_ = Mode::kSniffing;
  SseParser events_;
  std::string body_;  // of every mode but kEvents
  bool any_event_ = false;
  bool done_ = false;
  bool delivered_ = false;
  std::size_t counted_ = 0;
  StreamFault fault_ = StreamFault::kNone;
  ServerError error_;
  std::string detail_;
};

}  // namespace rune::agent
