#include "agent/loop/breaker.h"

#include <algorithm>
#include <functional>
#include <string>

namespace rune::agent {

Breaker::Verdict Breaker::Observe(const std::vector<ToolCall>& calls, const Message& results) {
  int most = 0;
  bool news = false;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    std::string key = calls[i].name + '\0' + calls[i].args + '\0';
    if (i < results.parts.size()) key += std::get<ToolResult>(results.parts[i]).text;
    // The result counts too: polling something that changes is no circle.
    const int count = ++repeats_[std::hash<std::string>{}(key)];
    news = news || count == 1;
    most = std::max(most, count);
  }
  steps_without_news_ = news ? 0 : steps_without_news_ + 1;
  if (most >= kStopAfter) return Verdict::kLooped;
  if (steps_without_news_ >= kStallSteps) return Verdict::kStalled;
  return most == kWarnAfter ? Verdict::kWarn : Verdict::kGoOn;
}

}  // namespace rune::agent
