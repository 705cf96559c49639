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

/// From now on `value` never leaves through Log() or Redact(), neither plain nor base64, base64url, percent or
/// JSON encoded. Values under 8 bytes are ignored: they would blank out ordinary text.
void AddSecret(std::string_view value);
/// `text` with every known secret, and every string of the shape of a well-known credential, replaced by "***".
std::string Redact(std::string_view text);

void Log(LogLevel level, std::string_view message);

}  // namespace rune
