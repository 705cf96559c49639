#include "agent/trace/trace.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "agent/json/json.h"
#include "agent/run/denials.h"
#include "agent/run/result_json.h"
#include "sandbox/base/files.h"
#include "sandbox/base/named_file.h"
#include "sandbox/base/redaction.h"
#include "sandbox/base/text.h"
#include "sandbox/base/utc_time.h"

namespace rune::agent {
namespace {

constexpr std::size_t kPreviewBytes = 400;
constexpr int kMostNames = 100;

std::string Now() { return FormatUtc(::time(nullptr)); }

/// The same without the characters that file names do not like: "20261124T063000Z".
std::string UtcStamp() {
  std::string stamp = Now();
  std::erase_if(stamp, [](char c) { return c == '-' || c == ':'; });
  return stamp;
}

json::Writer& Begin(json::Writer& writer, std::string_view event) {
  return writer.BeginObject().Member("event", event).Member("time", Now());
}

std::string_view Word(Approval approval) {
  switch (approval) {
    case Approval::kNo:
      return "no";
    case Approval::kOnce:
      return "once";
    case Approval::kAlways:
      return "always";
    case Approval::kAlwaysBelow:
      return "always below";
    case Approval::kNobody:
      return "nobody";
  }
  return "";
}

void WriteRecord(json::Writer& writer, const ToolRecord& record) {
  writer.Member("step", std::uint64_t{record.step}).Member("tool", record.name).Member("summary", record.summary);
}

}  // namespace

Result<std::unique_ptr<TraceObserver>> TraceObserver::Create(const std::string& dir, RunObserver& next) {
  RUNE_RETURN_IF_ERROR(MakeDirs(dir, 0700));
  const std::string stem = dir + "/" + UtcStamp() + "-" + std::to_string(::getpid());
  // A new file, always: what has been put under its name is left alone.
  for (int again = 0;; ++again) {
    const std::string path = stem + (again == 0 ? "" : "-" + std::to_string(again)) + ".jsonl";
    auto fd = OpenNamed(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND, 0600);
    if (fd.ok()) return std::unique_ptr<TraceObserver>(new TraceObserver(path, std::move(fd).value(), next));
    if (again == kMostNames || !Exists(path)) return std::move(fd).error();
  }
}

void TraceObserver::Write(const std::string& line) {
  // A full disk must not end the run that it was to describe.
  if (fd_.valid() && !WriteAll(fd_.get(), Redact(line) + "\n").ok()) fd_.Reset();
}

void TraceObserver::OnStep(const StepRecord& step) {
  json::Writer writer;
  Begin(writer, "model").Member("step", std::uint64_t{step.step}).Member("model", step.model);
  WriteUsage(writer.Key("usage"), step.usage, step.cost);
  writer.Member("calls", std::uint64_t{step.calls}).Member("wall_us", step.wall_us).EndObject();
  Write(writer.Take());
  next_.OnStep(step);
}

void TraceObserver::OnToolStart(const ToolRecord& record) {
  json::Writer writer;
  WriteRecord(Begin(writer, "tool_start"), record);
  Write(writer.EndObject().Take());
  next_.OnToolStart(record);
}

void TraceObserver::OnToolEnd(const ToolRecord& record, const std::string& text) {
  json::Writer writer;
  WriteRecord(Begin(writer, "tool_end"), record);
  writer.Member("refused", record.refused).Member("error", record.is_error).Member("detail", record.detail);
  writer.Member("wall_us", record.wall_us).Member("output_bytes", record.output_bytes);
  writer.Key("notes").BeginArray();
  for (const std::string& note : record.notes) writer.String(note);
  writer.EndArray().Key("refusals").BeginArray();
  for (const std::string& line : RefusalLines(record.refusals)) writer.String(line);
  writer.EndArray();
  // Redacted before it is cut: a cut secret would no longer be recognised.
  writer.Member("result", OneLine(Redact(text), kPreviewBytes)).EndObject();
  Write(writer.Take());
  next_.OnToolEnd(record, text);
}

void TraceObserver::OnNotice(const std::string& notice) {
  json::Writer writer;
  Begin(writer, "notice").Member("text", OneLine(Redact(notice), kPreviewBytes)).EndObject();
  Write(writer.Take());
  next_.OnNotice(notice);
}

void TraceObserver::OnEnd(const RunResult& result) {
  json::Writer writer;
  Begin(writer, "end")
      .Member("outcome", InfoOf(result.outcome).name)
      .Member("detail", result.detail)
      .Member("model", result.model);
  writer.Member("steps", std::uint64_t{result.steps})
      .Member("tokens", result.usage.total())
      .Member("wall_ms", result.wall_ms);
  WriteUsage(writer.Key("usage"), result.usage, result.cost);
  if (!result.proof.empty()) WriteProof(writer.Key("confinement"), result.proof);
  if (!result.egress.empty()) WriteEgress(writer.Key("egress"), result.egress);
  if (!result.unrecovered.empty()) writer.Member("unrecovered", result.unrecovered);
  WriteDenials(writer.Key("denials"), result.denials);
  writer.EndObject();
  Write(writer.Take());
  next_.OnEnd(result);
}

Approval TraceObserver::Approve(const ToolRecord& record, const Refusal& refusal) {
  const Approval approval = next_.Approve(record, refusal);
  json::Writer writer;
  WriteRecord(Begin(writer, "approval"), record);
  writer.Member("answer", Word(approval)).EndObject();
  Write(writer.Take());
  return approval;
}

}  // namespace rune::agent
