#pragma once
/// A model's thoughts, in the shapes that chat servers give them.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/json/json.h"

namespace rune::agent {

/// Servers without a parser of their own leave the thoughts in the text, between <think> tags at its very beginning.
/// They are no part of the answer, and must not go back as text: models mimic the tags.
class ThinkSplitter {
 public:
  using Sink = std::function<void(std::string_view)>;

  /// What is text goes to `text` as soon as that is certain.
  void Feed(std::string_view piece, const Sink& text);
  /// The answer has ended. Thoughts that never end are text after all.
  void Finish(const Sink& text);
  /// Bytes wait for what comes next.
  bool holds() const { return state_ != State::kText; }
  const std::string& thoughts() const { return thoughts_; }

 private:
  enum class State : std::uint8_t { kStart, kThinking, kBehind, kText };
  void Start(const Sink& text);
  void Think(std::size_t fresh, const Sink& text);
  void Answer(const Sink& text);

  State state_ = State::kStart;
  std::string held_;
  std::size_t blanks_ = 0;  // at the beginning of `held_`, as far as it was looked at
  std::string thoughts_;
};

/// OpenRouter's reasoning_details: a list that comes in pieces and goes back whole.
class ReasoningDetails {
 public:
  /// One element of a delta's list. Returns the text in it.
  std::string Add(const json::View& piece);
  /// What there is to search: the elements and their members.
  std::size_t size() const { return size_; }
  /// The joined list, or empty.
  std::string Json() const;

 private:
  struct Detail {
    std::string type;
    std::string id;
    std::optional<std::int64_t> index;
    std::vector<std::pair<std::string, std::string>> members;  // names and JSON, in the order of arrival
    std::string text;                                          // of the member that grows
    std::string grows;                                         // its name: "text" or "summary", or empty
  };
  Detail& Find(const json::View& piece);

  std::vector<Detail> details_;
  std::size_t size_ = 0;
};

}  // namespace rune::agent
