/// Settings that are tables: `fallback` and `caps`.
#include "agent/config/fallback.h"

#include <gmock/gmock.h>

#include <string>
#include <utility>
#include <vector>

#include "agent/config/load.h"
#include "sandbox/base/files.h"
#include "sandbox/base/redaction.h"

namespace rune::agent {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class TablesTest : public testing::Test {
 protected:
  TablesTest() : root_(TempDir::Create("/tmp", "rune-tables-").value()) {
    request_.home = root_.path() + "/home";
    request_.cwd = root_.path() + "/project";
    EXPECT_TRUE(MakeDirs(request_.home + "/.rune").ok());
    EXPECT_TRUE(MakeDirs(request_.cwd).ok());
  }
  void WriteUser(std::string_view text, unsigned mode = 0600) {
    ASSERT_TRUE(WriteFileAtomic(request_.home + "/.rune/rune.toml", text, {.mode = mode}).ok());
  }
  LoadedConfig Load() {
    auto loaded = LoadConfig(request_);
    EXPECT_TRUE(loaded.ok()) << (loaded.ok() ? "" : loaded.error().message);
    return loaded.ok() ? std::move(loaded).value() : LoadedConfig{};
  }
  std::string LoadError() {
    const auto loaded = LoadConfig(request_);
    return loaded.ok() ? "" : loaded.error().message;
  }

  TempDir root_;
  LoadRequest request_;
};

TEST_F(TablesTest, AFallbackIsAListOfTablesInEitherSpelling) {
  for (const char* const text :
       {"[[fallback]]\nprovider = \"ollama\"\n[[fallback]]\nmodel = \"m\"\nbase_url = \"http://h\"\n",
        "fallback = [{provider = \"ollama\"}, {model = \"m\", base_url = \"http://h\"}]\n"}) {
    WriteUser(text);
    const Config config = Load().config;
    ASSERT_EQ(config.fallback.size(), 2u) << text;
    EXPECT_EQ(config.fallback[0].provider, "ollama");
    EXPECT_EQ(config.fallback[1].model, "m");
    EXPECT_EQ(config.fallback[1].base_url, "http://h");
  }
}

TEST_F(TablesTest, AVariableHoldsTheSameAsJson) {
  request_.environment["RUNE_FALLBACK"] = R"([{"provider":"ollama"}])";
  request_.environment["RUNE_CAPS"] = R"({"images":false})";
  const Config config = Load().config;
  ASSERT_EQ(config.fallback.size(), 1u);
  EXPECT_EQ(config.caps.root().Dump(), R"({"images":false})");
}

TEST_F(TablesTest, TheKeyOfAFallbackMayStandInAVariableAndIsASecret) {
  request_.environment["SECOND_KEY"] = "canary-second-key";
  WriteUser("[[fallback]]\nprovider = \"openai\"\napi_key_env = \"SECOND_KEY\"\n");
  EXPECT_EQ(Load().config.fallback.at(0).api_key.Reveal(), "canary-second-key");
  EXPECT_EQ(Redact("x canary-second-key"), "x ***");
}

TEST_F(TablesTest, AFileWithTheKeyOfAFallbackThatOthersCanReadIsReported) {
  WriteUser("fallback = [{api_key = \"canary-third-key\"}]\n", 0644);
  const auto notices = Load().notices;
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_THAT(notices[0], HasSubstr("chmod 600"));
}

TEST_F(TablesTest, CapsAreOneTableInEitherSpelling) {
  WriteUser("[caps]\nimages = false\nheaders = [\"X: 1\"]\ncontext_window = 5\n");
  EXPECT_THAT(Load().config.caps.root().Dump(),
              AllOf(HasSubstr(R"("images":false)"), HasSubstr(R"("headers":["X: 1"])")));
  WriteUser("caps = {images = false}\nmodel = \"m\"\n");
  const Config config = Load().config;
  EXPECT_EQ(config.caps.root().Dump(), R"({"images":false})");
  EXPECT_EQ(config.model, "m");
}

TEST_F(TablesTest, AMistakeIsNamedWithItsPlaceAndWithoutAKey) {
  const std::vector<std::pair<std::string, std::string>> rows{
      {"[[fallback]]\nmodle = \"m\"\n", "did you mean 'model'"},
      {"fallback = [{provider = 7}]\n", "fallback[0].provider: expected string"},
      {"fallback = [{wire = \"openai-chat\"}]\n", "names neither provider"},
      {"fallback = [\"canary-in-place\"]\n", "fallback"},
      {"fallback = \"canary-in-place\"\n", "expected a list of tables"},
      {"fallback = {provider = \"ollama\"}\n", "expected a list of tables"},
      {"caps = \"x\"\n", "expected a table"},
      {"caps = [{images = false}]\n", "expected a table"},
      {"model = {a = 1}\n", "expected one line of text, found a table"},
      {"prices = [{a = 1}]\n", "found a list"}};
  for (const auto& [text, words] : rows) {
    WriteUser(text);
    EXPECT_THAT(LoadError(), AllOf(HasSubstr("rune.toml:"), HasSubstr(words), Not(HasSubstr("canary")))) << text;
  }
}

TEST_F(TablesTest, AProjectFileCannotMakeASecretOfAWordThatOthersMustSee) {
  ASSERT_TRUE(WriteFileAtomic(request_.cwd + "/rune.toml",
                              "api_key = \"project-word-1\"\n[[fallback]]\napi_key = \"project-word-2\"\n",
                              {.mode = 0644})
                  .ok());
  EXPECT_EQ(Load().notices.size(), 2u);
  EXPECT_EQ(Redact("project-word-1 project-word-2"), "project-word-1 project-word-2");
  // The control: the user's own file does.
  WriteUser("api_key = \"project-word-1\"\n[[fallback]]\napi_key = \"project-word-2\"\n");
  Load();
  EXPECT_EQ(Redact("project-word-1 project-word-2"), "*** ***");
}

TEST_F(TablesTest, AProjectFileCannotSetEither) {
  ASSERT_TRUE(WriteFileAtomic(request_.cwd + "/rune.toml",
                              "[[fallback]]\nbase_url = \"http://evil\"\n[caps]\nheaders = [\"X: 1\"]\n",
                              {.mode = 0644})
                  .ok());
  const LoadedConfig loaded = Load();
  EXPECT_TRUE(loaded.config.fallback.empty());
  EXPECT_TRUE(loaded.config.caps.empty());
  EXPECT_EQ(loaded.notices.size(), 2u);
}

}  // namespace
}  // namespace rune::agent
