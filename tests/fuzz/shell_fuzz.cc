/// The shell parser: what it claims to understand survives quoting, and no text makes it claim less than it was given.

#include "agent/policy/shell.h"
#include "tests/fuzz/fuzz.h"

namespace {

std::string Quoted(const std::string& word) {
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using rune::fuzz::Expect;
  const std::string_view text = rune::fuzz::AsText(data, size);
  const auto script = rune::agent::ParseShell(text);
  if (!script.unknown.empty()) return 0;
  if (script.needs_shell || script.commands.size() != 1) return 0;

  // One simple command of static words: writing the words back, each in quotes, is the same command.
  std::string again;
  for (const auto& word : script.commands[0].words) {
    Expect(word.is_static, "without a shell every word is static");
    again += Quoted(word.text) + " ";
  }
  if (again.empty() || text.find('\0') != std::string_view::npos) return 0;
  const auto copy = rune::agent::ParseShell(again);
  Expect(copy.unknown.empty() && copy.commands.size() == 1, "a quoted copy is understood");
  Expect(copy.commands[0].words.size() == script.commands[0].words.size(), "a quoted copy has as many words");
  for (std::size_t i = 0; i < copy.commands[0].words.size(); ++i) {
    Expect(copy.commands[0].words[i].text == script.commands[0].words[i].text, "a quoted copy has the same words");
  }
  return 0;
}
