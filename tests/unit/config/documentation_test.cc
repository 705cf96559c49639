#include <gtest/gtest.h>

#include <set>

#include "agent/config/settings.h"
#include "sandbox/base/files.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

std::string Code(std::string_view text) { return text.empty() ? "" : "`" + std::string(text) + "`"; }

std::string RowOf(const Setting& setting) {
  std::string doc(setting.doc);
  std::string choices;
  if (!setting.choices.empty()) {
    for (const std::string_view word : Split(setting.choices, '|')) {
      choices.append(choices.empty() ? " One of " : ", ").append(Code(word));
    }
    choices += '.';
  }
  const auto by_default = CurrentValue(setting, Config());
  return "| " + Code(setting.key) + " | " + Code(VariableOf(setting)) + " | " + Code(setting.flag) + " | " +
         Code(by_default ? TextOf(*by_default) : "") + " | " + std::string(NarrowRuleName(setting.narrow)) + " | " +
         doc + choices + " |";
}

std::string Documentation() {
  const auto text = ReadFile(std::string(RUNE_SOURCE_DIR) + "/docs/configuration.md");
  EXPECT_TRUE(text.ok());
  return text.ok() ? *text : "";
}

TEST(Documentation, HasARowForEverySettingThatSaysWhatTheCodeDoes) {
  const std::string text = Documentation();
  const auto lines = Split(text, '\n');
  for (const Setting& setting : Settings()) {
    const std::string row = RowOf(setting);
    EXPECT_NE(std::find(lines.begin(), lines.end(), row), lines.end()) << "docs/configuration.md lacks:\n" << row;
  }
}

TEST(Documentation, HasNoRowForASettingThatIsNotThere) {
  std::size_t rows = 0;
  const std::string text = Documentation();
  for (const std::string_view line : Split(text, '\n')) {
    if (!line.starts_with("| `")) continue;
    const std::string_view key = line.substr(3, line.find('`', 3) - 3);
    EXPECT_NE(FindSetting(key), nullptr) << line;
    ++rows;
  }
  EXPECT_EQ(rows, Settings().size());
}

}  // namespace
}  // namespace rune::agent
