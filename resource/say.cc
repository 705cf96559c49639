#include "resource/say.h"

#include <unistd.h>

#include <string>

#include "sandbox/base/files.h"
#include "sandbox/base/redaction.h"
#include "sandbox/base/text.h"

namespace rune::resource {
namespace {

constexpr std::size_t kLongestLine = 1000;

void Print(const std::string& text) {
  // Nobody is left to tell when standard error cannot be written.
  static_cast<void>(WriteAll(STDERR_FILENO, text));
}

}  // namespace

void Say(std::string_view line) { Print(OneLine(Redact(line), kLongestLine) + "\n"); }

void SayBlock(std::string_view title, std::string_view text) {
  const std::string safe = MakeSafe(Redact(text)).text;
  Print("--- " + std::string(title) + " ---\n" + safe + (safe.ends_with('\n') ? "" : "\n") + "---\n");
}

}  // namespace rune::resource
