#include "agent/loop/agent.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <utility>

#include "agent/cost/spending.h"
#include "agent/json/schema.h"
#include "agent/loop/breaker.h"
#include "agent/loop/parts.h"
#include "agent/loop/proving.h"
#include "agent/loop/tool_batch.h"
#include "agent/policy/remedy_text.h"
#include "agent/run/run.h"
#include "sandbox/base/encoding.h"
#include "sandbox/base/log.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

/// The cap of one answer where a budget needs one and nobody set it: what current models can be asked for.
constexpr std::uint64_t kUsualCap = 16'384;
/// Less room for an answer than this is none; some providers refuse a smaller cap.
constexpr std::uint64_t kLeastOutput = 16;
constexpr Milliseconds kPrepareAfter{50};
constexpr std::uint64_t kUsualWindow = 128'000;

Outcome OutcomeOf(ModelErrorKind kind) {
  switch (kind) {
    case ModelErrorKind::kAuth:
      return Outcome::kProviderAuth;
    case ModelErrorKind::kRate:
      return Outcome::kProviderRate;
    case ModelErrorKind::kDown:
      return Outcome::kProviderDown;
    case ModelErrorKind::kProtocol:
    case ModelErrorKind::kBadRequest:
    case ModelErrorKind::kTooLong:
    case ModelErrorKind::kDiverged:
      return Outcome::kProviderProtocol;
    case ModelErrorKind::kBudget:
      return Outcome::kBudgetCost;
    case ModelErrorKind::kCancelled:
      return Outcome::kCancelled;
    case ModelErrorKind::kDeadline:
      return Outcome::kBudgetTime;
  }
  return Outcome::kInternal;
}

/// Tells one conversation from another, and nothing else.
std::string NewCacheKey() {
  std::array<char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) return "";
  return "rune-" + HexEncode({bytes.data(), bytes.size()});
}

std::vector<ToolSpec> BuiltinSpecs() {
  std::vector<ToolSpec> specs;
  for (const Tool& tool : BuiltinTools()) specs.push_back(tool.spec);
  return specs;
}

}  // namespace

/// One Run(): the steps from a prompt to a result.
class Agent::Turn {
 public:
  explicit Turn(Agent& agent)
      : agent_(agent),
        parts_(agent.parts_),
        options_(agent.options_),
        started_(Clock::now()),
        spending_(agent.options_.prices, agent.options_.budgets.cost_usd) {
    deadline_ = options_.budgets.wall.count() > 0 ? started_ + options_.budgets.wall : kNever;
    result_.provider = parts_.model.provider();
    result_.model = parts_.model.model();
  }

  RunResult Run(const std::string& prompt, std::vector<Image> images) {
    Message question;
    // Pictures first: models look better at what they were shown before the question.
    for (Image& image : images) question.parts.emplace_back(std::move(image));
    question.parts.emplace_back(Text{ScrubUtf8(prompt)});
    agent_.history_.push_back(std::move(question));
    while (!ended_) Step();
    if (!result_.tools.empty()) result_.proof = agent_.proving_->proof();
    result_.wall_ms =
        static_cast<std::uint64_t>(std::chrono::duration_cast<Milliseconds>(Clock::now() - started_).count());
    parts_.observer.OnEnd(result_);
    return std::move(result_);
  }

 private:
  void End(Outcome outcome, const std::string& detail) {
    ended_ = true;
    if (before_shortening_) agent_.history_ = std::move(*before_shortening_);  // it did not help
    result_.outcome = outcome;
    result_.detail = OneLine(Redact(detail), 600);
    if (outcome == Outcome::kCancelled) result_.signal_number = parts_.loop.interrupted_by().value_or(0);
  }

  void Step() {
    if (parts_.loop.interrupted_by()) return End(Outcome::kCancelled, "interrupted");
    if (Clock::now() >= deadline_) return End(Outcome::kBudgetTime, TimeText());
    if (options_.budgets.steps > 0 && result_.steps >= options_.budgets.steps) {
      return End(Outcome::kBudgetSteps,
                 "no answer within " + std::to_string(options_.budgets.steps) + " steps (max_steps)");
    }
    CompactIfNeeded();
    if (!AffordNextCall()) return;
    Ask();
  }

  std::string TimeText() const {
    return "the run's " + std::to_string(options_.budgets.wall.count()) + " s are used up (timeout_secs)";
  }

