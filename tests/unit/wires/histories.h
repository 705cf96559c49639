#pragma once
/// Histories that no program should ever make, for the properties that must hold all the same.

#include <random>
#include <string>
#include <vector>

#include "agent/conversation/message.h"

namespace rune::test {

class Histories {
 public:
  /// `opaque`: what provider state may look like.
  explicit Histories(unsigned seed, std::vector<std::string> opaque = {"", "{}", "{\"x\"", "[]"})
      : random_(seed), opaque_(std::move(opaque)) {}

  std::vector<agent::Message> Next() {
    std::vector<agent::Message> history;
    for (std::size_t i = Pick(9); i > 0; --i) {
      // Half of the turns are as an agent makes them; a run may be cut off in the middle of its calls.
      Pick(2) == 0 ? AddTurn(history) : history.push_back(AnyMessage());
    }
    return history;
  }

 private:
  template <typename T>
  const T& OneOf(const std::vector<T>& list) {
    return list[Pick(list.size())];
  }
  std::size_t Pick(std::size_t bound) { return random_() % bound; }
  std::string Word() {
    static const std::vector<std::string> words{
        "",    " \n",  "a", "b", "call_1_1", "call_2_1", "x.y", std::string("z\0", 2), "\xFF", std::string(70, 'n'),
        "9th", "-flag"};
    return OneOf(words);
  }
  std::string Args() {
    static const std::vector<std::string> args{"",   "{}",     "null", "{\"x\":1}",       "{\"x\"",
                                               "[]", "\"{}\"", "\xFF", "{\"x\":\"\xFF\"}"};
    return OneOf(args);
  }
  agent::Image AnyImage() {
    static const std::vector<agent::Image> images{{"image/png", "\x89PNG"},
                                                  {"image/gif", "GIF8"},
                                                  {"image/jpeg", "\xFF\xD8\xFF"},
                                                  {"image/svg+xml", "<svg>"},
                                                  {"image/png", ""}};
    return OneOf(images);
  }
  agent::ToolCall AnyCall() { return {Word(), Word(), Args(), OneOf(opaque_)}; }
  agent::ToolResult AnyResult() {
    agent::ToolResult result{Word(), Word(), Word(), Pick(2) == 0, {}};
    for (std::size_t i = Pick(4); i > 2; --i) result.images.push_back(AnyImage());
    return result;
  }
  agent::Part AnyPart() {
    switch (Pick(5)) {
      case 0:
        return agent::Text{Word()};
      case 1:
        return agent::Reasoning{Word(), OneOf(opaque_)};
      case 2:
        return AnyCall();
      case 3:
        return AnyImage();
      default:
        return AnyResult();
    }
  }
  std::string Origin() { return Pick(3) == 0 ? "p/other" : "p/m"; }
  agent::Message AnyMessage() {
    agent::Message message{.role = static_cast<agent::Role>(Pick(4)), .parts = {}, .origin = Origin()};
    for (std::size_t i = Pick(4); i > 0; --i) message.parts.push_back(AnyPart());
    return message;
  }
  void AddTurn(std::vector<agent::Message>& history) {
    history.push_back(agent::MakeText(agent::Role::kUser, "question " + Word()));
    agent::Message asked{.role = agent::Role::kAssistant, .parts = {}, .origin = Origin()};
    if (Pick(2) == 0) asked.parts.emplace_back(agent::Reasoning{"hm", OneOf(opaque_)});
    if (Pick(2) == 0) asked.parts.emplace_back(agent::Text{Word()});
    agent::Message answered{.role = agent::Role::kTool, .parts = {}};
    const std::size_t calls = Pick(4);
    const std::size_t finished = Pick(3) == 0 ? Pick(calls + 1) : calls;
    for (std::size_t i = 0; i < calls; ++i) {
      agent::ToolCall call = AnyCall();
      if (i < finished) {
        agent::ToolResult result = AnyResult();
        result.call_id = call.id;
        result.name = call.name;
        answered.parts.insert(answered.parts.begin() + static_cast<std::ptrdiff_t>(Pick(i + 1)), result);
      }
      asked.parts.emplace_back(std::move(call));
    }
    history.push_back(std::move(asked));
    if (!answered.parts.empty()) history.push_back(std::move(answered));
  }

  std::mt19937 random_;
  std::vector<std::string> opaque_;
};

}  // namespace rune::test
