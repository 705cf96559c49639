#include "agent/loop/agent.h"

#include <sys/random.h>

#include <array>
#include <utility>

#include "agent/loop/allowance.h"
#include "agent/loop/answer.h"
#include "agent/loop/breaker.h"
#include "agent/loop/parts.h"
#include "agent/loop/proving.h"
#include "agent/loop/tool_batch.h"
#include "agent/loop/window.h"
#include "agent/run/denials.h"
#include "agent/run/run.h"
#include "sandbox/base/encoding.h"
#include "sandbox/base/redaction.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

constexpr Milliseconds kPrepareAfter{50};
constexpr std::size_t kUnrecoveredBytes = 400;

std::uint64_t Microseconds(Clock::duration time) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(time).count());
}

/// Tells one conversation from another, and nothing else.
std::string NewCacheKey() {
  std::array<char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) return "";
  return "rune-" + HexEncode({bytes.data(), bytes.size()});
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
        deadline_(options_.budgets.wall.count() > 0 ? started_ + options_.budgets.wall : kNever),
        allowance_(options_.budgets, options_.prices),
        window_({agent.history_, agent.specs_, parts_.model, parts_.observer, allowance_}, options_) {
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
    result_.usage = allowance_.usage();
    result_.cost = allowance_.cost();
    result_.wall_ms = Microseconds(Clock::now() - started_) / 1000;
    parts_.observer.OnEnd(result_);
    return std::move(result_);
  }

 private:
  void End(const Ending& ending) {
    ended_ = true;
    window_.Restore();
    result_.outcome = ending.outcome;
    result_.detail = OneLine(Redact(ending.detail), 600);
    if (ending.outcome == Outcome::kCancelled) result_.signal_number = parts_.loop.interrupted_by().value_or(0);
  }

  void Step() {
    if (parts_.loop.interrupted_by()) return End({Outcome::kCancelled, "interrupted"});
    if (Clock::now() >= deadline_) return End(allowance_.TimeIsUp());
    if (const auto ending = allowance_.CheckSteps(result_.steps)) return End(*ending);
    window_.Fit();
    const NextCall next = Next();
    if (const std::string notice = allowance_.PriceNotice(next); !notice.empty()) parts_.observer.OnNotice(notice);
    if (const auto ending = allowance_.Reserve(next)) return End(*ending);
    ++result_.steps;
    const TimePoint asked = Clock::now();
    ModelOutcome outcome = Ask(asked);
    if (const auto* const error = std::get_if<ModelError>(&outcome)) return Fail(*error);
    Take(std::get<ModelReply>(std::move(outcome)), next.guess, asked);
  }

  NextCall Next() const { return {.guess = window_.Guess(), .names = parts_.model.MayAnswer(agent_.history_)}; }

  ModelOutcome Ask(TimePoint now) {
    GenerationOptions generation = options_.generation;
    generation.max_output_tokens = allowance_.cap();
    const ModelRequest request{
        agent_.history_, agent_.specs_, generation, deadline_,
        [this](const std::string& name, const Usage& usage) { return allowance_.PayFailed(name, usage, Next()); }};
    TextSink sink;
    if (options_.attended) sink = [this](std::string_view text) { parts_.observer.OnText(text); };
    // While a model thinks the sandbox can get ready; one that answers at once, without tools, never pays for it.
    const auto prepare = parts_.loop.At(now + kPrepareAfter, [this] { agent_.proving_->Begin(); });
    ModelOutcome outcome = parts_.model.Complete(request, sink);
    parts_.loop.CancelTimer(prepare);
    return outcome;
  }

  void Fail(const ModelError& error) {
    if (error.kind == ModelErrorKind::kTooLong && window_.Shorten()) return;
    if (error.kind == ModelErrorKind::kDeadline) return End(allowance_.TimeIsUp());
    if (error.kind == ModelErrorKind::kBudget) return End(allowance_.NoOtherTry(error.message));
    End({OutcomeOf(error.kind), error.message});
  }

  void Take(ModelReply reply, std::uint64_t guess, TimePoint asked) {
    window_.Keep();
    result_.provider = parts_.model.provider();
    const std::string& origin = reply.message.origin;
    const auto cost =
        allowance_.Pay({.name = origin.empty() ? parts_.model.provider() + "/" + parts_.model.model() : origin,
                        .usage = reply.usage,
                        .guess = guess,
                        .counted = reply.usage_known ? reply.usage.input : 0});
    if (!reply.model.empty()) result_.model = OneLine(reply.model, 100);
    const std::vector<ToolCall> calls = CallsOf(reply.message);
    const Stop stop = reply.message.stop;
    const std::string text = TextOf(reply.message);
    parts_.observer.OnStep(
        {result_.steps, result_.model, reply.usage, cost, calls.size(), Microseconds(Clock::now() - asked)});
    agent_.history_.push_back(std::move(reply.message));
    if (stop == Stop::kLength) return End(allowance_.CutOff());
    if (stop == Stop::kFiltered)
      return End({Outcome::kProviderProtocol, "the provider's content filter stopped the answer"});
    if (!calls.empty()) return RunTools(calls);
    paused_ += text;
    if (stop != Stop::kPaused) Answer(std::exchange(paused_, {}));
  }

  void RunTools(const std::vector<ToolCall>& calls) {
    const auto proved = agent_.proving_->Await(deadline_);
    if (!proved.ok() && proved.error().kind == ErrorKind::kCancelled) return;  // Step() sees by what
    if (!proved.ok()) return End({Outcome::kSandboxUnavailable, proved.error().message});
    BatchResult batch = RunToolBatch(
        parts_, calls,
        {.step = result_.steps, .tool_wall = options_.budgets.tool_wall, .deadline = deadline_, .yes = options_.yes});
    result_.tools.insert(result_.tools.end(), batch.records.begin(), batch.records.end());
    for (const Refusal& denial : batch.denials) AddDenial(result_.denials, denial);
    for (const EgressLine& line : batch.egress) AddEgress(result_.egress, {line.egress}, result_.steps);
    const Breaker::Verdict verdict = breaker_.Observe(calls, batch.message);
    agent_.history_.push_back(std::move(batch.message));
    if (batch.unasked) return End({Outcome::kRefusedPolicy, Unasked(*batch.unasked)});
    if (!batch.lost.empty()) return End({Outcome::kSandboxUnavailable, batch.lost});
    if (parts_.loop.interrupted_by()) return End({Outcome::kCancelled, "interrupted"});
    Heed(verdict);
  }

  static std::string WithWayOut(const std::string& message, const Refusal& refusal) {
    return message + (refusal.way_out.empty() ? "" : "; " + refusal.way_out);
  }

  static std::string Unasked(const Refusal& question) {
    return WithWayOut("confirm mode would ask, and nobody could be asked: " + question.message, question);
  }

  void Heed(Breaker::Verdict verdict) {
    switch (verdict) {
      case Breaker::Verdict::kGoOn:
        return;
      case Breaker::Verdict::kWarn:
        agent_.history_.push_back(MakeText(Role::kUser, "[The same call gave the same result " +
                                                            std::to_string(Breaker::kWarnAfter) +
                                                            " times. Try something else, or answer.]"));
        return;
      case Breaker::Verdict::kLooped:
        return End({Outcome::kLooped, "the same tool call gave the same result " + std::to_string(Breaker::kStopAfter) +
                                          " times: " + result_.tools.back().summary});
      case Breaker::Verdict::kStalled:
        return End({Outcome::kStalled, "nothing new in " + std::to_string(Breaker::kStallSteps) + " steps"});
    }
  }

  void Answer(const std::string& text) {
    std::string answer = Redact(MakeSafe(text).text);
    if (Trim(answer).empty()) return End({Outcome::kStalled, "the model's answer is empty"});
    if (const std::string& schema = options_.generation.schema; !schema.empty()) {
      auto structured = StructuredAnswer(answer, schema);
      if (!structured.ok()) return AskForRepair(structured.error().message);
      result_.structured = answer = *structured;
    }
    result_.answer = std::move(answer);
    if (result_.denials.empty() || options_.attended) return End({Outcome::kAnswered, ""});
    result_.unrecovered = OneLine(Redact(Unrecovered(result_.tools)), kUnrecoveredBytes);
    const Refusal& first = result_.denials.front();
    End({Outcome::kAnsweredWithDenials,
         WithWayOut(result_.unrecovered.empty() ? first.message : result_.unrecovered, first)});
  }

  /// One repair round, then the run fails: a promised schema is kept or nothing is handed on.
  void AskForRepair(const std::string& why) {
    if (std::exchange(repaired_, true))
      return End({Outcome::kSchemaUnsatisfied, "the answer does not satisfy the schema: " + why});
    parts_.observer.OnNotice("the answer does not satisfy the schema, asking once more: " + OneLine(why));
    agent_.history_.push_back(MakeText(
        Role::kUser, "Your answer does not satisfy the schema: " + why + ". Answer again, with nothing but the JSON."));
  }

  Agent& agent_;
  const AgentParts& parts_;
  const AgentOptions& options_;
  TimePoint started_;
  TimePoint deadline_;
  Allowance allowance_;
  Window window_;
  RunResult result_;
  Breaker breaker_;
  bool ended_ = false;
  bool repaired_ = false;
  std::string paused_;  ///< The beginning of an answer that the model has put down for a while.
};

Agent::Agent(AgentParts parts, AgentOptions options)
    : parts_(parts),
      options_(std::move(options)),
      specs_(parts.tools.Specs()),
      proving_(std::make_unique<Proving>(parts)) {
  Reset();
}

Agent::~Agent() = default;

void Agent::Reset() {
  history_ = {MakeText(Role::kSystem, options_.system_prompt)};
  options_.generation.cache_key = NewCacheKey();
}

bool Agent::Compact() { return agent::Compact(history_, options_, options_.pick_turns); }

RunResult Agent::Run(const std::string& prompt, std::vector<Image> images) {
  return Turn(*this).Run(prompt, std::move(images));
}

}  // namespace rune::agent
