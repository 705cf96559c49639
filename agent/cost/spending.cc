#include "agent/cost/spending.h"

#include <limits>

namespace rune::agent {

std::optional<std::uint64_t> Spending::AffordableOutput(std::string_view name, std::uint64_t input) const {
  if (spent_ > cap_) return std::nullopt;
  return agent::AffordableOutput(input, cap_ - spent_, prices_.Find(name).value_or(prices_.Dearest()));
}

std::optional<std::uint64_t> Spending::Pay(std::string_view name, const Usage& usage) {
  const std::optional<Price> price = prices_.Find(name);
  const std::uint64_t cost = CostOf(usage, price.value_or(prices_.Dearest()));
  if (__builtin_add_overflow(spent_, cost, &spent_)) spent_ = std::numeric_limits<std::uint64_t>::max();
  unknown_seen_ = unknown_seen_ || !price;
  total_known_ = !unknown_seen_;
  return price ? std::optional(cost) : std::nullopt;
}

std::string Spending::Text() const { return UsdText(spent_) + " of " + UsdText(cap_) + " are spent (limits.cost_usd)"; }

}  // namespace rune::agent
