#pragma once
/// The OpenAI Chat Completions wire format, as OpenAI and a dozen others speak it. Pure: no I/O, no clock.

#include <memory>
#include <string>
#include <string_view>

#include "agent/http/sse.h"
#include "agent/providers/call_assembler.h"
#include "agent/providers/codec.h"
#include "agent/providers/model_client.h"

namespace rune::agent {

/// What differs between servers of this protocol.
struct ChatDialect {
  std::string max_tokens_field = "max_tokens";  ///< OpenAI itself: "max_completion_tokens".
  bool stream_usage = true;                     ///< Ask for the token counts of a stream.
  bool null_content = true;                     ///< null and not "" beside tool calls.
};

/// The request body. `messages` is the last member, so that request k of a conversation, less its two closing
/// brackets, is a byte prefix of request k+1: servers' prompt caches depend on it. `messages` must be normalised.
std::string EncodeOpenAiChat(const std::string& model, const ModelRequest& request, const ChatDialect& dialect);

/// Takes a response as it arrives, cut anywhere, streamed or whole.
class OpenAiChatDecoder {
 public:
  explicit OpenAiChatDecoder(std::string content_type, DecoderLimits limits = {});

  /// `on_text` may be empty.
  void Feed(std::string_view bytes, const TextSink& on_text);
  /// Nothing that may still come can change the result: "[DONE]" or a fault was seen.
  bool settled() const { return done_ || fault_ != StreamFault::kNone; }
  /// The response has ended, or nobody waits for the rest. Once.
  Decoded Finish(const TextSink& on_text);

 private:
  enum class Mode : std::uint8_t { kSniffing, kEvents, kWhole, kPage };

  void ChooseMode();
  void TakeEvent(const SseEvent& event, const TextSink& on_text);
  void TakeRoot(const json::View& root, const TextSink& on_text);
  void TakeChoice(const json::View& choice, const TextSink& on_text);
  void TakeContent(const json::View& content, const TextSink& on_text);
  void TakeText(std::string_view text, const TextSink& on_text);
  void TakeReasoning(const json::View& delta);
  void TakeUsage(const json::View& usage);
  void Count(std::size_t bytes);
  void Fail(StreamFault fault, std::string detail);
  void CheckTerminal();
  Stop StopOf() const;
  std::string Opaque() const;

  std::string content_type_;
  DecoderLimits limits_;
  Mode mode_ = Mode::kSniffing;
  SseParser events_;
  std::string body_;  // of kSniffing, kWhole and kPage
  bool any_event_ = false;
  bool done_ = false;
  std::string finish_reason_;  // the first that says anything
  std::string text_;
  std::string refusal_;
  std::string reasoning_;
  std::string reasoning_field_;
  CallAssembler calls_;
  std::size_t taken_bytes_ = 0;
  Usage usage_;
  bool usage_known_ = false;
  std::string model_;
  StreamFault fault_ = StreamFault::kNone;
  ServerError error_;
  std::string detail_;
};

}  // namespace rune::agent
