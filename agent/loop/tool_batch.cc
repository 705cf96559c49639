#include "agent/loop/tool_batch.h"

#include <deque>
#include <memory>
#include <optional>

#include "agent/json/json.h"
#include "agent/loop/tool_report.h"
#include "agent/run/denials.h"
#include "agent/tools/tool.h"
#include "sandbox/base/redaction.h"
#include "sandbox/base/text.h"
#include "sandbox/foreground.h"

namespace rune::agent {
namespace {

constexpr std::size_t kAtOnce = 8;
constexpr std::size_t kMostCalls = 64;  ///< Of one answer; the rest is refused.
constexpr std::size_t kSummaryBytes = 160;

class Batch {
 public:
  Batch(const AgentParts& parts, const std::vector<ToolCall>& calls, const BatchOptions& options)
      : parts_(parts), calls_(calls), options_(options), slots_(calls.size()) {}

  BatchResult Run() {
    for (std::size_t i = 0; i < calls_.size(); ++i) Prepare(i);
    if (unasked_) Stop("nobody could be asked about another call");
    while (!stopped_ && (!queue_.empty() || running_ > 0)) {
      while (!queue_.empty() && running_ < kAtOnce && !stopped_) StartNext();
      const std::size_t before = running_;
      if (before == 0) continue;  // none of them could be started
      const auto wake = parts_.loop.RunUntil([&] { return running_ < before; }, options_.deadline);
      if (wake != EventLoop::Wake::kDone) {
        Stop(wake == EventLoop::Wake::kInterrupted ? "cancelled" : "the run's time is up");
        break;
      }
    }
    return Collect();
  }

 private:
  struct Slot {
    const Tool* tool = nullptr;
    ToolPlan plan;
    ToolRecord record;
    ToolOutput output;
    sandbox::CommandId id = 0;
    bool done = false;
  };

  void Settle(std::size_t i, std::string text, bool is_error) {
    Slot& slot = slots_[i];
    slot.output = {std::move(text), is_error};
    slot.record.is_error = is_error;
    if (is_error && slot.record.detail.empty()) slot.record.detail = OneLine(slot.output.text);
    slot.done = true;
  }

  void Refuse(std::size_t i, const Refusal& refusal) {
    slots_[i].record.refusals.push_back(parts_.policy.WithWayOut(refusal));
    slots_[i].record.refused = true;
    slots_[i].record.detail = OneLine(refusal.message);
    Settle(i, MakeSafe(refusal.message).text, true);
    parts_.observer.OnToolEnd(slots_[i].record, slots_[i].output.text);
  }

  void Prepare(std::size_t i) {
    const ToolCall& call = calls_[i];
    Slot& slot = slots_[i];
    slot.record.step = options_.step;
    slot.record.name = OneLine(call.name, 64);
    slot.record.summary = OneLine(call.name + " " + call.args, kSummaryBytes);
    const auto fail = [&](const std::string& text) {
      Settle(i, text, true);
      parts_.observer.OnToolEnd(slot.record, slot.output.text);
    };
    if (i >= kMostCalls) return fail("not run: at most " + std::to_string(kMostCalls) + " calls in one answer");
    slot.tool = parts_.tools.Find(Trim(call.name));
    if (slot.tool == nullptr)
      return fail("there is no tool '" + slot.record.name + "'; the tools are: " + parts_.tools.Names());
    const auto args =
        json::Document::Parse(call.args, "arguments", {.max_depth = 32, .max_bytes = 16u << 20, .unique_keys = true});
    if (!args.ok()) return fail(OneLine(args.error().message));
    auto prepared = slot.tool->prepare(args->root(), {parts_.policy, options_.tool_wall});
    if (const auto* bad = std::get_if<BadArguments>(&prepared)) return fail(OneLine(bad->message, 400));
    slot.plan = std::get<ToolPlan>(std::move(prepared));
    slot.record.summary = OneLine(slot.plan.summary, kSummaryBytes);
    Decide(i);
  }

  /// Whether a person says yes; what is said for the whole session counts from now on.
  bool Asked(const Slot& slot, Refusal question) {
    switch (options_.yes ? Approval::kOnce : parts_.observer.Approve(slot.record, question)) {
      case Approval::kNo:
        return false;
      case Approval::kNobody:
        if (!unasked_) unasked_ = std::move(question);
        return false;
      case Approval::kAlwaysBelow:
        question.remedy.entries = {question.directory};
        [[fallthrough]];
      case Approval::kAlways:
        parts_.policy.Allow(question);
        return true;
      case Approval::kOnce:
        return true;
    }
    return false;
  }

