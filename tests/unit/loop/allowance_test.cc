#include "agent/loop/allowance.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace rune::agent {
namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

/// One dollar for a million tokens of input is a million picodollars for each.
PriceTable Prices() {
  return PriceTable::Create({"p/cheap 1 0.5 1 10", "p/dear 10 5 10 100", "p/free 0 0 0 0"}).value();
}

NextCall Call(std::uint64_t guess, std::vector<std::string> names = {"p/cheap"}) {
  return {.guess = guess, .names = std::move(names)};
}

Budgets Tokens(std::uint64_t tokens, std::uint64_t output = 0) { return {.tokens = tokens, .output_tokens = output}; }
Budgets Money(double usd, std::uint64_t output = 0) { return {.output_tokens = output, .cost_usd = usd}; }

TEST(AllowanceTest, TheNextInputIsWhatWasCountedAndWhatWasAddedSince) {
  const struct {
    const char* what;
    std::uint64_t guess_then, counted, guess, input;
  } rows[] = {{"nobody has counted yet", 100, 0, 300, 300},
              {"more was counted than guessed", 100, 150, 300, 350},
              {"less was counted: the guess stands", 100, 20, 300, 300},
              {"nothing was added", 100, 150, 100, 150},
              {"it got shorter", 100, 150, 40, 150},
              {"absurd counts do not wrap around", 1, kMost, 3, kMost}};
  const PriceTable prices = Prices();
  for (const auto& row : rows) {
    Allowance allowance({}, prices);
    allowance.Pay({.name = "p/cheap", .usage = {.input = 1}, .guess = row.guess_then, .counted = row.counted});
    EXPECT_EQ(allowance.Input(row.guess), row.input) << row.what;
    allowance.Shortened();
    EXPECT_EQ(allowance.Input(row.guess), row.guess) << row.what << ", then shortened";
  }
}

