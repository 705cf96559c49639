#include "agent/wires/encoding.h"

#include <utility>
#include <variant>

#include "sandbox/base/text.h"

namespace rune::agent {

std::uint64_t OutputCap(const GenerationOptions& options, const Caps& caps) {
  return options.max_output_tokens > 0 ? options.max_output_tokens : caps.default_max_tokens;
}

bool IsBlank(std::string_view text) { return Trim(text).empty(); }

std::vector<const ToolResult*> ResultsOf(const Message& message) {
  std::vector<const ToolResult*> results;
  for (const Part& part : message.parts) {
    if (const auto* const result = std::get_if<ToolResult>(&part)) results.push_back(result);
  }
  return results;
}

std::vector<const ToolResult*> ResultsWithImages(const Message& message) {
  std::vector<const ToolResult*> results = ResultsOf(message);
  std::erase_if(results, [](const ToolResult* result) { return result->images.empty(); });
  return results;
}

std::string ResultText(const ToolResult& result) {
  return result.is_error && !result.text.starts_with("Error") ? "Error: " + result.text : result.text;
}

std::string PicturesCaption(const ToolResult& result) { return "Pictures in the result of " + result.name + ":"; }

std::optional<json::Document> StateOf(const std::string& opaque, std::string_view prefix) {
  if (opaque.empty() || !opaque.starts_with(prefix)) return std::nullopt;
  auto parsed = json::Document::Parse(opaque);
  if (!parsed.ok()) return std::nullopt;
  return std::move(parsed).value();
}

}  // namespace rune::agent
