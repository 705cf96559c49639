#include "agent/cost/price.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "agent/cost/builtin_prices.h"
#include "agent/json/json.h"

namespace rune::agent {
namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

PriceTable TableOf(const std::vector<std::string>& rows = {}) {
  auto table = PriceTable::Create(rows);
  if (!table.ok()) ADD_FAILURE() << table.error().message;
  return std::move(table).value();
}

std::string ErrorOf(const std::string& row) {
  const auto table = PriceTable::Create({row});
  return table.ok() ? "(no error)" : table.error().message;
}

TEST(PriceTableTest, KnowsAModelByItsNameAndItsDatedName) {
  const PriceTable table = TableOf();
  const Price gpt4o{2'500'000, 1'250'000, 2'500'000, 10'000'000};
  EXPECT_EQ(table.Find("openai/gpt-4o"), gpt4o);
  EXPECT_EQ(table.Find("openai/gpt-4o-2024-11-20"), gpt4o);
  EXPECT_EQ(table.Find("openai/gpt-4o-mini")->output, 600'000U);
  EXPECT_EQ(table.Find("anthropic/claude-opus-4-5-20251101")->input, 5'000'000U) << "the later row counts";
  EXPECT_EQ(table.Find("anthropic/claude-opus-4-1-20250805")->input, 15'000'000U);
  EXPECT_EQ(table.Find("ollama/llama3.2"), Price());
}

TEST(PriceTableTest, DoesNotGuessThePriceOfAStranger) {
  const PriceTable table = TableOf();
  EXPECT_EQ(table.Find("openai/test-model"), std::nullopt);
  EXPECT_EQ(table.Find("openai/gpt-4o-audio-preview"), std::nullopt);
  EXPECT_EQ(table.Find("gemini/gpt-4o"), std::nullopt);
  EXPECT_EQ(PriceTable().Find("openai/gpt-4o"), std::nullopt);
}

TEST(PriceTableTest, TakesPricesOfTheConfigurationOverItsOwn) {
  const PriceTable table = TableOf({"openai/gpt-4o 1 0.5  0 2", "mine/* 0.000001 0 0 1000000"});
  EXPECT_EQ(table.Find("openai/gpt-4o"), (Price{1'000'000, 500'000, 0, 2'000'000}));
  EXPECT_EQ(table.Find("mine/a/b"), (Price{1, 0, 0, 1'000'000'000'000}));
  EXPECT_EQ(table.Dearest().output, 1'000'000'000'000U);
}

TEST(PriceTableTest, RefusesWhatIsNoPrice) {
  for (const char* row : {"", "openai/gpt-4o", "openai/gpt-4o 1 2 3", "m 1 2 3 4 5", "m 1 2 3 x", "m -1 0 0 0",
                          "m nan 0 0 0", "m inf 0 0 0", "m 1e7 0 0 0"}) {
    EXPECT_NE(ErrorOf(row).find("prices: '"), std::string::npos) << row;
  }
  EXPECT_EQ(ErrorOf("m 1 2 3 4"), "(no error)");
}

TEST(PriceTableTest, HasABuiltInTableInWhichCachedInputIsNeverDearer) {
  const auto document = json::Document::Parse(BuiltinPrices());
  ASSERT_TRUE(document.ok());
  const json::View rows = document->root()["prices"];
  ASSERT_GT(rows.size(), 20U);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].size(), 5U) << rows[i].Dump();
    EXPECT_LE(*rows[i][2].number(), *rows[i][1].number()) << rows[i].Dump();
    EXPECT_GE(*rows[i][4].number(), *rows[i][1].number()) << rows[i].Dump();
  }
}

TEST(CostTest, PricesEveryKindOfToken) {
  const Price price{4, 1, 5, 10};
  EXPECT_EQ(CostOf({.input = 100, .cached = 30, .output = 7, .cache_write = 20}, price),
            50U * 4 + 30U * 1 + 20U * 5 + 7U * 10);
  EXPECT_EQ(CostOf({}, price), 0U);
  EXPECT_EQ(CostOf({.input = 10, .cached = 50, .cache_write = 50}, price), 10U) << "parts above the whole are cut";
  EXPECT_EQ(CostOf({.input = kMost, .output = kMost}, price), kMost) << "saturated, not wrapped";
}

TEST(CostTest, ConvertsBetweenDollarsAndPicodollars) {
  EXPECT_EQ(Picodollars(0.25), 250'000'000'000U);
  EXPECT_EQ(Picodollars(0), 0U);
  EXPECT_EQ(Picodollars(-1), 0U);
  EXPECT_EQ(Picodollars(1e300), kMost);
  EXPECT_DOUBLE_EQ(Usd(1'234'500'000), 0.0012345);
  EXPECT_EQ(UsdText(12'345'678'901), "0.0123 USD");
}

/// The promise of a cap: whatever part of the input was cached or written, and however much of the allowed output came.
TEST(CostTest, NothingAffordableCostsMoreThanTheRoom) {
  std::mt19937_64 random(7);
  const auto below = [&random](std::uint64_t n) { return random() % (n + 1); };
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    const Price price{below(5'000'000), below(5'000'000), below(6'000'000), below(50'000'000)};
    const std::uint64_t input = below(100'000);
    const std::uint64_t room = below(500'000'000'000);
    const auto output = AffordableOutput(input, room, price);
    if (!output) {
      ++refused;
      EXPECT_GT(WorstCost(input, 0, price), room);
      continue;
    }
    Usage usage{.input = below(input), .output = below(std::min<std::uint64_t>(*output, 1'000'000))};
    usage.cached = below(usage.input);
    usage.cache_write = below(usage.input - usage.cached);
    EXPECT_LE(CostOf(usage, price), room);
    if (*output < 1'000'000) {
      EXPECT_GT(WorstCost(input, *output + 1, price), room) << "and no more was forbidden";
    }
  }
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace rune::agent
