#pragma once
/// Server-sent events (WHATWG HTML, section 9.2.6), fed with bytes however the network cuts them. Pure; O(n).

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace rune::agent {

struct SseEvent {
  std::string_view type;        ///< "message" unless the server named it. Valid during the callback only, as `data`.
  std::string_view data;        ///< Valid UTF-8: malformed sequences are U+FFFD.
  bool flushed_at_eof = false;  ///< The stream ended inside this event, so it may be cut.
};

struct SseLimits {
  std::size_t max_event_bytes = 16u << 20;
  std::size_t max_stray_bytes = 4096;
};

/// One deviation from the standard: an event that the end of the stream interrupts is delivered, and marked, because
/// servers do forget the last blank line. `id` and `retry` are ignored: nothing here reconnects.
class SseParser {
 public:
  using Sink = std::function<void(const SseEvent&)>;

  explicit SseParser(SseLimits limits = {}) : limits_(limits) {}

  /// False once an event has outgrown the limit; the stream is then of no more use.
  bool Feed(std::string_view bytes, const Sink& sink);
  /// The stream has ended.
  void Finish(const Sink& sink);
  /// The first lines that are no SSE field: where servers put errors that they forgot to frame.
  const std::string& stray() const { return stray_; }

 private:
  std::string_view SkipByteOrderMark(std::string_view bytes);
  void TakeLine(std::string_view line, const Sink& sink);
  void Dispatch(const Sink& sink);

  SseLimits limits_;
  std::size_t mark_seen_ = 0;  // bytes of the byte order mark matched; kMarkDone when past it
  bool skip_line_feed_ = false;
  bool overflow_ = false;
  bool ended_ = false;
  std::string partial_;  // start of a line whose end has not come yet
  std::string type_;
  std::string data_;
  std::string stray_;
};

}  // namespace rune::agent