  std::uint64_t Guess() const { return EstimateTokens(agent_.history_) + EstimateTokens(agent_.specs_); }
  /// The provider's own count of the last request, plus `times` what was added since; 0 before the first answer.
  std::uint64_t Counted(std::uint64_t guess, std::uint64_t times) const {
    return counted_last_ > 0 ? counted_last_ + times * (std::max(guess, guess_at_last_) - guess_at_last_) : 0;
  }
  std::uint64_t EstimatedInput() const {
    const std::uint64_t guess = Guess();
    return std::max(guess, Counted(guess, 1));
  }

  std::uint64_t ContextWindow() const {
    if (options_.context_window > 0) return options_.context_window;
    const std::uint64_t known = parts_.model.context_window();
    return known > 0 ? known : kUsualWindow;
  }

  void CompactIfNeeded() {
    const auto limit = static_cast<std::uint64_t>(static_cast<double>(ContextWindow()) * options_.compact_threshold);
    const std::uint64_t before = EstimatedInput();
    if (limit == 0 || before <= limit || !agent_.Compact()) return;
    counted_last_ = 0;
    // What seemed to matter must not keep the rest from fitting.
    if (options_.pick_turns && EstimatedInput() > limit) agent_.Compact({});
    parts_.observer.OnNotice("context compacted: about " + std::to_string(before) + " -> " +
                             std::to_string(EstimatedInput()) + " tokens");
  }

  /// Budgets are paid before the call: the worst case must fit, or the call is not made.
  bool AffordNextCall() {
    generation_ = options_.generation;
    if (options_.budgets.output_tokens > 0) generation_.max_output_tokens = options_.budgets.output_tokens;
    cut_by_money_ = false;
    return AffordTokens() && AffordMoney();
  }

  /// Lowers the cap of the next answer to `room`; true when it was lowered below what it would have been.
  bool CapOutput(std::uint64_t room) {
    const std::uint64_t wanted = generation_.max_output_tokens > 0 ? generation_.max_output_tokens : kUsualCap;
    generation_.max_output_tokens = std::min(wanted, room);
    return room < wanted;
  }

  bool AffordTokens() {
    const std::uint64_t budget = options_.budgets.tokens;
    if (budget == 0) return true;
    const std::uint64_t spent = result_.usage.total() + EstimatedInput();
    if (spent + 1 > budget) {
      End(Outcome::kBudgetTokens, "the next call needs about " + std::to_string(spent) + " of " +
                                      std::to_string(budget) + " tokens in all (token_budget)");
      return false;
    }
    CapOutput(budget - spent);
    return true;
  }

  /// A guess may be low, and money is not given back: what the provider has not counted yet counts twice.
  std::uint64_t WorstInput(const std::string& name) const {
    const std::uint64_t guess = Guess();
    const std::uint64_t counted = Counted(guess, 2);
    return name == counted_by_ && counted > 0 ? counted : std::max(counted, 2 * guess);
  }

  /// What the answer may be long, whoever of those that may be asked gives it; unset: the call must not be made.
  std::optional<std::uint64_t> AffordableOutput() const {
    std::optional<std::uint64_t> least;
    for (const std::string& name : parts_.model.MayAnswer(agent_.history_)) {
      const auto output = spending_.AffordableOutput(name, WorstInput(name));
      if (!output) return std::nullopt;
      least = std::min(least.value_or(*output), *output);
    }
    return least;
  }

  bool AffordMoney() {
    if (!spending_.has_cap()) return true;
    for (const std::string& name : parts_.model.MayAnswer(agent_.history_)) {
      if (spending_.Knows(name) || std::exchange(told_unknown_, true)) continue;
      parts_.observer.OnNotice("no price is known for " + name +
                               ": limits.cost_usd takes it for the dearest model there is (see `prices`)");
    }
    const auto output = AffordableOutput();
    if (!output || *output < kLeastOutput) {
      End(Outcome::kBudgetCost, "the next call could cost more than is left: " + spending_.Text());
      return false;
    }
    cut_by_money_ = CapOutput(*output);
    return true;
  }

  /// A try that failed is paid like any other. Another one must fit into what is left, with the cap that it has.
  bool PayFailed(const std::string& name, const Usage& usage) {
    spending_.Pay(name, usage);
    result_.usage += usage;
    result_.cost = spending_.total();
    const std::uint64_t tokens = options_.budgets.tokens;
    if (tokens > 0 && result_.usage.total() + EstimatedInput() + generation_.max_output_tokens > tokens) {
      short_of_ = Outcome::kBudgetTokens;
      return false;
    }
    if (!spending_.has_cap()) return true;
    const auto output = AffordableOutput();
    return output && *output >= generation_.max_output_tokens;
  }

