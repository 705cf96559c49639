#include "agent/tools/render.h"

#include <algorithm>

#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

using sandbox::Completed;
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

/// Ends a piece of text after its last whole line, when that does not cost much.
string_view WholeLines(string_view text) {
  const std::size_t newline = text.rfind('\n');
  return newline == string_view::npos || newline + 1 < text.size() / 2 ? text : text.substr(0, newline + 1);
}

}  // namespace

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
  if (!Exited(done.report)) return {.text = EndText(done.report), .is_error = true};
  if (done.report.exit_code == 0) {
    std::string text = ShowHead(done.out, advice);
    return {.text = text.empty() ? "(empty)" : std::move(text)};
  }
  std::string text(Trim(OneLine(done.err.head, 1000)));
  if (RefusedBy(done.report, sandbox::DeniedBy::kLandlock)) text += " (Landlock)";
  return {.text = text.empty() ? "failed" : std::move(text), .is_error = true};
}

}  // namespace rune::agent
