#pragma once
/// Which rules a schema follows, and where its references lead. Internal to schema.h.

#include <cstdint>
#include <string_view>

#include "agent/json/json.h"

namespace rune::json {

enum class Draft : std::uint8_t { k7, k2020 };
/// By `$schema`; 2020-12 without one.
Draft DraftOf(const View& root);

/// The place that a `$ref` within the document names: "#", "#/$defs/<name>", any JSON pointer behind "#" (RFC 6901,
/// section 6). Missing when there is none, or when it names another document.
View FindReference(const View& root, std::string_view reference);

}  // namespace rune::json