  void EndAfterFailure(const ModelError& error) {
    if (error.kind == ModelErrorKind::kDeadline) return End(Outcome::kBudgetTime, TimeText());
    if (error.kind != ModelErrorKind::kBudget) return End(OutcomeOf(error.kind), error.message);
    End(short_of_, error.message + "; another try could take more than is left: " +
                       (short_of_ == Outcome::kBudgetCost
                            ? spending_.Text()
                            : std::to_string(result_.usage.total()) + " tokens are used (token_budget)"));
  }

  void Ask() {
    ++result_.steps;
    const TimePoint asked = Clock::now();
    const std::uint64_t guess = Guess();
    const ModelRequest request{agent_.history_, agent_.specs_, generation_, deadline_,
                               [this](const std::string& name, const Usage& usage) { return PayFailed(name, usage); }};
    TextSink sink;
    if (options_.attended) sink = [this](std::string_view text) { parts_.observer.OnText(text); };
    // While a model thinks the sandbox can get ready; one that answers at once, without tools, never pays for it.
    const auto prepare = parts_.loop.At(asked + kPrepareAfter, [this] { agent_.proving_->Begin(parts_); });
    ModelOutcome outcome = parts_.model.Complete(request, sink);
    parts_.loop.CancelTimer(prepare);
    if (const auto* error = std::get_if<ModelError>(&outcome)) {
      if (error->kind == ModelErrorKind::kTooLong && ShortenOnce()) return;
      return EndAfterFailure(*error);
    }
    before_shortening_.reset();
    auto& reply = std::get<ModelReply>(outcome);
    result_.provider = parts_.model.provider();
    const std::string& origin = reply.message.origin;
    counted_by_ = origin.empty() ? parts_.model.provider() + "/" + parts_.model.model() : origin;
    const auto cost = spending_.Pay(counted_by_, reply.usage);
    result_.usage += reply.usage;
    result_.cost = spending_.total();
    counted_last_ = reply.usage_known ? reply.usage.input : 0;
    guess_at_last_ = guess;
    if (!reply.model.empty()) result_.model = OneLine(reply.model, 100);
    const std::vector<ToolCall> calls = CallsOf(reply.message);
    const Stop stop = reply.message.stop;
    const std::string text = TextOf(reply.message);
    parts_.observer.OnStep({result_.steps, result_.model, reply.usage, cost, calls.size(),
                            static_cast<std::uint64_t>(
                                std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - asked).count())});
    agent_.history_.push_back(std::move(reply.message));
    if (stop == Stop::kLength) {
      if (cut_by_money_) return End(Outcome::kBudgetCost, "the answer was cut at the money's end: " + spending_.Text());
      return End(Outcome::kBudgetTokens, "the answer was cut at the output limit of the model or of the budget");
    }
    if (stop == Stop::kFiltered)
      return End(Outcome::kProviderProtocol, "the provider's content filter stopped the answer");
    if (!calls.empty()) return RunTools(calls);
    if (stop == Stop::kPaused) {
      paused_ += text;
      return;
    }
    Answer(std::exchange(paused_, {}) + text);
  }

  /// The provider knows the window better than the configuration does. Once for each call, and only when it makes a
  /// difference; what was left out comes back when the call fails all the same.
  bool ShortenOnce() {
    if (before_shortening_) return false;
    std::vector<Message> before = agent_.history_;
    if (!agent_.Compact({})) return false;
    const std::uint64_t size = EstimateTokens(before);
    if (EstimateTokens(agent_.history_) > size - size / 10) {
      agent_.history_ = std::move(before);
      return false;
    }
    before_shortening_ = std::move(before);
    counted_last_ = 0;
    parts_.observer.OnNotice("the conversation does not fit the model's window: older messages were left out");
    return true;
  }

  void RunTools(const std::vector<ToolCall>& calls) {
    const auto proved = agent_.proving_->Await(parts_, deadline_);
    if (!proved.ok() && proved.error().kind == ErrorKind::kCancelled) return;  // Step() sees by what
    if (!proved.ok()) return End(Outcome::kSandboxUnavailable, proved.error().message);
    BatchResult batch = RunToolBatch(
        parts_, calls,
        {.step = result_.steps, .tool_wall = options_.budgets.tool_wall, .deadline = deadline_, .yes = options_.yes});
    result_.tools.insert(result_.tools.end(), batch.records.begin(), batch.records.end());
    result_.denials.insert(result_.denials.end(), batch.denials.begin(), batch.denials.end());
    for (const EgressLine& line : batch.egress) AddEgress(result_.egress, {line.egress}, result_.steps);
    const Breaker::Verdict verdict = breaker_.Observe(calls, batch.message);
    agent_.history_.push_back(std::move(batch.message));
    if (batch.sandbox_lost) return End(Outcome::kSandboxUnavailable, result_.tools.back().detail);
    if (parts_.loop.interrupted_by()) return End(Outcome::kCancelled, "interrupted");
    switch (verdict) {
      case Breaker::Verdict::kGoOn:
        return;
      case Breaker::Verdict::kWarn:
        agent_.history_.push_back(MakeText(Role::kUser, "[The same call gave the same result " +
                                                            std::to_string(Breaker::kWarnAfter) +
                                                            " times. Try something else, or answer.]"));
        return;
      case Breaker::Verdict::kLooped:
        return End(Outcome::kLooped, "the same tool call gave the same result " + std::to_string(Breaker::kStopAfter) +
                                         " times: " + result_.tools.back().summary);
      case Breaker::Verdict::kStalled:
        return End(Outcome::kStalled, "nothing new in " + std::to_string(Breaker::kStallSteps) + " steps");
    }
  }

  void Answer(const std::string& text) {
    const std::string safe = Redact(MakeSafe(text).text);
    if (Trim(safe).empty()) return End(Outcome::kStalled, "the model's answer is empty");
    if (!options_.generation.schema.empty() && !Satisfies(safe)) return;
    result_.answer = result_.structured.empty() ? safe : result_.structured;
    if (result_.denials.empty() || options_.attended) return End(Outcome::kAnswered, "");
    const Refusal& first = result_.denials.front();
    const std::string allow = TomlLine(first.remedy);
    End(Outcome::kAnsweredWithDenials, first.message + (allow.empty() ? "" : "; to allow it: " + allow));
  }

  /// One repair round, then the run fails: a promised schema is kept or nothing is handed on.
  bool Satisfies(const std::string& answer) {
    auto parsed = json::ParseAnswer(answer);
    std::string why = parsed.ok() ? "" : parsed.error().message;
    if (parsed.ok()) {
      const auto schema = json::Document::Parse(options_.generation.schema, "schema");
      const auto valid = schema.ok() ? json::Validate(parsed->root(), schema->root()) : Result<void>(schema.error());
      if (valid.ok()) {
        result_.structured = parsed->root().DumpCanonical();
        return true;
      }
      why = valid.error().message;
    }
    if (std::exchange(repaired_, true)) {
      End(Outcome::kSchemaUnsatisfied, "the answer does not satisfy the schema: " + why);
      return false;
    }
    parts_.observer.OnNotice("the answer does not satisfy the schema, asking once more: " + OneLine(why));
    agent_.history_.push_back(MakeText(
        Role::kUser, "Your answer does not satisfy the schema: " + why + ". Answer again, with nothing but the JSON."));
    return false;
  }

  Agent& agent_;
  const AgentParts& parts_;
  const AgentOptions& options_;
  TimePoint started_;
  TimePoint deadline_ = kNever;
  GenerationOptions generation_;
  std::uint64_t counted_last_ = 0;   ///< Input tokens of the last request, as the provider counted them.
  std::string counted_by_;           ///< Who that was: "<provider>/<model>".
  std::uint64_t guess_at_last_ = 0;  ///< Our own guess of the same request.
  RunResult result_;
  Breaker breaker_;
  Spending spending_;
  bool ended_ = false;
  bool repaired_ = false;
  std::optional<std::vector<Message>> before_shortening_;  ///< Between an overflow and the call that follows it.
  bool told_unknown_ = false;
  Outcome short_of_ = Outcome::kBudgetCost;  ///< Of what there is too little left for another try.
  std::string paused_;                       ///< The beginning of an answer that the model has put down for a while.
  bool cut_by_money_ = false;                ///< The cap of the last answer was what the money allowed.
};

Agent::Agent(AgentParts parts, AgentOptions options)
    : parts_(parts), options_(std::move(options)), specs_(BuiltinSpecs()), proving_(std::make_unique<Proving>()) {
  Reset();
}

Agent::~Agent() = default;

void Agent::Reset() {
  history_ = {MakeText(Role::kSystem, options_.system_prompt)};
  options_.generation.cache_key = NewCacheKey();
}

bool Agent::Compact(const TurnPicker& pick) {
  return CompactHistory(history_, std::max<std::size_t>(1, options_.compact_keep_last), pick);
}

RunResult Agent::Run(const std::string& prompt, std::vector<Image> images) {
  return Turn(*this).Run(prompt, std::move(images));
}

}  // namespace rune::agent
