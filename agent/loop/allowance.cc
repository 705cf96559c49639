#include "agent/loop/allowance.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace rune::agent {
namespace {

/// The cap of one answer where a budget needs one and nobody set it: what current models can be asked for.
constexpr std::uint64_t kUsualCap = 16'384;
/// Less room for an answer than this is none; some providers refuse a smaller cap.
constexpr std::uint64_t kLeastOutput = 16;

/// Counts come from outside, and a sum that wraps around would open the budget. Saturates.
std::uint64_t Plus(std::uint64_t a, std::uint64_t b) {
  std::uint64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<std::uint64_t>::max() : sum;
}

std::uint64_t Total(const Usage& usage) { return Plus(usage.input, usage.output); }

void Add(Usage& sum, const Usage& usage) {
  sum.input = Plus(sum.input, usage.input);
  sum.cached = Plus(sum.cached, usage.cached);
  sum.output = Plus(sum.output, usage.output);
  sum.reasoning = Plus(sum.reasoning, usage.reasoning);
  sum.cache_write = Plus(sum.cache_write, usage.cache_write);
}

}  // namespace

Allowance::Allowance(const Budgets& budgets, const PriceTable& prices)
    : budgets_(budgets), spending_(prices, budgets.cost_usd) {}

/// The provider's own count of the last input, plus `times` what was added since; 0 when there is none.
std::uint64_t Allowance::Counted(std::uint64_t guess, std::uint64_t times) const {
  if (counted_ == 0) return 0;
  const std::uint64_t added = std::max(guess, guess_then_) - guess_then_;
  return Plus(counted_, times == 1 ? added : Plus(added, added));
}

std::uint64_t Allowance::Input(std::uint64_t guess) const { return std::max(guess, Counted(guess, 1)); }

std::uint64_t Allowance::WorstInput(const std::string& name, std::uint64_t guess) const {
  const std::uint64_t counted = Counted(guess, 2);
  return name == counted_by_ && counted > 0 ? counted : std::max(counted, Plus(guess, guess));
}

/// What the answer may be long, whoever of those that may be asked gives it; unset: the call must not be made.
std::optional<std::uint64_t> Allowance::AffordableOutput(const NextCall& call) const {
  std::optional<std::uint64_t> least;
  for (const std::string& name : call.names) {
    const auto output = spending_.AffordableOutput(name, WorstInput(name, call.guess));
    if (!output) return std::nullopt;
    least = std::min(least.value_or(*output), *output);
  }
  return least;
}

/// True when the cap is now lower than it would have been.
bool Allowance::LowerCap(std::uint64_t room) {
  const std::uint64_t wanted = cap_ > 0 ? cap_ : kUsualCap;
  cap_ = std::min(wanted, room);
  return room < wanted;
}

std::optional<Ending> Allowance::CheckSteps(std::uint32_t made) const {
  if (budgets_.steps == 0 || made < budgets_.steps) return std::nullopt;
  return Ending{Outcome::kBudgetSteps, "no answer within " + std::to_string(budgets_.steps) + " steps (max_steps)"};
}

std::optional<Ending> Allowance::Reserve(const NextCall& call) {
  cap_ = budgets_.output_tokens;
  if (budgets_.tokens > 0) {
    const std::uint64_t needed = Plus(Total(usage_), Input(call.guess));
    if (needed >= budgets_.tokens) {
      return Ending{Outcome::kBudgetTokens, "the next call needs about " + std::to_string(needed) + " of " +
                                                std::to_string(budgets_.tokens) + " tokens in all (token_budget)"};
    }
    LowerCap(budgets_.tokens - needed);
  }
  if (!spending_.has_cap()) return std::nullopt;
  const auto output = AffordableOutput(call);
  if (!output || *output < kLeastOutput) {
    return Ending{Outcome::kBudgetCost, "the next call could cost more than is left: " + spending_.Text()};
  }
  cut_by_money_ = LowerCap(*output);
  return std::nullopt;
}

std::string Allowance::PriceNotice(const NextCall& call) {
  if (!spending_.has_cap() || told_unknown_) return "";
  const auto unknown = std::find_if(call.names.begin(), call.names.end(),
                                    [this](const std::string& name) { return !spending_.Knows(name); });
  if (unknown == call.names.end()) return "";
  told_unknown_ = true;
  return "no price is known for " + *unknown +
         ": limits.cost_usd takes it for the dearest model there is (see `prices`)";
}

std::optional<std::uint64_t> Allowance::Pay(const AnsweredCall& call) {
  Add(usage_, call.usage);
  counted_ = call.counted;
  counted_by_ = call.name;
  guess_then_ = call.guess;
  return spending_.Pay(call.name, call.usage);
}

bool Allowance::PayFailed(const std::string& name, const Usage& usage, const NextCall& again) {
  spending_.Pay(name, usage);
  Add(usage_, usage);
  if (budgets_.tokens > 0 && Plus(Plus(Total(usage_), Input(again.guess)), cap_) > budgets_.tokens) {
    short_of_tokens_ = true;
    return false;
  }
  if (!spending_.has_cap()) return true;
  const auto output = AffordableOutput(again);
  return output && *output >= cap_;
}

Ending Allowance::TimeIsUp() const {
  return {Outcome::kBudgetTime, "the run's " + std::to_string(budgets_.wall.count()) + " s are used up (timeout_secs)"};
}

Ending Allowance::CutOff() const {
  if (cut_by_money_) return {Outcome::kBudgetCost, "the answer was cut at the money's end: " + spending_.Text()};
  return {Outcome::kBudgetTokens, "the answer was cut at the output limit of the model or of the budget"};
}

Ending Allowance::NoOtherTry(const std::string& failure) const {
  const std::string left = failure + "; another try could take more than is left: ";
  if (!short_of_tokens_) return {Outcome::kBudgetCost, left + spending_.Text()};
  return {Outcome::kBudgetTokens, left + std::to_string(Total(usage_)) + " tokens are used (token_budget)"};
}

}  // namespace rune::agent
