#include "agent/tools/render.h"

#include <algorithm>

#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

using sandbox::Completed;
using sandbox::Stream;
using std::string_view;

/// The length of the well-formed UTF-8 sequence at `at`; 0 when there is none.
std::size_t SequenceAt(string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  return at + length <= text.size() && IsValidUtf8(text.substr(at, length)) ? length : 0;
}

/// NUL bytes end names in many lists, and a few bytes of another encoding are no reason to show nothing: bytes are
/// counted that no list has, a NUL behind a NUL among them.
bool IsBinary(string_view text) {
  const string_view sample = Utf8Prefix(text, 8000);
  std::size_t odd = 0;
  for (std::size_t i = 0; i < sample.size();) {
    const std::size_t length = SequenceAt(sample, i);
    const char c = sample[i];
    const bool plain = c == '\n' || c == '\t' || c == '\r' || c == '\x1b';
    const bool control = static_cast<unsigned char>(c) < 0x20 && !plain;
    if (length == 0 || (c == '\0' ? i > 0 && sample[i - 1] == '\0' : control)) ++odd;
    i += length == 0 ? 1 : length;
  }
  return odd > sample.size() / 5;
}

/// What is no text, as it is written in C.
std::string Escaped(string_view text) {
  constexpr string_view kDigits = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = SequenceAt(text, i);
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == 0) {
      out += "\\0";
    } else if (length == 0) {
      out.append("\\x").append(1, kDigits[byte >> 4]).append(1, kDigits[byte & 15]);
    } else {
      out += text.substr(i, length);
    }
    i += length == 0 ? 1 : length;
  }
  return out;
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
    SafeText safe = MakeSafe(Escaped(stream.head));
    return std::move(safe.text) + Remark(safe.removed);
  }
  const string_view head = WholeLines(Utf8Prefix(stream.head, budget * 3 / 5));
  const string_view rest =
      stream.tail.empty() ? string_view(stream.head).substr(head.size()) : string_view(stream.tail);
  const string_view tail = Utf8Suffix(rest, budget - head.size());
  const SafeText safe_head = MakeSafe(Escaped(head));
  const SafeText safe_tail = MakeSafe(Escaped(tail));
  std::string text = safe_head.text;
  if (!text.empty() && text.back() != '\n') text += '\n';
  text +=
      "[... " + std::to_string(stream.total - head.size() - tail.size()) + " bytes omitted" + InFile(stream) + "]\n";
  return text + safe_tail.text + Remark(safe_head.removed + safe_tail.removed);
}

std::string ShowHead(const Stream& stream, string_view advice) {
  if (IsBinary(stream.head)) return Binary(stream);
  if (stream.total <= kStreamBudget && stream.tail.empty()) {
    SafeText safe = MakeSafe(Escaped(stream.head));
    return std::move(safe.text) + Remark(safe.removed);
  }
  const string_view head = WholeLines(Utf8Prefix(stream.head, kStreamBudget));
  const SafeText safe = MakeSafe(Escaped(head));
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
