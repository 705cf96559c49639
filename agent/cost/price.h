#pragma once
/// What tokens cost. Prices are those of one table (prices.json in this folder, compiled in) and of the configuration;
/// amounts are whole picodollars (1e-12 USD), so that no sum is ever rounded. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/conversation/message.h"
#include "sandbox/base/result.h"

namespace rune::agent {

/// Picodollars per token, which are micro-dollars per million tokens.
struct Price {
  std::uint64_t input = 0;
  std::uint64_t cached = 0;       ///< Input that the provider had in its cache.
  std::uint64_t cache_write = 0;  ///< Input that it put there.
  std::uint64_t output = 0;

  bool operator==(const Price&) const = default;
};

class PriceTable {
 public:
  /// Without a row: no price is known.
  PriceTable() = default;
  /// The built-in rows, then `rows`: "<glob> <input> <cached> <cache write> <output>" in USD per million tokens, the
  /// glob against "<provider>/<model>". kInvalidInput "prices: '<row>': ...".
  static Result<PriceTable> Create(const std::vector<std::string>& rows);

  /// The last row that matches "<provider>/<model>"; unset: nobody knows.
  std::optional<Price> Find(std::string_view name) const;
  /// The highest of every kind of price: what a model without a price is taken for when money is limited.
  Price Dearest() const;

 private:
  struct Row {
    std::string glob;
    Price price;
  };
  std::vector<Row> rows_;
};

/// Of one call, by what the provider counted. Saturates.
std::uint64_t CostOf(const Usage& usage, const Price& price);
/// At most this much, whatever part of the input comes from a cache or goes into it. Saturates.
std::uint64_t WorstCost(std::uint64_t input, std::uint64_t output, const Price& price);
/// How many output tokens fit, beside `input`, into `room` picodollars; unset: not even the input does.
std::optional<std::uint64_t> AffordableOutput(std::uint64_t input, std::uint64_t room, const Price& price);

inline constexpr double kPicodollars = 1e12;  ///< Of one dollar.
inline double Usd(std::uint64_t picodollars) { return static_cast<double>(picodollars) / kPicodollars; }
/// Rounded down; 0 for what is no positive number.
std::uint64_t Picodollars(double usd);
/// "0.0123 USD", for people.
std::string UsdText(std::uint64_t picodollars);

}  // namespace rune::agent
