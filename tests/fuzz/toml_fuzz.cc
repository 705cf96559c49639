/// Configuration text: accepted or refused with a place, and every entry belongs to a key.

#include "agent/config/toml.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto entries = rune::agent::ParseToml(rune::fuzz::AsText(data, size), "fuzz.toml");
  if (!entries.ok()) {
    rune::fuzz::Expect(entries.error().message.starts_with("fuzz.toml"), "an error names the file");
    return 0;
  }
  for (const auto& entry : *entries) {
    rune::fuzz::Expect(!entry.key.empty() || !entry.type.empty(), "an entry is named");
    rune::fuzz::Expect(entry.place.starts_with("fuzz.toml:"), "an entry has a place");
  }
  return 0;
}
