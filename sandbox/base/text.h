#pragma once
/// Pure text work: UTF-8, border safety, splitting, nearest word. No side effects.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rune {

/// Replaces every malformed sequence (Unicode 15, section 3.9: overlong, surrogate, truncated) by U+FFFD.
std::string ScrubUtf8(std::string_view text);
bool IsValidUtf8(std::string_view text);

/// The longest prefix of at most `max_bytes` bytes that does not cut a UTF-8 sequence.
std::string_view Utf8Prefix(std::string_view text, std::size_t max_bytes);
/// The same for the end of the text.
std::string_view Utf8Suffix(std::string_view text, std::size_t max_bytes);

/// What MakeSafe() took out.
struct SafeText {
  std::string text;
  std::size_t removed = 0;  ///< Code points taken out; a malformed byte sequence counts as one.
};
/// Text from a model, tool or server made fit for a terminal, a build log or a model: valid UTF-8 without
/// escape sequences (ECMA-48), C0 (but tab and newline), C1, DEL, bidirectional controls, zero-width and tag
/// characters. A CR LF becomes LF, a lone CR becomes LF. Idempotent.
SafeText MakeSafe(std::string_view text);
/// MakeSafe() folded to one line (newlines and tabs become spaces) of at most `max_bytes` bytes, with "…" where cut.
std::string OneLine(std::string_view text, std::size_t max_bytes = 200);

std::vector<std::string_view> Split(std::string_view text, char separator);
std::string_view Trim(std::string_view text);
std::string ToLower(std::string_view text);
std::string Join(std::span<const std::string> parts, std::string_view separator);

/// The candidate with the smallest edit distance to `word`, when it is near enough to be meant.
std::optional<std::string> Nearest(std::string_view word, std::span<const std::string> candidates);

/// Whole-string decimal numbers; nullopt on anything else, overflow included.
std::optional<std::int64_t> ParseInt(std::string_view text);
std::optional<double> ParseDouble(std::string_view text);
/// 1/true/yes/y/on and 0/false/no/n/off, in any case, with surrounding blanks.
std::optional<bool> ParseBool(std::string_view text);

}  // namespace rune
