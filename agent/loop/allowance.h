#pragma once
/// What a run may still use of steps, time, tokens and money, and the words for what is used up. It knows neither clock
/// nor conversation nor model: it is told names and numbers. Pure.
///
/// A budget is paid before the call: the worst case must fit into what is left, or the cap of the answer is lowered, or
/// the call is not made. A guess may be low, and money is not given back: tokens that no provider has counted yet
/// count twice where money is at stake.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/config/config.h"
#include "agent/conversation/message.h"
#include "agent/cost/spending.h"
#include "agent/run/outcome.h"

namespace rune::agent {

/// A model call that is still to be made.
struct NextCall {
  std::uint64_t guess = 0;         ///< Tokens of its input, estimated from its text.
  std::vector<std::string> names;  ///< "<provider>/<model>" of all who may be the one to answer.
};

/// One that was answered.
struct AnsweredCall {
  std::string name;  ///< "<provider>/<model>"
  Usage usage;
  std::uint64_t guess = 0;    ///< Of its input, as it was before.
  std::uint64_t counted = 0;  ///< Tokens of its input as the provider counted them; 0: it did not.
};

class Allowance {
 public:
  /// `prices` is borrowed.
  Allowance(const Budgets& budgets, const PriceTable& prices);

  /// Tokens of the next input: the guess, or what the provider counted and what was added since, if that is more.
  std::uint64_t Input(std::uint64_t guess) const;
  /// The conversation got shorter: what was counted says nothing any more.
  void Shortened() { counted_ = 0; }

  /// Whether a step may follow `made` ones.
  std::optional<Ending> CheckSteps(std::uint32_t made) const;
  /// Whether the call may be made; then its answer has cap().
  std::optional<Ending> Reserve(const NextCall& call);
  /// Most output tokens of the answer; 0: the provider decides.
  std::uint64_t cap() const { return cap_; }
  /// The first name whose price would be needed and is not known, in a sentence. Said once; empty: nothing to say.
  std::string PriceNotice(const NextCall& call);

  /// What the call cost in picodollars; unset: there is no price.
  std::optional<std::uint64_t> Pay(const AnsweredCall& call);
  /// A try that failed is paid like any other. Whether another one fits into what is left, with the cap that it has.
  bool PayFailed(const std::string& name, const Usage& usage, const NextCall& again);

  Ending TimeIsUp() const;
  /// Of an answer that ended at its cap.
  Ending CutOff() const;
  /// After PayFailed() has said no to a try after `failure`.
  Ending NoOtherTry(const std::string& failure) const;

  /// Of all calls so far, the failed ones included.
  const Usage& usage() const { return usage_; }
  /// Picodollars; unset: a price is not known.
  std::optional<std::uint64_t> cost() const { return spending_.total(); }

 private:
  std::uint64_t Counted(std::uint64_t guess, std::uint64_t times) const;
  std::uint64_t WorstInput(const std::string& name, std::uint64_t guess) const;
  std::optional<std::uint64_t> AffordableOutput(const NextCall& call) const;
  bool LowerCap(std::uint64_t room);

  Budgets budgets_;
  Spending spending_;
  Usage usage_;
  std::uint64_t counted_ = 0;     ///< Input tokens of the last call, as its provider counted them.
  std::string counted_by_;        ///< Who that was.
  std::uint64_t guess_then_ = 0;  ///< Our own guess of the same.
  std::uint64_t cap_ = 0;
  bool cut_by_money_ = false;  ///< cap_ is what the money allows.
  bool told_unknown_ = false;
  bool short_of_tokens_ = false;  ///< What another try did not fit into; else money.
};

}  // namespace rune::agent
