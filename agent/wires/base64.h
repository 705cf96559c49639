#pragma once
/// Base64 (RFC 4648, section 4) straight into a request: pictures are megabytes, so nothing is encoded elsewhere first.

#include <string_view>

#include "agent/json/json.h"

namespace rune::agent {

/// A JSON string of `prefix` ("data:image/png;base64,", or nothing; no character that JSON escapes) and the bytes.
void WriteBase64(json::Writer& out, std::string_view bytes, std::string_view prefix = "");

}  // namespace rune::agent
