/// The JSON door: whatever it accepts, it writes as text that it accepts again and that says the same.

#include "agent/json/json.h"
#include "sandbox/base/text.h"
#include "tests/fuzz/fuzz.h"

using rune::fuzz::Expect;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = rune::fuzz::AsText(data, size);
  const auto document = rune::json::Document::Parse(text, "fuzz");
  if (!document.ok()) {
    Expect(!document.error().message.empty(), "an error says something");
    return 0;
  }
  const std::string dump = document->root().Dump();
  Expect(rune::IsValidUtf8(dump), "what is written is valid UTF-8");
  const auto again = rune::json::Document::Parse(dump, "fuzz");
  Expect(again.ok(), "what is written is read again");
  Expect(again->root().Dump() == dump, "writing is stable");

  const std::string canonical = document->root().DumpCanonical();
  const auto sorted = rune::json::Document::Parse(canonical, "fuzz");
  Expect(sorted.ok() && sorted->root().DumpCanonical() == canonical, "the canonical form is its own canonical form");
  const auto pretty = rune::json::Document::Parse(document->root().DumpPretty(), "fuzz");
  Expect(pretty.ok() && pretty->root().DumpCanonical() == canonical, "blanks change nothing");

  // Missing members are values, however deep one asks.
  Expect(!document->root()["no such member"][7]["x"].exists(), "a missing place does not exist");
  Expect(!document->root()["no such member"].AsString().ok(), "a missing place has no text");
  return 0;
}
