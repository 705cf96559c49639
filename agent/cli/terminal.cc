#include "agent/cli/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <utility>

#include "agent/run/denials.h"
#include "agent/run/layers.h"
#include "sandbox/base/files.h"
#include "sandbox/base/redaction.h"
#include "sandbox/base/text.h"

namespace rune::agent {

std::optional<std::string> ReadLine(EventLoop& loop, int fd, std::string& pending) {
  bool ended = false;
  loop.Watch(fd, POLLIN, [&](short) {
    char buffer[4096];
    const ssize_t n = RetryOnEintr([&] { return ::read(fd, buffer, sizeof buffer); });
    if (n <= 0)
      ended = true;
    else
      pending.append(buffer, static_cast<std::size_t>(n));
  });
  const auto wake = loop.RunUntil([&] { return ended || pending.find('\n') != std::string::npos; });
  loop.Unwatch(fd);
  const std::size_t newline = pending.find('\n');
  if (wake != EventLoop::Wake::kDone || newline == std::string::npos) return std::nullopt;
  std::string line = pending.substr(0, newline);
  pending.erase(0, newline + 1);
  return line;
}

namespace {

/// What was typed and not read yet, once all that was written to the terminal stands there; without waiting for more,
/// and unfinished lines, too (termios(3): those are handed out in non-canonical mode alone).
std::string TakeInput(int tty) {
  termios modes{};
  if (::tcdrain(tty) != 0 || ::tcgetattr(tty, &modes) != 0) return "";
  termios raw = modes;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON);
  raw.c_cc[VMIN] = 0;
  raw.c_cc[VTIME] = 0;
  if (::tcsetattr(tty, TCSANOW, &raw) != 0) return "";
  std::string text;
  char buffer[4096];
  ssize_t n = 0;
  while ((n = RetryOnEintr([&] { return ::read(tty, buffer, sizeof buffer); })) > 0) {
    text.append(buffer, static_cast<std::size_t>(n));
  }
  ::tcsetattr(tty, TCSANOW, &modes);
  std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t'; });
  return text;
}

}  // namespace

std::string TerminalObserver::TakeTypedAhead() { return std::exchange(typed_ahead_, {}); }

void TerminalObserver::Print(const std::string& line) const {
  if (verbosity_ == Verbosity::kQuiet) return;
  const auto ignored = WriteAll(STDERR_FILENO, Redact(line) + "\n");
}

void TerminalObserver::OnText(std::string_view text) {
  streamed_ = true;
  const auto ignored = WriteAll(STDOUT_FILENO, Redact(MakeSafe(text).text));
}

void TerminalObserver::OnToolStart(const ToolRecord& record) {
  if (streamed_) Print("");
  streamed_ = false;
  Print("  ⚙ " + record.summary);
}

void TerminalObserver::OnToolEnd(const ToolRecord& record, const std::string&) {
  if (record.detail.empty())
    Print("  ✓ " + record.name + "...ok");
  else
    Print("  ✗ " + record.name + ": " + record.detail);
  for (const std::string& line : record.notes) Print("    " + line);
  if (!record.ran) return;  // the refusal is the detail
  for (const std::string& line : RefusalLines(record.refusals)) Print("    " + line);
}

void TerminalObserver::OnNotice(const std::string& notice) { Print("  " + OneLine(notice)); }

void TerminalObserver::OnEnd(const RunResult& result) {
  if (const std::string line = SandboxLine(result.proof); !result.tools.empty() && line != said_of_layers_) {
    Print("  sandbox: " + line);
    said_of_layers_ = line;
  }
  for (const std::string& line : EgressText(result.egress)) Print("  egress: " + line);
  Print("⚡ [" + std::to_string(result.steps) + " steps | " + std::to_string(result.usage.total()) + " tokens | " +
        std::to_string(result.tools.size()) + " tool calls]");
}

Approval TerminalObserver::Approve(const ToolRecord& record, const Refusal& refusal) {
  if (questions_ == Questions::kRefuse) return Approval::kNobody;
  const UniqueFd tty(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (!tty.valid()) return Approval::kNobody;
  const bool always = !refusal.remedy.entries.empty();
  std::string always_what;
  if (always)
    always_what = "  A: always in this session for " + OneLine(Join(refusal.remedy.entries, ", "), 4000) + "\n";
  if (!refusal.directory.empty()) always_what += "  D: always in this session for all of " + refusal.directory + "\n";
  // The whole call is shown: what does not fit on a line is just what must not be hidden.
  auto shown = WriteAll(
      tty.get(), "  ⚙ " + OneLine(record.summary, 4000) + "\n  ⚠ " + OneLine(refusal.message) + "\n" + always_what);
  // What was typed before the question stands there was meant for something else.
  typed_ahead_ += TakeInput(tty.get());
  shown = WriteAll(tty.get(), std::string("  ⚠ Execute? [Y/n") + (always ? "/A(lways)" : "") +
                                  (refusal.directory.empty() ? "" : "/D(irectory)") + "] ");
  if (!shown.ok()) return Approval::kNobody;
  std::string pending;
  const auto line = ReadLine(loop_, tty.get(), pending);
  if (!line) return Approval::kNo;
  const std::string answer = ToLower(Trim(*line));
  if (always && (answer == "a" || answer == "always")) {
    Print("  allowed for this session: " + Join(refusal.remedy.entries, ", "));
    return Approval::kAlways;
  }
  if (!refusal.directory.empty() && (answer == "d" || answer == "directory")) {
    Print("  allowed for this session: all of " + refusal.directory);
    return Approval::kAlwaysBelow;
  }
  return answer.empty() || answer == "y" || answer == "yes" ? Approval::kOnce : Approval::kNo;
}

}  // namespace rune::agent
