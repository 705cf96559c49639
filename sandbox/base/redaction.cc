#include "sandbox/base/redaction.h"

#include <algorithm>
#include <array>
#include <vector>

#include "sandbox/base/characters.h"
#include "sandbox/base/encoding.h"
#include "sandbox/base/list.h"
#include "sandbox/base/quoted.h"
#include "sandbox/base/text.h"

namespace rune {
namespace {

constexpr std::size_t kShortestSecret = 8;
constexpr std::string_view kMask = "***";

/// Prefixes of credentials, and how many token characters must follow before it is one (word lists, not entropy).
struct Shape {
  std::string_view prefix;
  std::size_t least;
};
constexpr std::array<Shape, 16> kShapes{{{"sk-", 16},
                                         {"ghu_", 16},
                                         {"ghp_", 16},
                                         {"gho_", 16},
                                         {"ghs_", 16},
                                         {"ghr_", 16},
                                         {"github_pat_", 16},
                                         {"glpat-", 16},
                                         {"AIza", 30},
                                         {"AKIA", 16},
                                         {"ASIA", 16},
                                         {"xoxb-", 16},
                                         {"xoxp-", 16},
                                         {"hf_", 20},
                                         {"npm_", 30},
                                         {"eyJ", 40}}};

/// Longest first, so that a secret inside another does not leave a rest.
std::vector<std::string>& Secrets() {
  static std::vector<std::string> secrets;
  return secrets;
}

bool IsTokenChar(char c) { return IsAlphanumeric(c) || c == '_' || c == '-' || c == '.'; }

/// As it stands inside a JSON string.
std::string JsonEscape(std::string_view text) {
  const std::string quoted = QuoteJson(text);
  return quoted.substr(1, quoted.size() - 2);
}

/// The part of base64(prefix + value + suffix) that depends on `value` alone, for each of the three alignments.
void AddBase64Forms(std::string_view value, std::vector<std::string>& forms) {
  for (std::size_t shift = 0; shift < 3; ++shift) {
    const std::string padded = std::string(shift, '\0').append(value);
    const std::size_t first = (shift * 8 + 5) / 6;
    const std::size_t last = padded.size() * 8 / 6;
    for (const std::string& encoded : {Base64Encode(padded), Base64UrlEncode(padded)}) {
      const std::string form = encoded.substr(first, last - first);
      if (form.size() >= kShortestSecret) forms.push_back(form);
    }
  }
}

void ReplaceAll(std::string& text, std::string_view what) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + kMask.size())) {
    text.replace(at, what.size(), kMask);
  }
}

void MaskShapes(std::string& text) {
  for (const Shape& shape : kShapes) {
    for (std::size_t at = text.find(shape.prefix); at != std::string::npos; at = text.find(shape.prefix, at + 1)) {
      if (at > 0 && (IsTokenChar(text[at - 1]) && text[at - 1] != '.')) continue;  // inside a word: "task-1"
      std::size_t end = at + shape.prefix.size();
      while (end < text.size() && IsTokenChar(text[end])) ++end;
      if (end - at - shape.prefix.size() >= shape.least) text.replace(at, end - at, kMask);
    }
  }
}

}  // namespace

void AddSecret(std::string_view value) {
  if (value.size() < kShortestSecret) return;
  auto& secrets = Secrets();
  std::vector<std::string> forms{std::string(value), JsonEscape(value), PercentEncode(value), HexEncode(value)};
  AddBase64Forms(value, forms);
  for (std::string& form : forms) AddOnce(secrets, std::move(form));
  std::stable_sort(secrets.begin(), secrets.end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });
}

std::string Redact(std::string_view text) {
  std::string out(text);
  for (const std::string& secret : Secrets()) ReplaceAll(out, secret);
  MaskShapes(out);
  return out;
}

bool NamesSecret(std::string_view name) {
  const std::string lower = ToLower(std::string(name));
  for (const std::string_view word : Split(lower, '_')) {
    for (const char* secret :
         {"key", "apikey", "token", "secret", "password", "passwd", "pass", "credential", "credentials", "pat"}) {
      if (word == secret) return true;
    }
  }
  return false;
}

}  // namespace rune
