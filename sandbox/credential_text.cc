#include "sandbox/credential_text.h"

#include <algorithm>
#include <array>
#include <string>

#include "sandbox/base/characters.h"
#include "sandbox/base/list.h"
#include "sandbox/base/text.h"

namespace rune::sandbox {
namespace {

constexpr std::size_t kLongestName = 20;  ///< Of a user alone in a URL; what is longer is a token.

/// What stands where a secret would, and is none.
bool IsValue(std::string_view value) {
  while (!value.empty() && (value.front() == '"' || value.front() == '\'')) value.remove_prefix(1);
  value = value.substr(0, value.find_first_of("\"' \t<,;"));
  constexpr std::array<std::string_view, 8> kWords{"yes", "no", "true", "false", "none", "null", "prompt", "ask"};
  return value.size() > 2 && std::string_view("$%/~{*(").find(value.front()) == std::string_view::npos &&
         !Contains(kWords, ToLower(value));
}

/// scheme://user:password@host, or a token alone before the "@".
bool HasUserInUrl(std::string_view line) {
  for (std::size_t at = line.find("://"); at != std::string_view::npos; at = line.find("://", at)) {
    at += 3;
    const std::string_view rest = line.substr(at, line.find_first_of(" \t/\"'?#", at) - at);
    const std::size_t end = rest.rfind('@');
    if (end == std::string_view::npos) continue;
    const std::string_view user = rest.substr(0, end);
    const std::size_t colon = user.find(':');
    if (colon == std::string_view::npos ? user.size() > kLongestName && IsValue(user) : IsValue(user.substr(colon + 1)))
      return true;
  }
  return false;
}

/// "_authToken", "http_password", "GITHUB_TOKEN", "api-key": by the words that they end in, or that they are.
bool IsSecretName(std::string_view name) {
  constexpr std::array<std::string_view, 13> kEnds{
      "password", "passwd",     "token",      "secret", "credential",  "apikey",       "api_key",
      "api-key",  "access_key", "secret_key", "_auth",  "private_key", "authorization"};
  const std::string lower = ToLower(name);
  return std::any_of(kEnds.begin(), kEnds.end(), [&](std::string_view end) { return lower.ends_with(end); });
}

bool IsNameCharacter(char c) { return IsAlphanumeric(c) || c == '_' || c == '-'; }

/// The name that ends where `line` does.
std::string_view NameAtEnd(std::string_view line) {
  line = line.substr(0, line.find_last_not_of(" \t\"'") + 1);
  std::size_t start = line.size();
  while (start > 0 && IsNameCharacter(line[start - 1])) --start;
  return line.substr(start);
}

/// name = value, name: value, <name>value, and, as netrc and its kind have it, name value.
bool HasSecretSetting(std::string_view line) {
  for (std::size_t at = line.find_first_of("=:>"); at != std::string_view::npos;
       at = line.find_first_of("=:>", at + 1)) {
    if (IsSecretName(NameAtEnd(line.substr(0, at))) && IsValue(Trim(line.substr(at + 1)))) return true;
  }
  const auto words = Split(line, ' ');
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] == "password" && IsValue(words[i + 1])) return true;
  }
  return false;
}

/// curl's `user = "name:password"`.
bool HasUserOption(std::string_view line) {
  const std::size_t equals = line.find_first_of("=: ");
  if (equals == std::string_view::npos) return false;
  const std::string_view name = NameAtEnd(line.substr(0, equals));
  if (name != "user" && name != "proxy-user" && name != "-u") return false;
  const std::string_view value = Trim(line.substr(equals + 1));
  const std::size_t colon = value.find(':');
  return colon != std::string_view::npos && IsValue(value.substr(colon + 1));
}

/// Maven's settings.xml comes with examples of passwords in comments (XML 1.0, 2.5).
std::string WithoutMarkupComments(std::string_view text) {
  std::string out;
  for (std::size_t begin = text.find("<!--"); begin != std::string_view::npos; begin = text.find("<!--")) {
    out += text.substr(0, begin);
    const std::size_t end = text.find("-->", begin + 4);
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 3);
  }
  return out.append(text);
}

}  // namespace

bool HoldsCredential(std::string_view text) {
  const std::string without_comments = WithoutMarkupComments(text);
  for (std::string_view line : Split(without_comments, '\n')) {
    line = Trim(line);
    if (line.empty() || line.front() == '#' || line.front() == ';' || line.starts_with("// ")) continue;
    if (line.find("PRIVATE KEY-----") != std::string_view::npos) return true;
    if (HasUserInUrl(line) || HasSecretSetting(line) || HasUserOption(line)) return true;
  }
  return false;
}

}  // namespace rune::sandbox
