/// The official JSON Schema test suite (tests/data/json-schema-suite): each schema is either refused, and then listed
/// by name with its reason in refused.txt, or every verdict on it is the suite's.

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>

#include "agent/json/schema.h"
#include "sandbox/base/files.h"
#include "sandbox/base/text.h"

namespace rune::json {
namespace {

namespace fs = std::filesystem;

const fs::path kSuite = fs::path(RUNE_SOURCE_DIR) / "tests/data/json-schema-suite";

std::string Read(const fs::path& path) {
  auto text = ReadFile(path.string());
  EXPECT_TRUE(text.ok()) << path;
  return text.ok() ? *text : "";
}

/// "draft7/ref.json: remote ref, containing refs itself" -> why.
std::map<std::string, std::string> Refused() {
  std::map<std::string, std::string> refused;
  const std::string text = Read(kSuite / "refused.txt");
  for (const std::string_view line : Split(text, '\n')) {
    const std::size_t at = line.rfind(" | ");
    if (line.empty() || line.starts_with('#')) continue;
    EXPECT_NE(at, std::string_view::npos) << line;
    refused.emplace(line.substr(0, at), line.substr(at + 3));
  }
  return refused;
}

/// The files of draft 7 do not say so in each schema.
std::string WithDraft(const View& schema, std::string_view draft) {
  std::string text = schema.Dump();
  if (draft != "draft7" || schema.type() != Type::kObject || schema["$schema"].exists()) return text;
  const std::string named = R"({"$schema":"http://json-schema.org/draft-07/schema#")";
  return text == "{}" ? named + "}" : named + "," + text.substr(1);
}

class SchemaSuite : public testing::TestWithParam<const char*> {};

TEST_P(SchemaSuite, IsFollowedOrRefusedByName) {
  const std::string draft = GetParam();
  auto refused = Refused();
  std::erase_if(refused, [&](const auto& entry) { return !entry.first.starts_with(draft + "/"); });
  std::size_t verdicts = 0;
  for (const auto& entry : fs::recursive_directory_iterator(kSuite / draft)) {
    if (entry.path().extension() != ".json") continue;
    const auto file = Document::Parse(Read(entry.path()));
    ASSERT_TRUE(file.ok()) << entry.path() << file.error().message;
    for (std::size_t i = 0; i < file->root().size(); ++i) {
      const View group = file->root()[i];
      const std::string name = fs::relative(entry.path(), kSuite).string() + ": " + group["description"].Text();
      const auto schema = Document::Parse(WithDraft(group["schema"], draft), "schema");
      ASSERT_TRUE(schema.ok()) << name;
      if (const auto sound = CheckSchema(schema->root()); !sound.ok()) {
        EXPECT_EQ(refused.erase(name), 1u) << name << " | " << sound.error().message;
        continue;
      }
      EXPECT_FALSE(refused.contains(name)) << name << " is listed as refused and is not";
      for (std::size_t k = 0; k < group["tests"].size(); ++k) {
        const View test = group["tests"][k];
        const auto verdict = Validate(test["data"], schema->root());
        EXPECT_EQ(verdict.ok(), test["valid"].boolean())
            << name << ": " << test["description"].Text() << ": " << (verdict.ok() ? "" : verdict.error().message);
        ++verdicts;
      }
    }
  }
  for (const auto& [name, why] : refused) ADD_FAILURE() << "listed, but not in the suite or not refused: " << name;
  EXPECT_GT(verdicts, 700u);
}

INSTANTIATE_TEST_SUITE_P(Drafts, SchemaSuite, testing::Values("draft7", "draft2020-12"), [](const auto& tested) {
  return std::string(tested.param) == "draft7" ? "Draft7" : "Draft2020";
});

}  // namespace
}  // namespace rune::json
