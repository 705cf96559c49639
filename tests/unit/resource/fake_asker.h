#pragma once
/// An asker that gives the answers it was told to give, and remembers what it was asked.

#include <cstdint>
#include <string>
#include <vector>

#include "resource/request/protocol.h"
#include "resource/request/request.h"
#include "resource/step.h"

namespace rune::resource {

class FakeAsker : public Asker {
 public:
  explicit FakeAsker(std::vector<std::string> answers) : answers_(std::move(answers)) {}

  Result<agent::RunResult> Ask(const Question& question) override {
    questions.push_back(question);
    agent::RunResult result = next;
    if (result.outcome == agent::Outcome::kAnswered || result.outcome == agent::Outcome::kAnsweredWithDenials) {
      result.answer = answers_.at(std::min(questions.size(), answers_.size()) - 1);
    }
    result.model = "fake-1";
    result.steps = 1;
    result.usage = {.input = 10, .output = 5};
    return result;
  }

  std::vector<Question> questions;
  agent::RunResult next = Answered();  ///< All but the text of the answer.

 private:
  static agent::RunResult Answered() {
    agent::RunResult result;
    result.outcome = agent::Outcome::kAnswered;
    return result;
  }
  std::vector<std::string> answers_;
};

inline constexpr std::int64_t kNow = 1'800'000'000;

inline StepContext ContextOf(Asker& asker, std::int64_t now = kNow) {
  return {asker, now, [] { return true; },
          [](const std::string& name) -> std::optional<std::string> {
            if (name == "BUILD_NAME") return "42";
            return std::nullopt;
          }};
}

inline Request ParsedAs(Verb verb, const std::string& text) {
  auto request = ParseRequest(verb, text);
  if (!request.ok()) throw std::runtime_error(request.error().message);
  return std::move(*request);
}

}  // namespace rune::resource
