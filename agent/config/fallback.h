#pragma once
/// `fallback`: what files, variables and pipelines have in common.

#include <vector>

#include "agent/config/config.h"
#include "agent/json/json.h"
#include "sandbox/base/result.h"

namespace rune::agent {

/// `list` is an array. kInvalidInput "<path>[0]: unknown key 'modle' (did you mean 'model'?)", "<path>[0].model:
/// expected string, found number", or when an entry names neither a provider, nor an endpoint, nor a key. Never quotes
/// a value.
Result<std::vector<FallbackProvider>> ReadFallbacks(const json::View& list);

}  // namespace rune::agent
