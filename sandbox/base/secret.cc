#include "sandbox/base/secret.h"

#include <cstring>

#include "sandbox/base/redaction.h"


namespace rune {

void WipeMemory(void* memory, std::size_t size) { ::explicit_bzero(memory, size); }

Secret::Secret(std::string_view text) : bytes_(text.begin(), text.end()) { AddSecret(text); }

Secret Secret::Take(std::string& text) {
  Secret taken(text);
  WipeMemory(text.data(), text.size());
  text.clear();
  return taken;
}

}  // namespace rune
