#pragma once
/// The money of one run: what was spent, and what the next call may still cost. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/cost/price.h"

namespace rune::agent {

class Spending {
 public:
  /// `prices` is borrowed. `cap_usd` 0: no cap.
  Spending(const PriceTable& prices, double cap_usd) : prices_(prices), cap_(Picodollars(cap_usd)) {}

  bool has_cap() const { return cap_ > 0; }
  bool Knows(std::string_view name) const { return prices_.Find(name).has_value(); }
  /// How many output tokens the next call of `name` ("<provider>/<model>") may produce so that the cap holds even when
  /// all of `input` is billed at its dearest; unset: the call must not be made. A model without a price counts as the
  /// dearest of the table. Needs a cap.
  std::optional<std::uint64_t> AffordableOutput(std::string_view name, std::uint64_t input) const;
  /// Takes in what a call used. What it cost in picodollars; unset: there is no price.
  std::optional<std::uint64_t> Pay(std::string_view name, const Usage& usage);

  /// Against the cap; calls without a price count as the dearest.
  std::uint64_t spent() const { return spent_; }
  /// "0.0100 USD of 0.0500 USD are spent (limits.cost_usd)"
  std::string Text() const;
  /// Of all calls; unset when one of them had no price, or none was made.
  std::optional<std::uint64_t> total() const { return total_known_ ? std::optional(spent_) : std::nullopt; }

 private:
  const PriceTable& prices_;
  std::uint64_t cap_;
  std::uint64_t spent_ = 0;
  bool total_known_ = false;
  bool unknown_seen_ = false;
};

}  // namespace rune::agent