  void Decide(std::size_t i) {
    Slot& slot = slots_[i];
    const Verdict& verdict = slot.plan.verdict;
    if (verdict.refusal) return Refuse(i, *verdict.refusal);
    if (verdict.question) {
      if (!Asked(slot, parts_.policy.WithWayOut(*verdict.question))) return Refuse(i, *verdict.question);
      slot.plan.confinement = slot.plan.approved_confinement;
    }
    queue_.push_back(i);
  }

  void StartNext() {
    const std::size_t i = queue_.front();
    queue_.pop_front();
    Slot& slot = slots_[i];
    slot.record.ran = true;
    slot.record.program = slot.plan.program;
    if (slot.plan.named_secret)
      slot.record.refusals.push_back(parts_.policy.WithWayOut(*std::move(slot.plan.named_secret)));
    parts_.observer.OnToolStart(slot.record);
    auto id = parts_.sandbox.Launch(std::move(slot.plan.command), slot.plan.confinement,
                                    [this, i, here = std::weak_ptr(here_)](sandbox::Completed done) {
                                      if (!here.expired()) Complete(i, std::move(done));
                                    });
    if (!id.ok()) {
      lost_ = "not run: " + OneLine(id.error().message);
      Settle(i, lost_, true);
      parts_.observer.OnToolEnd(slot.record, slot.output.text);
      return;
    }
    slot.id = *id;
    ++running_;
  }

  void Complete(std::size_t i, sandbox::Completed done) {
    --running_;
    Slot& slot = slots_[i];
    if (slot.done) return;
    slot.record.wall_us = done.report.wall_us;
    slot.record.output_bytes = done.out.total + done.err.total;
    if (done.report.guardian_lost) lost_ = EndText(done.report);
    AddEgress(egress_, done.report.egress, options_.step);
    NoteReport(done.report, parts_.policy, slot.plan.hosts, slot.record);
    ToolOutput output = slot.tool->render(done);
    if (slot.record.detail.empty()) {
      slot.record.detail = output.is_error ? OneLine(output.text) : EndText(done.report);
    }
    for (const std::string& line : slot.record.notes) output.text += "\n" + line;
    for (const std::string& line : RefusalLines(slot.record.refusals)) output.text += "\n" + line;
    Settle(i, std::move(output.text), output.is_error);
    parts_.observer.OnToolEnd(slot.record, slot.output.text);
  }

  void Stop(const std::string& why) {
    stopped_ = true;
    std::vector<sandbox::CommandId> running;
    for (const Slot& slot : slots_) {
      if (!slot.done && slot.id != 0) running.push_back(slot.id);
    }
    KillAndWait(parts_.loop, parts_.sandbox, running, [this] { return running_ == 0; });
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (!slots_[i].done) Settle(i, "not run: " + why, true);
    }
  }

  BatchResult Collect() {
    BatchResult result;
    result.message.role = Role::kTool;
    for (std::size_t i = 0; i < calls_.size(); ++i) {
      // What a tool prints may hold a key that it found; it must reach neither the model nor a record.
      result.message.parts.emplace_back(
          ToolResult{calls_[i].id, calls_[i].name, Redact(slots_[i].output.text), slots_[i].output.is_error});
      slots_[i].record.summary = Redact(slots_[i].record.summary);
      slots_[i].record.detail = Redact(slots_[i].record.detail);
      for (std::string& note : slots_[i].record.notes) note = Redact(note);
      for (const Refusal& refusal : slots_[i].record.refusals) AddDenial(result.denials, refusal);
      result.records.push_back(std::move(slots_[i].record));
    }
    result.egress = std::move(egress_);
    result.unasked = std::move(unasked_);
    result.lost = std::move(lost_);
    return result;
  }

  const AgentParts& parts_;
  const std::vector<ToolCall>& calls_;
  const BatchOptions& options_;
  std::vector<Slot> slots_;
  std::deque<std::size_t> queue_;
  std::vector<EgressLine> egress_;
  std::optional<Refusal> unasked_;
  std::size_t running_ = 0;
  bool stopped_ = false;
  std::string lost_;
  std::shared_ptr<int> here_ = std::make_shared<int>();  ///< What could not be killed completes after we have gone.
};

}  // namespace

BatchResult RunToolBatch(const AgentParts& parts, const std::vector<ToolCall>& calls, const BatchOptions& options) {
  return Batch(parts, calls, options).Run();
}

}  // namespace rune::agent
