/// Allowlists: one entry a line, the last line is what is asked for. Names and addresses never imply each other, and a
/// list with fewer entries never allows more.

#include "sandbox/base/text.h"
#include "sandbox/domain_allowlist.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rune::sandbox;
  using rune::fuzz::Expect;
  std::vector<std::string> entries;
  for (const std::string_view line : rune::Split(rune::fuzz::AsText(data, size), '\n')) entries.emplace_back(line);
  const std::string asked = entries.back();
  entries.pop_back();
  const auto name = NormalizeHostName(asked);
  Expect(!name || (NormalizeHostName(*name) == name && !ParseIp(*name)), "a name stays one and is no address");
  const auto list = DomainAllowlist::Parse(entries);
  if (!list.ok()) {
    Expect(list.error().message.find('\n') == std::string::npos, "an error is one line");
    return 0;
  }
  Expect(list->empty() == entries.empty(), "every entry counts");
  if (!entries.empty()) entries.pop_back();
  const auto fewer = DomainAllowlist::Parse(entries);
  Expect(fewer.ok(), "each entry stands on its own");
  const auto address = ParseIp(asked);
  for (const std::uint16_t port : {std::uint16_t{80}, std::uint16_t{443}, std::uint16_t{22}}) {
    if (name) {
      Expect(!list->AllowsName(*name, port) || list->KnowsName(*name), "what is allowed is known");
      Expect(!fewer->AllowsName(*name, port) || list->AllowsName(*name, port), "more entries allow no less");
    }
    if (address) {
      Expect(!fewer->AllowsAddress(*address, port) || list->AllowsAddress(*address, port), "nor addresses");
      Expect(list->AllowsAddress(*address, port) == list->AllowsAddress(Unwrap(*address), port), "seen unwrapped");
    }
  }
  return 0;
}
