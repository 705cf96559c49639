#include "agent/http/sse.h"

#include <algorithm>

#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

constexpr std::string_view kMark = "\xEF\xBB\xBF";
constexpr std::size_t kMarkDone = 4;

}  // namespace

bool SseParser::Feed(std::string_view bytes, const Sink& sink) {
  bytes = SkipByteOrderMark(bytes);
  std::size_t at = 0;
  std::size_t line_feed = bytes.find('\n');
  while (at < bytes.size() && !overflow_) {
    if (skip_line_feed_) {
      skip_line_feed_ = false;
      if (bytes[at] == '\n') {
        ++at;
        continue;
      }
    }
    if (line_feed != std::string_view::npos && line_feed < at) line_feed = bytes.find('\n', at);
    const std::size_t limit = std::min(line_feed, bytes.size());
    const std::size_t end = std::min(bytes.substr(0, limit).find('\r', at), limit);
    partial_.append(bytes, at, end - at);
    if (partial_.size() + data_.size() > limits_.max_event_bytes) overflow_ = true;
    if (end == bytes.size() || overflow_) break;
    skip_line_feed_ = bytes[end] == '\r';
    at = end + 1;
    TakeLine(partial_, sink);
    partial_.clear();
  }
  return !overflow_;
}

void SseParser::Finish(const Sink& sink) {
  if (overflow_) return;
  if (!partial_.empty()) TakeLine(partial_, sink);
  partial_.clear();
  ended_ = true;
  Dispatch(sink);
}

std::string_view SseParser::SkipByteOrderMark(std::string_view bytes) {
  while (mark_seen_ < kMark.size() && !bytes.empty()) {
    if (bytes.front() != kMark[mark_seen_]) {
      partial_.assign(kMark, 0, mark_seen_);
      mark_seen_ = kMarkDone;
      return bytes;
    }
    ++mark_seen_;
    bytes.remove_prefix(1);
  }
  return bytes;
}

void SseParser::TakeLine(std::string_view line, const Sink& sink) {
  if (line.empty()) return Dispatch(sink);
  if (line.front() == ':') return;  // a comment, sent to keep the connection alive
  const std::size_t colon = line.find(':');
  const std::string_view field = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "data") {
    data_.append(value).push_back('\n');
  } else if (field == "event") {
    type_ = value;
  } else if (field != "id" && field != "retry" && stray_.size() < limits_.max_stray_bytes) {
    stray_.append(line.substr(0, limits_.max_stray_bytes - stray_.size())).push_back('\n');
  }
}

void SseParser::Dispatch(const Sink& sink) {
  if (!data_.empty()) {
    data_.pop_back();
    if (!IsValidUtf8(data_)) data_ = ScrubUtf8(data_);
    sink({type_.empty() ? std::string_view("message") : std::string_view(type_), data_, ended_});
  }
  data_.clear();
  type_.clear();
}

}  // namespace rune::agent
