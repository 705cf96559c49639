/// The table of providers, and that settings and documents know the same names.

#include "agent/providers/provider_table.h"

#include <gmock/gmock.h>

#include <set>
#include <string>
#include <vector>

#include "agent/config/settings.h"
#include "agent/http/url.h"
#include "agent/providers/access.h"
#include "sandbox/base/files.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::UnorderedElementsAreArray;

std::vector<std::string_view> WordsOf(std::string_view setting) { return Split(FindSetting(setting)->choices, '|'); }

TEST(Providers, EveryRowIsWhole) {
  std::set<std::string_view> names;
  for (const Provider& provider : Providers()) {
    EXPECT_TRUE(names.insert(provider.name).second) << provider.name;
    EXPECT_EQ(FindProvider(provider.name), &provider);
    if (provider.entry == Entry::kRecording) continue;
    EXPECT_FALSE(provider.model.empty()) << provider.name;
    EXPECT_FALSE(provider.host.empty() && provider.port.empty()) << provider.name << ": its address gives it away";
    if (provider.entry == Entry::kLogin) continue;
    const std::string url(provider.base_url);
    EXPECT_EQ(ReadBaseUrl(url, "base_url").value(), url) << provider.name;
    EXPECT_TRUE(SplitUrl(url).host == provider.host || SplitUrl(url).port == provider.port) << provider.name;
  }
  EXPECT_EQ(FindProvider("antropic"), nullptr);
  EXPECT_EQ(Providers().front().name, "openai") << "for whatever nobody knows";
}

TEST(Providers, NoTwoAreGivenAwayByTheSame) {
  for (const Provider& one : Providers()) {
    for (const Provider& other : Providers()) {
      if (&one == &other) continue;
      if (!one.host.empty()) {
        EXPECT_FALSE(IsUnder(one.host, other.host)) << one.name << other.name;
      }
      for (const std::string_view prefix : one.key_prefixes) {
        for (const std::string_view another : other.key_prefixes) EXPECT_FALSE(prefix.starts_with(another)) << prefix;
      }
    }
  }
}

TEST(Providers, EachSpeaksItsOwnWireUnlessTheAddressIsItsCompatibleOne) {
  const Provider& gemini = *FindProvider("gemini");
  EXPECT_EQ(WireAt(*FindProvider("openai"), "https://api.openai.com/v1"), Wire::kOpenAiChat);
  EXPECT_EQ(WireAt(*FindProvider("anthropic"), "http://127.0.0.1:8080/v1"), Wire::kAnthropicMessages);
  EXPECT_EQ(WireAt(gemini, gemini.base_url), Wire::kGeminiNative);
  EXPECT_EQ(WireAt(gemini, std::string(gemini.base_url) + "/OpenAI"), Wire::kOpenAiChat);
  EXPECT_EQ(WireAt(*FindProvider("ollama"), "http://localhost:11434/v1"), Wire::kOpenAiChat);
}

TEST(Providers, TheKeyStandsWhereProviderOrWireWantIt) {
  EXPECT_EQ(KeyLine("openai", Wire::kOpenAiChat, Secret("k")), "Authorization: Bearer k");
  EXPECT_EQ(KeyLine("anthropic", Wire::kAnthropicMessages, Secret("k")), "x-api-key: k");
  EXPECT_EQ(KeyLine("openrouter", Wire::kAnthropicMessages, Secret("k")), "Authorization: Bearer k");
  EXPECT_EQ(KeyLine("gemini", Wire::kGeminiNative, Secret("k")), "x-goog-api-key: k");
  EXPECT_EQ(KeyLine("gemini", Wire::kOpenAiChat, Secret("k")), "Authorization: Bearer k");
}

TEST(Providers, TheSettingsKnowTheSameWords) {
  std::vector<std::string_view> wires;
  for (const Wire wire : kWires) wires.push_back(WireName(wire));
  EXPECT_THAT(WordsOf("wire"), UnorderedElementsAreArray(wires));
  std::vector<std::string_view> embedders;
  for (const Provider& provider : Providers()) {
    if (provider.embeddings) embedders.push_back(provider.name);
    EXPECT_THAT(std::string(FindSetting("provider")->doc), HasSubstr(provider.name));
  }
  EXPECT_THAT(WordsOf("embeddings.provider"), UnorderedElementsAreArray(embedders));
}

/// What stands between backticks.
std::vector<std::string> CodeIn(std::string_view line) {
  const std::vector<std::string_view> pieces = Split(line, '`');
  std::vector<std::string> code;
  for (std::size_t i = 1; i < pieces.size(); i += 2) code.emplace_back(pieces[i]);
  return code;
}

/// A row of the document, in the order of its columns.
std::vector<std::string> CodeOf(const Provider& provider) {
  std::vector<std::string> code{std::string(provider.name)};
  for (const std::string_view prefix : provider.key_prefixes) code.emplace_back(prefix);
  if (provider.entry == Entry::kRecording) return code;
  // What a login opens says itself what it speaks.
  if (provider.entry != Entry::kLogin) code.emplace_back(WireName(provider.wire));
  if (!provider.openai_path.empty()) {
    code.emplace_back(provider.openai_path);
    code.emplace_back(WireName(Wire::kOpenAiChat));
  }
  code.emplace_back(provider.model);
  return code;
}

TEST(Providers, TheDocumentSaysWhatTheTableSays) {
  const auto text = ReadFile(std::string(RUNE_SOURCE_DIR) + "/docs/providers.md");
  if (!text.ok()) GTEST_SKIP() << "the sources cannot be read: " << text.error().message;
  std::vector<std::string_view> rows;
  bool inside = false;
  for (const std::string_view line : Split(*text, '\n')) {
    if (line.starts_with("| `provider` |")) inside = true;
    if (inside && line.empty()) break;
    if (inside && line.starts_with("| `")) rows.push_back(line);
  }
  ASSERT_EQ(rows.size(), Providers().size() + 1) << "with the head";
  for (std::size_t i = 0; i < Providers().size(); ++i) {
    const Provider& provider = Providers()[i];
    EXPECT_THAT(CodeIn(rows[i + 1]), ElementsAreArray(CodeOf(provider)));
    const std::string place(provider.host.empty() ? "port " + std::string(provider.port) : provider.host);
    if (i == 0 || provider.entry == Entry::kRecording) continue;  // any other host, and none
    EXPECT_THAT(std::string(rows[i + 1]), HasSubstr(place));
    EXPECT_EQ(rows[i + 1].find("none needed") != std::string_view::npos, provider.entry == Entry::kOpen);
  }
  const std::size_t embeddings = text->find("\n## Embeddings\n");
  ASSERT_NE(embeddings, std::string::npos);
  const std::string chapter = text->substr(embeddings, text->find("\n## ", embeddings + 1) - embeddings);
  for (const Provider& provider : Providers()) {
    EXPECT_EQ(chapter.find("`" + std::string(provider.name) + "`") != std::string::npos,
              provider.embeddings.has_value())
        << provider.name;
  }
}

}  // namespace
}  // namespace rune::agent
