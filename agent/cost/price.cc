#include "agent/cost/price.h"

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>

#include "agent/cost/builtin_prices.h"
#include "agent/json/json.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
constexpr double kMicrodollars = 1e6;  // of one dollar
constexpr double kDearestKnown = 1e6;  // USD per million tokens; beyond it is a slip of the pen

std::uint64_t Times(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? kMost : product;
}
std::uint64_t Plus(std::uint64_t a, std::uint64_t b) {
  std::uint64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? kMost : sum;
}

std::uint64_t DearestInput(const Price& price) { return std::max({price.input, price.cached, price.cache_write}); }

/// input, cached, cache write, output in USD per million tokens.
std::optional<Price> PriceOf(const std::array<std::optional<double>, 4>& usd) {
  std::array<std::uint64_t, 4> out{};
  for (std::size_t i = 0; i < usd.size(); ++i) {
    if (!usd[i] || !(*usd[i] >= 0 && *usd[i] <= kDearestKnown)) return std::nullopt;
    out[i] = static_cast<std::uint64_t>(std::llround(*usd[i] * kMicrodollars));
  }
  return Price{out[0], out[1], out[2], out[3]};
}

}  // namespace

Result<PriceTable> PriceTable::Create(const std::vector<std::string>& rows) {
  PriceTable table;
  RUNE_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(BuiltinPrices(), "prices.json"));
  const json::View known = document.root()["prices"];
  for (std::size_t i = 0; i < known.size(); ++i) {
    const json::View row = known[i];
    const auto at = [&row](std::size_t index) { return row[index].number(); };
    const auto price = PriceOf({at(1), at(2), at(3), at(4)});
    if (!price || !row[std::size_t{0}].string()) return Error::Invalid(row.path() + ": no price");
    table.rows_.push_back({std::string(*row[std::size_t{0}].string()), *price});
  }
  for (const std::string& row : rows) {
    std::vector<std::string_view> words;
    for (const std::string_view word : Split(row, ' ')) {
      if (!word.empty()) words.push_back(word);
    }
    std::optional<Price> price;
    if (words.size() == 5) {
      price = PriceOf({ParseDouble(words[1]), ParseDouble(words[2]), ParseDouble(words[3]), ParseDouble(words[4])});
    }
    if (!price) {
      return Error::Invalid("prices: '" + OneLine(row, 100) +
                            "': expected `provider/model input cached cache-write output`, four amounts in USD per "
                            "million tokens");
    }
    table.rows_.push_back({std::string(words[0]), *price});
  }
  return table;
}

std::optional<Price> PriceTable::Find(std::string_view name) const {
  const std::string text(name);
  const auto row = std::find_if(rows_.rbegin(), rows_.rend(),
                                [&text](const Row& one) { return ::fnmatch(one.glob.c_str(), text.c_str(), 0) == 0; });
  return row == rows_.rend() ? std::nullopt : std::optional(row->price);
}

Price PriceTable::Dearest() const {
  Price most;
  for (const Row& row : rows_) {
    most.input = std::max(most.input, row.price.input);
    most.cached = std::max(most.cached, row.price.cached);
    most.cache_write = std::max(most.cache_write, row.price.cache_write);
    most.output = std::max(most.output, row.price.output);
  }
  return most;
}

std::uint64_t CostOf(const Usage& usage, const Price& price) {
  // Counts come from outside: parts that are larger than the whole must not wrap around.
  const std::uint64_t cached = std::min(usage.cached, usage.input);
  const std::uint64_t written = std::min(usage.cache_write, usage.input - cached);
  std::uint64_t cost = Times(usage.input - cached - written, price.input);
  cost = Plus(cost, Times(cached, price.cached));
  cost = Plus(cost, Times(written, price.cache_write));
  return Plus(cost, Times(usage.output, price.output));
}

std::uint64_t WorstCost(std::uint64_t input, std::uint64_t output, const Price& price) {
  return Plus(Times(input, DearestInput(price)), Times(output, price.output));
}

std::optional<std::uint64_t> AffordableOutput(std::uint64_t input, std::uint64_t room, const Price& price) {
  const std::uint64_t paid = WorstCost(input, 0, price);
  if (paid > room) return std::nullopt;
  return price.output == 0 ? kMost : (room - paid) / price.output;
}

std::uint64_t Picodollars(double usd) {
  if (!(usd > 0)) return 0;
  const double amount = usd * kPicodollars;
  return amount >= static_cast<double>(kMost) ? kMost : static_cast<std::uint64_t>(amount);
}

std::string UsdText(std::uint64_t picodollars) {
  std::array<char, 48> text{};
  const int size = std::snprintf(text.data(), text.size(), "%.4f USD", Usd(picodollars));
  return {text.data(), static_cast<std::size_t>(size)};
}

}  // namespace rune::agent
