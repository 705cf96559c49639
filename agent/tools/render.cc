#include "agent/tools/render.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

using sandbox::Completed;
using sandbox::LimitHit;
using sandbox::Report;
using sandbox::Stream;
using std::string_view;

bool IsBinary(string_view text) {
  const string_view sample = Utf8Prefix(text, 8000);
  if (sample.find('\0') != string_view::npos) return true;
  return !IsValidUtf8(sample) && MakeSafe(sample).removed > sample.size() / 5;
}

std::string Remark(std::size_t removed) {
  return removed == 0 ? "" : "\n[" + std::to_string(removed) + " invisible characters removed]";
}

std::string InFile(const Stream& stream) {
  return stream.spill.empty() ? "" : "; all of it is in " + OneLine(stream.spill);
}

std::string Binary(const Stream& stream) {
  return "[binary output of " + std::to_string(stream.total) + " bytes, not shown" + InFile(stream) + "]";
}

/// Wall clock limits are whole seconds; what was measured is a little more.
std::string Seconds(std::uint64_t microseconds) {
  if (microseconds >= 1'000'000) return std::to_string(microseconds / 1'000'000) + " s";
  return std::to_string(microseconds / 1000) + " ms";
}

bool RefusedByLandlock(const Report& report) {
  return std::any_of(report.denials.begin(), report.denials.end(),
                     [](const sandbox::Denial& denial) { return denial.by == sandbox::DeniedBy::kLandlock; });
}

/// Ends a piece of text after its last whole line, when that does not cost much.
string_view WholeLines(string_view text) {
  const std::size_t newline = text.rfind('\n');
  return newline == string_view::npos || newline + 1 < text.size() / 2 ? text : text.substr(0, newline + 1);
}

}  // namespace

std::string EndOf(const Report& report) {
  if (report.guardian_lost) return "the sandbox was lost; the call was stopped";
  if (report.cancelled) return "cancelled";
  switch (report.limit) {
    case LimitHit::kNone:
      break;
    case LimitHit::kWall:
      return "killed: wall clock limit of " + Seconds(report.wall_us);
    case LimitHit::kMemory:
    case LimitHit::kPids:
    case LimitHit::kCpu:
    case LimitHit::kOutput:
    case LimitHit::kFileSize:
      return "killed: " + std::string(sandbox::LimitHitName(report.limit)) + " limit";
  }
  if (report.signal == 0) return "";
  const char* name = ::strsignal(report.signal);
  return "killed by signal " + std::to_string(report.signal) + (name == nullptr ? "" : " (" + std::string(name) + ")");
}

std::optional<ToolOutput> RenderFailure(const Completed& done) {
  const Report& report = done.report;
  if (report.setup_error.empty()) return std::nullopt;
  std::string why = OneLine(report.setup_error);
  if (RefusedByLandlock(report)) {
    why = "Permission denied (Landlock): the program is not among the allowed commands";
  } else if (report.setup_error.starts_with("exec") && report.setup_errno == ENOENT) {
    why = "command not found";
  }
  return ToolOutput{.text = "could not run: " + why, .is_error = true};
}

std::string ShowStream(const Stream& stream, std::size_t budget) {
  if (IsBinary(stream.head)) return Binary(stream);
  if (stream.tail.empty() && stream.head.size() <= budget) {
    SafeText safe = MakeSafe(stream.head);
    return std::move(safe.text) + Remark(safe.removed);
  }
  const string_view head = WholeLines(Utf8Prefix(stream.head, budget * 3 / 5));
  const string_view rest =
      stream.tail.empty() ? string_view(stream.head).substr(head.size()) : string_view(stream.tail);
  const string_view tail = Utf8Suffix(rest, budget - head.size());
  const SafeText safe_head = MakeSafe(head);
  const SafeText safe_tail = MakeSafe(tail);
  std::string text = safe_head.text;
  if (!text.empty() && text.back() != '\n') text += '\n';
  text +=
      "[... " + std::to_string(stream.total - head.size() - tail.size()) + " bytes omitted" + InFile(stream) + "]\n";
  return text + safe_tail.text + Remark(safe_head.removed + safe_tail.removed);
}

std::string ShowHead(const Stream& stream, string_view advice) {
  if (IsBinary(stream.head)) return Binary(stream);
  if (stream.total <= kStreamBudget && stream.tail.empty()) {
    SafeText safe = MakeSafe(stream.head);
    return std::move(safe.text) + Remark(safe.removed);
  }
  const string_view head = WholeLines(Utf8Prefix(stream.head, kStreamBudget));
  const SafeText safe = MakeSafe(head);
  const auto lines = std::count(head.begin(), head.end(), '\n');
  std::string text = safe.text;
  if (!text.empty() && text.back() != '\n') text += '\n';
  return text + "[the first " + std::to_string(lines) + " lines; " + std::to_string(stream.total - head.size()) +
         " bytes omitted: " + std::string(advice) + "]" + Remark(safe.removed);
}

ToolOutput RenderOperation(const Completed& done, string_view advice) {
  if (auto failure = RenderFailure(done)) return *failure;
  if (std::string end = EndOf(done.report); !end.empty()) return {.text = std::move(end), .is_error = true};
  if (done.report.exit_code == 0) {
    std::string text = ShowHead(done.out, advice);
    return {.text = text.empty() ? "(empty)" : std::move(text)};
  }
  std::string text(Trim(OneLine(done.err.head, 1000)));
  if (RefusedByLandlock(done.report)) text += " (Landlock)";
  return {.text = text.empty() ? "failed" : std::move(text), .is_error = true};
}

}  // namespace rune::agent
