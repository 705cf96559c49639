#pragma once
/// What the encoders of all wires share. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/conversation/message.h"
#include "agent/conversation/model.h"
#include "agent/json/json.h"
#include "agent/wires/caps.h"

namespace rune::agent {

/// Tokens that an answer may have: as asked, else the table's; 0: no cap is sent.
std::uint64_t OutputCap(const GenerationOptions& options, const Caps& caps);

bool IsBlank(std::string_view text);

/// Those in a tool message.
std::vector<const ToolResult*> ResultsOf(const Message& message);
/// Of these, those with pictures.
std::vector<const ToolResult*> ResultsWithImages(const Message& message);

/// What a tool said, for formats that have no flag for errors.
std::string ResultText(const ToolResult& result);

/// Stands before the pictures of a result that follow behind the results.
std::string PicturesCaption(const ToolResult& result);

/// A provider's own state, if it begins with `prefix`, as the wire's decoder packed it: another wire's state may stand
/// under the same model's name.
std::optional<json::Document> StateOf(const std::string& opaque, std::string_view prefix = "");

}  // namespace rune::agent
