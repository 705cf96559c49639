#include "agent/record/canonical.h"

#include "agent/json/pointer.h"
#include "agent/json/schema.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

std::string_view WithoutTrailingBlanks(std::string_view line) {
  const std::size_t last = line.find_last_not_of(" \t\v\f");
  return last == std::string_view::npos ? std::string_view() : line.substr(0, last + 1);
}

Result<std::string> CanonicalJson(std::string_view answer, const std::vector<std::string>& pointers) {
  RUNE_ASSIGN_OR_RETURN(const json::Document document, json::ParseAnswer(answer));
  if (pointers.empty()) return document.root().DumpCanonical();
  std::string out = "[";
  for (const std::string& pointer : pointers) {
    if (out.size() > 1) out += ',';
    const json::View place = json::Resolve(document.root(), pointer);
    out += place.exists() ? place.DumpCanonical() : "null";
  }
  return out + "]";
}

}  // namespace

std::string_view CanonicalRuleName(CanonicalRule rule) {
  switch (rule) {
    case CanonicalRule::kNone:
      return "none";
    case CanonicalRule::kText:
      return "text";
    case CanonicalRule::kJson:
      return "json";
  }
  return "";
}

std::optional<CanonicalRule> ParseCanonicalRule(std::string_view word) {
  for (const CanonicalRule rule : {CanonicalRule::kNone, CanonicalRule::kText, CanonicalRule::kJson}) {
    if (word == CanonicalRuleName(rule)) return rule;
  }
  return std::nullopt;
}

std::string CanonicalText(std::string_view answer) {
  const std::string scrubbed = ScrubUtf8(answer);
  std::string unified;
  unified.reserve(scrubbed.size());
  for (std::size_t i = 0; i < scrubbed.size(); ++i) {
    if (scrubbed[i] != '\r') {
      unified += scrubbed[i];
    } else {
      unified += '\n';
      if (i + 1 < scrubbed.size() && scrubbed[i + 1] == '\n') ++i;
    }
  }
  std::string out;
  out.reserve(unified.size());
  std::size_t blank_lines = 0;  // held back: they count only between two lines of text
  for (const std::string_view raw : Split(unified, '\n')) {
    const std::string_view line = WithoutTrailingBlanks(raw);
    if (line.empty()) {
      ++blank_lines;
      continue;
    }
    if (!out.empty()) out.append(blank_lines + 1, '\n');
    blank_lines = 0;
    out += line;
  }
  return out;
}

Result<std::string> Canonicalize(std::string_view answer, const CanonicalForm& form) {
  switch (form.rule) {
    case CanonicalRule::kNone:
      return std::string(answer);
    case CanonicalRule::kText:
      return CanonicalText(answer);
    case CanonicalRule::kJson:
      return CanonicalJson(answer, form.pointers);
  }
  return Error::Invalid("unknown canonical rule");
}

}  // namespace rune::agent
