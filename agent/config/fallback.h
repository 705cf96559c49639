#pragma once
/// One entry of `fallback`, as JSON: what files, variables and requests have in common.

#include <string>
#include <string_view>

#include "agent/config/config.h"
#include "agent/json/json.h"
#include "sandbox/base/result.h"

namespace rune::agent {

/// kInvalidInput "<path>: unknown key 'modle' (did you mean 'model'?)", "<path>.model: expected string, found number",
/// or when it names neither a provider, nor an endpoint, nor a key. Never quotes a value.
Result<FallbackProvider> ReadFallback(const json::View& object);
Result<FallbackProvider> ParseFallback(std::string_view json);

}  // namespace rune::agent
