#include <gtest/gtest.h>

#include <set>
#include <string>

#include "agent/config/settings.h"
#include "resource/request/protocol.h"
#include "sandbox/base/files.h"
#include "sandbox/base/text.h"

namespace rune::resource {
namespace {

std::string Documentation() {
  // Beside the tests first: a user who cannot read the source tree runs them in a copy of it.
  auto text = ReadFile("docs/concourse.md");
  if (!text.ok()) text = ReadFile(RUNE_SOURCE_DIR "/docs/concourse.md");
  return text.ok() ? *text : "";
}

/// The keys of the tables in docs/concourse.md: rows "| `key` | ..." under a heading that ends with the object's name
/// in backquotes: "### `source.sandbox`".
std::set<std::pair<std::string, std::string>> DocumentedKeys() {
  const std::string text = Documentation();
  std::set<std::pair<std::string, std::string>> keys;
  std::string object;
  for (const std::string_view line : Split(text, '\n')) {
    if (line.starts_with("#")) {
      const std::size_t end = line.rfind('`');
      const std::size_t start = end == std::string_view::npos || end == 0 ? end : line.rfind('`', end - 1);
      object = start == std::string_view::npos ? "" : std::string(line.substr(start + 1, end - start - 1));
    } else if (!object.empty() && line.starts_with("| `")) {
      keys.emplace(object, std::string(line.substr(3, line.find('`', 3) - 3)));
    }
  }
  return keys;
}

/// The members on the way to `name` in a document: {"source", "limits"} and {"limits", "steps"} of "limits.steps".
void AddMembers(std::string object, std::string_view name, std::set<std::pair<std::string, std::string>>& known) {
  for (const std::string_view member : Split(name, '.')) {
    known.emplace(object, member);
    object.append(".").append(member);
    // One table for `source` and `params`.
    if (member == "limits") object = member;
    // The keys of `policy` have theirs in docs/configuration.md.
    if (member == "policy") return;
  }
}

std::set<std::pair<std::string, std::string>> KnownMembers() {
  std::set<std::pair<std::string, std::string>> known;
  for (const KnownKey& key : KnownKeys()) known.emplace(key.object, key.key);
  for (const agent::Setting& setting : agent::Settings()) {
    for (const auto name : NamesIn(setting, agent::Column::kSource)) AddMembers("source", name, known);
    for (const auto name : NamesIn(setting, agent::Column::kParams)) AddMembers("put params", name, known);
  }
  return known;
}

TEST(Documentation, HasARowForEveryKeyAndNoOther) {
  const auto known = KnownMembers();
  const auto documented = DocumentedKeys();
  for (const auto& [object, key] : known) {
    EXPECT_TRUE(documented.contains({object, key})) << "not in docs/concourse.md: " << object << ": " << key;
  }
  for (const auto& [object, key] : documented) {
    EXPECT_TRUE(known.contains({object, key})) << "in docs/concourse.md, but no such key: " << object << ": " << key;
  }
}

TEST(Documentation, SaysOfTheLongSpellingWhichShortOneItIs) {
  const std::string text = Documentation();
  for (const agent::Setting& setting : agent::Settings()) {
    const auto names = NamesIn(setting, agent::Column::kSource);
    for (std::size_t i = 1; i < names.size(); ++i) {
      const std::string member(names[i].substr(names[i].rfind('.') + 1));
      EXPECT_NE(text.find("| `" + member + "` | `" + std::string(names[0]) + '`'), std::string::npos) << names[i];
    }
  }
}

/// The settings that the documentation gives a reason for not having.
std::set<std::string> Withheld() {
  const std::string text = Documentation();
  const std::size_t start = text.find("### Settings that a step does not have");
  std::set<std::string> settings;
  if (start == std::string::npos) return settings;
  const std::string section = text.substr(start, text.find("\n#", start) - start);
  for (const std::string_view line : Split(section, '\n')) {
    if (line.starts_with("| `")) settings.emplace(line.substr(3, line.find('`', 3) - 3));
  }
  return settings;
}

TEST(Documentation, SaysOfEverySettingThatASourceLacksWhyItDoes) {
  const std::set<std::string> withheld = Withheld();
  EXPECT_GT(withheld.size(), 5U);
  for (const agent::Setting& setting : agent::Settings()) {
    EXPECT_NE(!NamesIn(setting, agent::Column::kSource).empty(), withheld.contains(std::string(setting.key)))
        << setting.key;
  }
}

}  // namespace
}  // namespace rune::resource
