#include <algorithm>
#include <optional>

#include "agent/vision/image_loader.h"
#include "agent/vision/image_type.h"
#include "sandbox/base/encoding.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kOpening = "([{<\"'`";

bool BeginsWord(std::string_view text, std::size_t at) {
  return at == 0 || kBlanks.find(text[at - 1]) != std::string_view::npos ||
         kOpening.find(text[at - 1]) != std::string_view::npos;
}

}  // namespace

std::vector<ImageReference> FindImageReferences(std::string_view text) {
  std::vector<ImageReference> found;
  for (std::size_t at = text.find('@'); at != std::string_view::npos; at = text.find('@', at + 1)) {
    if (!BeginsWord(text, at) || at + 1 >= text.size()) continue;
    const char quote = text[at + 1];
    if (quote == '"' || quote == '\'') {
      const std::size_t close = text.find(quote, at + 2);
      if (close == std::string_view::npos || close == at + 2) continue;
      const std::string_view name = text.substr(at + 2, close - at - 2);
      if (name.find('\n') != std::string_view::npos) continue;
      found.push_back({at, close + 1, std::string(name)});
    } else {
      const std::size_t end = std::min(text.find_first_of(kBlanks, at), text.size());
      if (end > at + 1) found.push_back({at, end, std::string(text.substr(at + 1, end - at - 1))});
    }
    if (!found.empty() && found.back().begin == at) at = found.back().end - 1;
  }
  return found;
}

Result<Image> DecodeDataUri(std::string_view uri) {
  constexpr std::string_view kName = "data: URI";
  const std::size_t comma = uri.find(',');
  if (!uri.starts_with("data:") || comma == std::string_view::npos ||
      !ToLower(uri.substr(0, comma)).ends_with(";base64")) {
    return Error::Invalid(std::string(kName) + ": expected data:image/png;base64,...");
  }
  // Before it is decoded: nobody needs more than this in memory twice.
  if (uri.size() > kMaxImageBytes / 3 * 4 + 256) return Error::Invalid(std::string(kName) + ": is larger than 5 MiB");
  auto bytes = Base64Decode(uri.substr(comma + 1));
  if (!bytes) return Error::Invalid(std::string(kName) + ": is not base64");
  return MakeImage(std::move(*bytes), kName);
}

}  // namespace rune::agent
