#include <string>
#include <string_view>
#include <vector>

#include "agent/json/schema.h"
#include "sandbox/base/text.h"

namespace rune::json {
namespace {

/// The contents of the fenced code blocks (CommonMark 0.31, section 4.5, with backquotes) of a text.
std::vector<std::string> FencedBlocks(std::string_view text) {
  std::vector<std::string> blocks;
  bool inside = false;
  for (const std::string_view line : Split(text, '\n')) {
    const std::string_view trimmed = Trim(line);
    const bool fence = trimmed.starts_with("```");
    if (!inside && fence) {
      blocks.emplace_back();
    } else if (inside && !(fence && Trim(trimmed.substr(3)).empty())) {
      blocks.back().append(line).append("\n");
      continue;
    } else if (!inside) {
      continue;
    }
    inside = !inside;
  }
  return blocks;
}

}  // namespace

Result<Document> ParseAnswer(std::string_view answer) {
  constexpr ParseOptions kOptions{.unique_keys = true};
  auto whole = Document::Parse(Trim(answer), "answer", kOptions);
  if (whole.ok()) return whole;
  const std::vector<std::string> blocks = FencedBlocks(answer);
  if (blocks.empty()) return whole;
  if (blocks.size() > 1) return Error::Invalid("answer: more than one code block; only one JSON value is wanted");
  return Document::Parse(blocks.front(), "answer", kOptions);
}

}  // namespace rune::json
