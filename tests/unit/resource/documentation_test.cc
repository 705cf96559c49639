#include <gtest/gtest.h>

#include <set>
#include <string>

#include "resource/protocol.h"
#include "sandbox/base/files.h"
#include "sandbox/base/text.h"

namespace rune::resource {
namespace {

/// The keys of the tables in docs/concourse.md: rows "| `key` | ..." under a heading that ends with the object's name
/// in backquotes: "### `source.sandbox`".
std::set<std::pair<std::string, std::string>> DocumentedKeys() {
  // Beside the tests first: a user who cannot read the source tree runs them in a copy of it.
  auto text = ReadFile("docs/concourse.md");
  if (!text.ok()) text = ReadFile(RUNE_SOURCE_DIR "/docs/concourse.md");
  std::set<std::pair<std::string, std::string>> keys;
  if (!text.ok()) return keys;
  std::string object;
  for (const std::string_view line : Split(*text, '\n')) {
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

}  // namespace
}  // namespace rune::resource
