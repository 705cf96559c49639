#include "agent/wires/encoding.h"

#include <utility>

namespace rune::agent {

std::uint64_t OutputCap(const GenerationOptions& options, const Caps& caps) {
  return options.max_output_tokens > 0 ? options.max_output_tokens : caps.default_max_tokens;
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
