#pragma once
/// Logging to stderr, one line per event, with secrets taken out in the sink so that no caller can forget.
/// Standard output belongs to the answer and is never written here.

#include <string>
#include <string_view>

namespace rune {

enum class LogLevel { kDebug, kInfo, kWarn, kError };

void SetLogLevel(LogLevel level);
LogLevel CurrentLogLevel();
/// "debug", "info", "warn", "error"; false when the word is none of them.
bool ParseLogLevel(std::string_view word, LogLevel& level);

void Log(LogLevel level, std::string_view message);

}  // namespace rune
