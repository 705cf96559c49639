#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "agent/config/keys.h"
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

TEST(Documentation, HasARowForEveryKeyAndNoOther) {
  std::set<std::pair<std::string, std::string>> known;
  for (const KnownKey& key : KnownKeys()) known.emplace(key.object, key.key);
  const auto documented = DocumentedKeys();
  for (const auto& [object, key] : known) {
    EXPECT_TRUE(documented.contains({object, key})) << "not in docs/concourse.md: " << object << ": " << key;
  }
  for (const auto& [object, key] : documented) {
    EXPECT_TRUE(known.contains({object, key})) << "in docs/concourse.md, but no such key: " << object << ": " << key;
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

/// Where a source says what the setting says.
std::pair<std::string, std::string> PlaceOf(const std::string& setting) {
  const std::map<std::string, std::string> limits{{"max_steps", "steps"},
                                                  {"token_budget", "tokens"},
                                                  {"max_output_tokens", "output_tokens"},
                                                  {"timeout_secs", "seconds"},
                                                  {"tool_timeout_secs", "tool_seconds"},
                                                  {"limits.cost_usd", "cost_usd"}};
  if (const auto limit = limits.find(setting); limit != limits.end()) return {"limits", limit->second};
  // The reader of `policy` is the one of the configuration.
  if (setting.starts_with("policy.")) return {"source", "policy"};
  const std::size_t dot = setting.find('.');
  if (dot == std::string::npos) return {"source", setting};
  std::string key = setting.substr(dot + 1);
  if (key.ends_with("_secs")) key.resize(key.size() - 5);
  return {"source." + setting.substr(0, dot), key};
}

TEST(Documentation, SaysOfEverySettingThatASourceLacksWhyItDoes) {
  std::set<std::pair<std::string, std::string>> known;
  for (const KnownKey& key : KnownKeys()) known.emplace(key.object, key.key);
  // The record of an answer, not the recording of a conversation.
  known.erase({"source", "record"});
  const std::set<std::string> withheld = Withheld();
  EXPECT_GT(withheld.size(), 5U);
  for (const agent::Setting& setting : agent::kSettings) {
    const std::string key(setting.key);
    EXPECT_NE(known.contains(PlaceOf(key)), withheld.contains(key)) << key;
  }
}

}  // namespace
}  // namespace rune::resource
