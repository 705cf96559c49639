#pragma once
/// Text as a string literal of the languages that configurations and reports are written in. Pure.

#include <string>
#include <string_view>

namespace rune {

/// Adds `text` in double quotes, with the escapes of RFC 8785 3.2.2.2: the short ones, \u00xx for other controls,
/// nothing else. `text` is valid UTF-8 (ScrubUtf8()), or the result is no JSON.
void AppendJsonQuoted(std::string& out, std::string_view text);
std::string QuoteJson(std::string_view text);
/// A TOML 1.0 basic string: as JSON, with DEL escaped, too. A YAML 1.2 double-quoted scalar reads the same.
std::string QuoteToml(std::string_view text);

}  // namespace rune
