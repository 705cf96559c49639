#include "sandbox/base/log.h"

#include <unistd.h>

#include <string>

#include "sandbox/base/redaction.h"
#include "sandbox/base/text.h"

namespace rune {
namespace {

LogLevel& Threshold() {
  static LogLevel level = LogLevel::kWarn;
  return level;
}

}  // namespace

void SetLogLevel(LogLevel level) { Threshold() = level; }
LogLevel CurrentLogLevel() { return Threshold(); }

bool ParseLogLevel(std::string_view word, LogLevel& level) {
  if (word == "debug")
    level = LogLevel::kDebug;
  else if (word == "info")
    level = LogLevel::kInfo;
  else if (word == "warn")
    level = LogLevel::kWarn;
  else if (word == "error")
    level = LogLevel::kError;
  else
    return false;
  return true;
}

void Log(LogLevel level, std::string_view message) {
  if (level < Threshold()) return;
  std::string line;
  if (level == LogLevel::kWarn) line = "warning: ";
  if (level == LogLevel::kError) line = "error: ";
  line += Redact(MakeSafe(message).text);
  line += '\n';
  // One write(2), so that lines of parallel processes do not mix. Nothing can be done when stderr is gone.
  [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace rune
