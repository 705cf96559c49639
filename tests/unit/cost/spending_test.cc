#include "agent/cost/spending.h"

#include <gtest/gtest.h>

#include <random>

namespace rune::agent {
namespace {

PriceTable TableOf(const std::vector<std::string>& rows) { return PriceTable::Create(rows).value(); }

TEST(SpendingTest, AddsUpWhatCallsCost) {
  const PriceTable prices = TableOf({"p/m 1 0 0 10"});
  Spending spending(prices, 0);
  EXPECT_FALSE(spending.has_cap());
  EXPECT_EQ(spending.total(), std::nullopt) << "nothing was asked, so nothing is said";
  EXPECT_EQ(spending.Pay("p/m", {.input = 3, .output = 2}), 23'000'000U);
  EXPECT_EQ(spending.Pay("p/m", {.input = 1}), 1'000'000U);
  EXPECT_EQ(spending.total(), 24'000'000U);
}

TEST(SpendingTest, SaysNoSumWhenOnePriceIsUnknown) {
  const PriceTable prices = TableOf({"p/m 1 0 0 10"});
  Spending spending(prices, 1);
  spending.Pay("p/m", {.input = 1});
  EXPECT_EQ(spending.Pay("p/stranger", {.input = 1}), std::nullopt);
  spending.Pay("p/m", {.input = 1});
  EXPECT_EQ(spending.total(), std::nullopt);
  EXPECT_EQ(spending.spent(), 2'000'000U + prices.Dearest().input) << "but it counts against the cap";
}

TEST(SpendingTest, ACallThatCannotBePaidIsNotAffordable) {
  const PriceTable prices = TableOf({"p/m 1 0 0 10"});
  Spending spending(prices, 0.000'1);
  EXPECT_EQ(spending.AffordableOutput("p/m", 50), 5U);
  EXPECT_EQ(spending.AffordableOutput("p/m", 101), std::nullopt);
  spending.Pay("p/m", {.input = 200});
  EXPECT_EQ(spending.AffordableOutput("p/m", 0), std::nullopt) << "also when the provider counted more than expected";
}

/// Any sequence of calls that is only made when affordable, and whose usage keeps to what was allowed, stays below the
/// cap.
TEST(SpendingTest, TheCapHoldsForRandomSequences) {
  std::mt19937_64 random(11);
  const auto below = [&random](std::uint64_t n) { return random() % (n + 1); };
  std::uint64_t calls = 0;
  for (int run = 0; run < 2'000; ++run) {
    const PriceTable prices = TableOf(
        {"p/a " + std::to_string(below(20)) + " 0.1 " + std::to_string(below(30)) + " " + std::to_string(below(200)),
         "p/b 0.05 0.01 0.05 0.4"});
    const double cap = static_cast<double>(1 + below(1000)) / 1000;
    Spending spending(prices, cap);
    for (int call = 0; call < 200; ++call) {
      const std::string name = std::vector<std::string>{"p/a", "p/b", "p/stranger"}[below(2)];
      const std::uint64_t input = below(20'000);
      const auto output = spending.AffordableOutput(name, input);
      if (!output) continue;
      Usage usage{.input = below(input), .output = below(std::min<std::uint64_t>(*output, 4'096))};
      usage.cached = below(usage.input);
      usage.cache_write = below(usage.input - usage.cached);
      spending.Pay(name, usage);
      ++calls;
      ASSERT_LE(spending.spent(), Picodollars(cap));
    }
  }
  EXPECT_GT(calls, 10'000U);
}

}  // namespace
}  // namespace rune::agent
