#pragma once
/// The identity of an answer: "sha256:" and 64 hexadecimal digits (FIPS 180-4) over its canonical bytes.

#include <string>
#include <string_view>

#include "agent/record/canonical.h"
#include "sandbox/base/result.h"

namespace rune::agent {

/// 32 bytes.
std::string Sha256(std::string_view bytes);

/// kInvalidInput when the form is JSON and the answer holds none.
Result<std::string> RefOf(std::string_view answer, const CanonicalForm& form);

/// True for "sha256:" followed by 64 lower-case hexadecimal digits.
bool IsRef(std::string_view text);

/// A short mark of a prompt: tells in a record which prompt was asked. 16 hexadecimal digits.
std::string PromptDigest(std::string_view prompt);

}  // namespace rune::agent