TEST(AllowanceTest, TheCapIsWhatTheTightestBudgetLeaves) {
  const struct {
    const char* what;
    Budgets budgets;
    NextCall call;
    std::uint64_t cap;
  } rows[] = {
      {"no budget: the provider decides", {}, Call(100), 0},
      {"a cap of its own", Tokens(0, 4'000), Call(100), 4'000},
      {"tokens that are left", Tokens(1'000), Call(400), 600},
      {"more tokens left than an answer takes", Tokens(1'000'000), Call(400), 16'384},
      {"the last token", Tokens(1'000), Call(999), 1},
      {"the smaller of the two", Tokens(1'000, 50), Call(400), 50},
      // 0.01 USD are 10,000 tokens of input at 1 USD, or 1,000 of output at 10 USD. The guess counts twice.
      {"money that is left", Money(0.01), Call(500), 900},
      {"money enough", Money(100), Call(500), 16'384},
      {"money, and a smaller cap", Money(0.01, 20), Call(500), 20},
      {"the dearest of those who may answer", Money(0.01), Call(100, {"p/cheap", "p/dear", "p/free"}), 80},
      {"a model that costs nothing", Money(0.01), Call(500, {"p/free"}), 16'384},
      {"exactly the least that is worth a call", Money(0.01), Call(4'920), 16},
      {"both", {.tokens = 600, .cost_usd = 0.01}, Call(500), 100},
  };
  const PriceTable prices = Prices();
  for (const auto& row : rows) {
    Allowance allowance(row.budgets, prices);
    const auto ending = allowance.Reserve(row.call);
    ASSERT_FALSE(ending.has_value()) << row.what << ": " << ending->detail;
    EXPECT_EQ(allowance.cap(), row.cap) << row.what;
  }
}

TEST(AllowanceTest, ACallThatDoesNotFitIsNotMadeAndItsWordsNameTheSetting) {
  const struct {
    Budgets budgets;
    NextCall call;
    Outcome outcome;
    const char* words;
  } rows[] = {
      {Tokens(1'000), Call(1'000), Outcome::kBudgetTokens,
       "the next call needs about 1000 of 1000 tokens in all (token_budget)"},
      {Tokens(1'000), Call(kMost), Outcome::kBudgetTokens,
       "the next call needs about 18446744073709551615 of 1000 tokens in all (token_budget)"},
      {Money(0.01), Call(4'921), Outcome::kBudgetCost,
       "the next call could cost more than is left: 0.0000 USD of 0.0100 USD are spent (limits.cost_usd)"},
      {Money(0.01), Call(100'000), Outcome::kBudgetCost,
       "the next call could cost more than is left: 0.0000 USD of 0.0100 USD are spent (limits.cost_usd)"},
      {Money(0.01), Call(500, {"p/cheap", "p/dear"}), Outcome::kBudgetCost,
       "the next call could cost more than is left: 0.0000 USD of 0.0100 USD are spent (limits.cost_usd)"},
  };
  const PriceTable prices = Prices();
  for (const auto& row : rows) {
    Allowance allowance(row.budgets, prices);
    const auto ending = allowance.Reserve(row.call);
    ASSERT_TRUE(ending.has_value()) << row.words;
    EXPECT_EQ(ending->outcome, row.outcome) << row.words;
    EXPECT_EQ(ending->detail, row.words);
  }
}

TEST(AllowanceTest, StepsEndAtTheirNumberAndZeroIsNoLimit) {
  const PriceTable prices;
  EXPECT_FALSE(Allowance({.steps = 0}, prices).CheckSteps(1'000'000).has_value());
  const Allowance three({.steps = 3}, prices);
  EXPECT_FALSE(three.CheckSteps(2).has_value());
  const auto ending = three.CheckSteps(3);
  ASSERT_TRUE(ending.has_value());
  EXPECT_EQ(ending->outcome, Outcome::kBudgetSteps);
  EXPECT_EQ(ending->detail, "no answer within 3 steps (max_steps)");
  const Ending time = Allowance({.wall = std::chrono::seconds(7)}, prices).TimeIsUp();
  EXPECT_EQ(time.outcome, Outcome::kBudgetTime);
  EXPECT_EQ(time.detail, "the run's 7 s are used up (timeout_secs)");
}

TEST(AllowanceTest, WhatWasUsedIsGone) {
  const PriceTable prices = Prices();
  Allowance allowance({.tokens = 10'000, .cost_usd = 0.01}, prices);
  ASSERT_FALSE(allowance.Reserve(Call(500)).has_value());
  EXPECT_EQ(allowance.cap(), 900U);
  EXPECT_EQ(allowance.Pay({.name = "p/cheap", .usage = {.input = 400, .output = 300}, .guess = 500, .counted = 400}),
            3'400'000'000U);
  EXPECT_EQ(allowance.cost(), 3'400'000'000U);
  EXPECT_EQ(allowance.usage().total(), 700U);
  ASSERT_FALSE(allowance.Reserve(Call(500)).has_value());
  // 6,600,000,000 are left; 400 tokens of input are known, since its provider has counted them.
  EXPECT_EQ(allowance.cap(), 620U);
  ASSERT_FALSE(allowance.Reserve(Call(500, {"p/free", "p/cheap"})).has_value());
  EXPECT_EQ(allowance.cap(), 620U);
  EXPECT_TRUE(allowance.Reserve(Call(500, {"p/dear"})).has_value()) << "somebody else may count the same twice as high";
}

TEST(AllowanceTest, AFailedTryIsPaidAndAnotherMustFitWithTheCapThatItHas) {
  const struct {
    const char* what;
    Budgets budgets;
    Usage failed;
    bool again;
    const char* words;
  } rows[] = {
      {"no budget", {}, {.input = 1'000'000, .output = 1'000'000}, true, ""},
      {"tokens enough", Tokens(20'000, 1'000), {.input = 18'500}, true, ""},
      {"one token short",
       Tokens(20'000, 1'000),
       {.input = 18'501},
       false,
       "it broke off; another try could take more than is left: 18501 tokens are used (token_budget)"},
      {"money enough", Money(0.02, 500), {.output = 1'400}, true, ""},
      {"one token short of money",
       Money(0.02, 500),
       {.output = 1'401},
       false,
       "it broke off; another try could take more than is left: 0.0140 USD of 0.0200 USD are spent "
       "(limits.cost_usd)"},
      {"more than there was",
       Money(0.02, 500),
       {.output = 100'000},
       false,
       "it broke off; another try could take more than is left: 1.0000 USD of 0.0200 USD are spent "
       "(limits.cost_usd)"},
      {"absurd counts",
       Tokens(20'000, 1'000),
       {.input = kMost, .output = kMost},
       false,
       "it broke off; another try could take more than is left: 18446744073709551615 tokens are used "
       "(token_budget)"},
  };
  const PriceTable prices = Prices();
  for (const auto& row : rows) {
    Allowance allowance(row.budgets, prices);
    const NextCall call = Call(500);
    ASSERT_FALSE(allowance.Reserve(call).has_value()) << row.what;
    EXPECT_EQ(allowance.PayFailed("p/cheap", row.failed, call), row.again) << row.what;
    EXPECT_EQ(allowance.usage().output, row.failed.output) << row.what;
    EXPECT_EQ(allowance.cost(), CostOf(row.failed, *prices.Find("p/cheap"))) << row.what;
    if (!row.again) {
      EXPECT_EQ(allowance.NoOtherTry("it broke off").detail, row.words) << row.what;
      const bool tokens = row.budgets.tokens > 0;
      EXPECT_EQ(allowance.NoOtherTry("").outcome, tokens ? Outcome::kBudgetTokens : Outcome::kBudgetCost) << row.what;
    }
  }
}

TEST(AllowanceTest, AnAnswerThatEndsAtItsCapWasCutByWhatSetIt) {
  const struct {
    Budgets budgets;
    Outcome outcome;
  } rows[] = {{{}, Outcome::kBudgetTokens},
              {Tokens(1'000), Outcome::kBudgetTokens},
              {Money(0.01), Outcome::kBudgetCost},
              {Money(100), Outcome::kBudgetTokens},
              {Money(0.01, 20), Outcome::kBudgetTokens},
              {{.tokens = 600, .cost_usd = 0.01}, Outcome::kBudgetTokens}};
  const PriceTable prices = Prices();
  for (const auto& row : rows) {
    Allowance allowance(row.budgets, prices);
    ASSERT_FALSE(allowance.Reserve(Call(500)).has_value());
    EXPECT_EQ(allowance.CutOff().outcome, row.outcome) << row.budgets.tokens << " " << row.budgets.cost_usd;
  }
  Allowance allowance(Money(0.01), prices);
  ASSERT_FALSE(allowance.Reserve(Call(500)).has_value());
  EXPECT_EQ(allowance.CutOff().detail,
            "the answer was cut at the money's end: 0.0000 USD of 0.0100 USD are spent (limits.cost_usd)");
  ASSERT_FALSE(allowance.Reserve(Call(500, {"p/free"})).has_value());
  EXPECT_EQ(allowance.CutOff().outcome, Outcome::kBudgetTokens) << "what cut one answer does not cut the next";
}

TEST(AllowanceTest, APriceThatIsNotKnownIsSaidOnceAndOnlyWhereItMatters) {
  const PriceTable prices = Prices();
  Allowance without({}, prices);
  EXPECT_EQ(without.PriceNotice(Call(1, {"p/stranger"})), "") << "no limit needs it";
  Allowance limited(Money(1), prices);
  EXPECT_EQ(limited.PriceNotice(Call(1, {"p/cheap", "p/dear"})), "");
  EXPECT_EQ(limited.PriceNotice(Call(1, {"p/cheap", "p/stranger", "p/other"})),
            "no price is known for p/stranger: limits.cost_usd takes it for the dearest model there is (see `prices`)");
  EXPECT_EQ(limited.PriceNotice(Call(1, {"p/stranger"})), "");
  EXPECT_EQ(limited.Pay({.name = "p/stranger", .usage = {.input = 1}, .guess = 1, .counted = 1}), std::nullopt);
  EXPECT_EQ(limited.cost(), std::nullopt) << "no sum without a price";
}

/// Counts as it likes, within what a provider can: input up to twice what we guess, or, once it has counted, what it
/// counted and twice what was added since; output up to the cap.
struct Provider {
  std::string name;
  Price price;
  std::uint64_t counted = 0;
  std::uint64_t guess = 0;

  template <typename Below>
  Usage Count(std::uint64_t now, std::uint64_t cap, const Below& below) const {
    const std::uint64_t most = counted > 0 && now >= guess ? counted + 2 * (now - guess) : 2 * now;
    // The extremes are where it hurts.
    Usage usage{.input = below(3) == 0 ? most : 1 + below(most - 1), .output = below(3) == 0 ? cap : below(cap)};
    usage.cached = below(usage.input);
    usage.cache_write = below(2) == 0 ? usage.input - usage.cached : below(usage.input - usage.cached);
    return usage;
  }
};

TEST(AllowanceTest, TheCapOfMoneyHoldsWhoeverAnswersAndHoweverOftenTheyFail) {
  const PriceTable prices =
      PriceTable::Create({"cheap/m 0.5 0.05 0.6 2", "dear/m 15 1.5 18.75 75", "middle/m 3 0.3 3.75 15"}).value();
  std::uint64_t answers = 0, failures = 0, refusals = 0;
  for (std::uint64_t seed = 1; seed <= 3'000; ++seed) {
    std::mt19937_64 random(seed);
    const auto below = [&random](std::uint64_t n) { return random() % (n + 1); };
    std::vector<Provider> providers;
    NextCall next{.guess = 1 + below(3'000), .names = {}};
    for (const char* const name : {"cheap/m", "dear/m", "middle/m"}) {
      if (!next.names.empty() && below(1) == 0) continue;
      providers.push_back({name, *prices.Find(name)});
      next.names.emplace_back(name);
    }
    const double usd = 0.02 * static_cast<double>(1 + below(60));
    Allowance allowance({.output_tokens = below(2) == 0 ? below(5'000) : 0, .cost_usd = usd}, prices);
    std::uint64_t spent = 0;
    bool stopped = false;
    for (int step = 0; step < 40 && !stopped && !allowance.Reserve(next); ++step) {
      ASSERT_GT(allowance.cap(), 0U) << "seed " << seed;
      for (int attempt = 0; attempt < 4; ++attempt) {
        Provider& provider = providers[below(providers.size() - 1)];
        const Usage usage = provider.Count(next.guess, allowance.cap(), below);
        spent += CostOf(usage, provider.price);
        ASSERT_LE(spent, Picodollars(usd)) << "seed " << seed << ", step " << step << ", try " << attempt;
        if (below(1) == 0) {
          ++answers;
          allowance.Pay({.name = provider.name, .usage = usage, .guess = next.guess, .counted = usage.input});
          provider.counted = usage.input;
          provider.guess = next.guess;
          break;
        }
        ++failures;
        stopped = !allowance.PayFailed(provider.name, usage, next);
        refusals += stopped ? 1 : 0;
        if (stopped) break;
      }
      ASSERT_EQ(allowance.cost(), spent) << "what failed is in the sum; seed " << seed;
      next.guess += below(2'000);
      if (below(9) == 0) {
        next.guess = 1 + next.guess / 2;
        allowance.Shortened();
        for (Provider& provider : providers) provider.counted = 0;
      }
    }
  }
  EXPECT_GT(answers, 1'000U);
  EXPECT_GT(failures, 1'000U);
  EXPECT_GT(refusals, 100U);
}

TEST(AllowanceTest, TheBudgetOfTokensHoldsAsLongAsNoInputIsLargerThanExpected) {
  const PriceTable prices;
  std::uint64_t calls = 0;
  for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
    std::mt19937_64 random(seed);
    const auto below = [&random](std::uint64_t n) { return random() % (n + 1); };
    const Budgets budgets = Tokens(1'000 + below(100'000), below(1) == 0 ? 0 : 1 + below(4'000));
    Allowance allowance(budgets, prices);
    NextCall next = Call(1 + below(2'000));
    for (bool again = true; again && !allowance.Reserve(next);) {
      ASSERT_GT(allowance.cap(), 0U);
      const Usage usage{.input = 1 + below(allowance.Input(next.guess) - 1), .output = below(allowance.cap())};
      if (below(3) == 0) {
        again = allowance.PayFailed("p/cheap", usage, next);
      } else {
        allowance.Pay({.name = "p/cheap", .usage = usage, .guess = next.guess, .counted = usage.input});
      }
      ASSERT_LE(allowance.usage().total(), budgets.tokens) << "seed " << seed;
      next.guess += below(1'000);
      ++calls;
    }
  }
  EXPECT_GT(calls, 2'000U);
}

}  // namespace
}  // namespace rune::agent
