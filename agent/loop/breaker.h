#pragma once
/// Notices a model that goes in circles. Pure.

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "agent/conversation/message.h"

namespace rune::agent {

class Breaker {
 public:
  enum class Verdict : std::uint8_t {
    kGoOn,
    kWarn,     ///< The same call with the same result, kWarnAfter times: tell the model.
    kLooped,   ///< The same, kStopAfter times.
    kStalled,  ///< kStallSteps steps in which no call and no result was new.
  };
  static constexpr int kWarnAfter = 3;
  static constexpr int kStopAfter = 5;
  static constexpr int kStallSteps = 8;

  /// Looks at one step: what was called, and what came back.
  Verdict Observe(const std::vector<ToolCall>& calls, const Message& results);

 private:
  std::unordered_map<std::size_t, int> repeats_;  ///< By the hash of call and result: runs may be long.
  int steps_without_news_ = 0;
};

}  // namespace rune::agent
