#include "agent/wires/openai_chat_reasoning.h"

#include <algorithm>
#include <utility>

namespace rune::agent {
namespace {

constexpr std::string_view kOpen = "<think>";
constexpr std::string_view kClose = "</think>";
constexpr std::string_view kBlanks = " \t\r\n";

}  // namespace

void ThinkSplitter::Feed(std::string_view piece, const Sink& text) {
  if (state_ == State::kText) return text(piece);
  held_ += piece;
  if (state_ == State::kStart) return Start(text);
  if (state_ == State::kThinking) return Think(piece.size(), text);
  Answer(text);
}

/// Some models send blanks without end: each is looked at once.
void ThinkSplitter::Start(const Sink& text) {
  blanks_ = std::min(held_.find_first_not_of(kBlanks, blanks_), held_.size());
  const std::string_view seen = std::string_view(held_).substr(blanks_);
  if (seen.starts_with(kOpen)) {
    state_ = State::kThinking;
    return Think(held_.size(), text);
  }
  if (kOpen.starts_with(seen)) return;
  state_ = State::kText;
  text(std::exchange(held_, {}));
}

/// The last `fresh` bytes held are new.
void ThinkSplitter::Think(std::size_t fresh, const Sink& text) {
  const std::size_t old = held_.size() - fresh;
  const std::size_t close = held_.find(kClose, old - std::min(old, kClose.size()));
  if (close == std::string::npos) return;
  const std::size_t open = blanks_ + kOpen.size();
  thoughts_ = held_.substr(open, close - open);
  held_.erase(0, close + kClose.size());
  state_ = State::kBehind;
  Answer(text);
}

/// Blanks between the thoughts and the answer belong to neither.
void ThinkSplitter::Answer(const Sink& text) {
  held_.erase(0, held_.find_first_not_of(kBlanks));
  if (held_.empty()) return;
  state_ = State::kText;
  text(std::exchange(held_, {}));
}

void ThinkSplitter::Finish(const Sink& text) {
  if ((state_ == State::kStart || state_ == State::kThinking) && !held_.empty()) text(held_);
  held_.clear();
}

ReasoningDetails::Detail& ReasoningDetails::Find(const json::View& piece) {
  const std::string type = piece["type"].Text();
  const std::string id = piece["id"].Text();
  const auto index = piece["index"].integer();
  const bool grows = piece["text"].string() || piece["summary"].string() || piece["signature"].string();
  const auto found = std::find_if(details_.rbegin(), details_.rend(), [&](const Detail& detail) {
    return detail.type == type && detail.index == index && (id.empty() || detail.id.empty() || detail.id == id);
  });
  // Sealed ones come whole: two of one place are two.
  if (found != details_.rend() && grows) return *found;
  Detail& made = details_.emplace_back();
  made.type = type;
  made.index = index;
  ++size_;
  return made;
}

std::string ReasoningDetails::Add(const json::View& piece) {
  if (piece.type() != json::Type::kObject) return {};
  std::string said;
  Detail& detail = Find(piece);
  if (detail.id.empty()) detail.id = piece["id"].Text();
  for (const std::string& name : piece.keys()) {
    const json::View value = piece[name];
    auto known = std::find_if(detail.members.begin(), detail.members.end(),
                              [&](const auto& member) { return member.first == name; });
    const bool is_new = known == detail.members.end();
    if (is_new) {
      known = detail.members.insert(known, {name, ""});
      ++size_;
    }
    if ((name == "text" || name == "summary") && value.string()) {
      detail.grows = name;
      detail.text += *value.string();
      said += *value.string();
    } else if (is_new || !value.is_null()) {
      known->second = value.Dump();
    }
  }
  return said;
}

std::string ReasoningDetails::Json() const {
  if (details_.empty()) return {};
  json::Writer out;
  out.BeginArray();
  for (const Detail& detail : details_) {
    out.BeginObject();
    for (const auto& [name, value] : detail.members) {
      out.Key(name);
      if (name == detail.grows) {
        out.String(detail.text);
      } else {
        out.Raw(value);
      }
    }
    out.EndObject();
  }
  return out.EndArray().Take();
}

}  // namespace rune::agent
