#include "agent/run/denials.h"

#include <algorithm>
#include <cstdlib>

#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

constexpr std::size_t kMostDenials = 256;
constexpr std::size_t kLineBytes = 300;

bool IsSame(const Refusal& left, const Refusal& right) {
  return left.what == right.what && left.by == right.by && left.target == right.target && left.message == right.message;
}

std::string LineOf(const Refusal& refusal) {
  std::string line = OneLine(refusal.message, kLineBytes);
  if (!line.starts_with("refused: ")) line.insert(0, "refused: ");
  return refusal.count > 1 ? line + ", " + std::to_string(refusal.count) + " times" : line;
}

/// The first call that failed with a refusal, of a program that did not succeed later.
const ToolRecord* LeftUndone(const std::vector<ToolRecord>& tools) {
  for (auto failed = tools.begin(); failed != tools.end(); ++failed) {
    if (failed->program.empty() || failed->succeeded || failed->refusals.empty()) continue;
    const bool recovered = std::any_of(failed + 1, tools.end(), [&](const ToolRecord& later) {
      return later.succeeded && later.program == failed->program;
    });
    if (!recovered) return &*failed;
  }
  return nullptr;
}

std::string WhyOf(const ToolRecord& tool) {
  return OneLine(tool.refusals.empty() ? tool.detail : tool.refusals.front().message, kLineBytes);
}

const Refusal* NamesSecret(const std::vector<ToolRecord>& tools) {
  for (const ToolRecord& tool : tools) {
    const auto found =
        std::find_if(tool.refusals.begin(), tool.refusals.end(), [](const Refusal& refusal) { return refusal.secret; });
    if (found != tool.refusals.end()) return &*found;
  }
  return nullptr;
}

bool LastStepWasRefused(const std::vector<ToolRecord>& tools) {
  return !tools.empty() && std::all_of(tools.begin(), tools.end(), [&](const ToolRecord& tool) {
    return tool.step != tools.back().step || tool.refused;
  });
}

}  // namespace

void AddDenial(std::vector<Refusal>& known, const Refusal& refusal) {
  const auto same =
      std::find_if(known.begin(), known.end(), [&](const Refusal& other) { return IsSame(other, refusal); });
  if (same != known.end()) {
    same->count += refusal.count;
    same->secret = same->secret || refusal.secret;
  } else if (known.size() < kMostDenials || refusal.secret) {
    known.push_back(refusal);
  }
}

std::vector<std::string> RefusalLines(const std::vector<Refusal>& refusals, std::size_t most) {
  std::vector<std::string> lines;
  for (const Refusal& refusal : refusals) {
    if (lines.size() + 1 == most && refusals.size() > most) {
      lines.push_back("refused: " + std::to_string(refusals.size() - lines.size()) + " more");
      break;
    }
    lines.push_back(LineOf(refusal));
  }
  return lines;
}

std::string Unrecovered(const std::vector<ToolRecord>& tools) {
  if (const Refusal* secret = NamesSecret(tools))
    return "a call named a secret: " + OneLine(secret->message, kLineBytes);
  if (LastStepWasRefused(tools)) return "the answer follows what was refused: " + WhyOf(tools.back());
  const ToolRecord* undone = LeftUndone(tools);
  return undone == nullptr ? "" : OneLine(undone->program, 60) + " never succeeded: " + WhyOf(*undone);
}

bool FailsByDenial(OnDenial rule, const RunResult& result) {
  if (result.outcome != Outcome::kAnsweredWithDenials) return false;
  switch (rule) {
    case OnDenial::kFail:
      return true;
    case OnDenial::kUnrecovered:
      return !result.unrecovered.empty();
    case OnDenial::kWarn:
      return false;
  }
  std::abort();
}

}  // namespace rune::agent
