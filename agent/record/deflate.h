#pragma once
/// Raw deflate (RFC 1951) of short texts.

#include <string>
#include <string_view>

#include "sandbox/base/result.h"

namespace rune::agent {

Result<std::string> Deflate(std::string_view plain);
/// kProtocol when the stream is broken or would give more than `max_bytes`.
Result<std::string> Inflate(std::string_view packed, std::size_t max_bytes);

}  // namespace rune::agent
