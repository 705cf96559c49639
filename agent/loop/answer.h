#pragma once
/// An answer that was promised to satisfy a JSON Schema. Pure.

#include <string>

#include "sandbox/base/result.h"

namespace rune::agent {

/// `answer` as canonical JSON (RFC 8785). kInvalidInput or kProtocol with what is wrong, in words for the model, when
/// it is not JSON that satisfies `schema` (both are texts).
Result<std::string> StructuredAnswer(const std::string& answer, const std::string& schema);

}  // namespace rune::agent
