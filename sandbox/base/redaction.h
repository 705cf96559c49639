#pragma once
/// What never leaves: secrets that this process was told, in every form in which they travel.

#include <string>
#include <string_view>

namespace rune {

/// From now on `value` never leaves through Log() or Redact(), neither plain nor base64, base64url, percent or
/// JSON encoded. Values under 8 bytes are ignored: they would blank out ordinary text.
void AddSecret(std::string_view value);
/// `text` with every known secret, and every string of the shape of a well-known credential, replaced by "***".
std::string Redact(std::string_view text);

/// True of a variable that holds a secret, by the words of its name: GITHUB_TOKEN and AWS_SECRET_ACCESS_KEY, but
/// neither GIT_AUTHOR_NAME nor KEYBOARD.
bool NamesSecret(std::string_view name);

}  // namespace rune
