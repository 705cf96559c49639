/// The table of wires.

#include "agent/wires/wire.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>

#include "agent/wires/codec.h"

namespace rune::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

TEST(Wires, NamesGoBothWays) {
  std::set<std::string_view> names;
  for (const Wire wire : kWires) {
    EXPECT_EQ(ParseWire(WireName(wire)), wire);
    EXPECT_TRUE(names.insert(WireName(wire)).second) << WireName(wire);
  }
  EXPECT_EQ(WireName(Wire::kOpenAiChat), "openai-chat");
  EXPECT_EQ(WireName(Wire::kGeminiNative), "gemini-native");
  EXPECT_EQ(ParseWire("openai"), std::nullopt);
}

TEST(Wires, AWordThatIsNoneIsToldAllOfThem) {
  EXPECT_EQ(ReadWire("anthropic-messages", "wire").value(), Wire::kAnthropicMessages);
  const auto none = ReadWire("soap", "caps.wire");
  ASSERT_FALSE(none.ok());
  EXPECT_THAT(none.error().message, StartsWith("caps.wire: expected openai-chat, openai-responses, "));
  EXPECT_THAT(none.error().message, HasSubstr(" or " + std::string(WireName(kWires.back()))));
}

TEST(Wires, EveryRowIsWhole) {
  for (const Wire wire : kWires) {
    const WireFormat& format = FormatOf(wire);
    EXPECT_TRUE(format.key_header.ends_with(" ")) << format.name << ": the key stands right behind it";
    EXPECT_TRUE(format.models_path.starts_with("/")) << format.name;
    EXPECT_GT(format.max_image_bytes, 0u) << format.name;
    EXPECT_EQ(format.paging.parameter.empty(), format.paging.token.empty()) << format.name;
    // The next page is asked for behind what stands there.
    EXPECT_TRUE(format.paging.parameter.empty() || format.models_path.find('?') != std::string_view::npos)
        << format.name;
    const std::vector<Message> messages{MakeText(Role::kUser, "Hi")};
    const WireRequest request = format.codec.encode("m", {.messages = messages, .tools = {}, .options = {}}, {});
    EXPECT_NE(request.path.empty(), format.path.empty()) << format.name << ": one of the two says where it goes";
    EXPECT_TRUE((request.path + std::string(format.path)).starts_with("/")) << format.name;
    EXPECT_NE(format.codec.decoder("text/event-stream", {}), nullptr) << format.name;
  }
}

TEST(Wires, TheWiresOwnHeaderStandsBeforeThoseOfTheServer) {
  EXPECT_THAT(HeadersOf({.wire = Wire::kAnthropicMessages, .headers = {"X: 1"}}),
              ElementsAre("anthropic-version: 2023-06-01", "X: 1"));
  EXPECT_THAT(HeadersOf({.wire = Wire::kOpenAiChat, .headers = {"X: 1"}}), ElementsAre("X: 1"));
  EXPECT_THAT(HeadersOf({}), IsEmpty());
}

TEST(Wires, EachHasAnEncoderADecoderAndATest) {
  const std::filesystem::path sources(RUNE_SOURCE_DIR);
  if (!std::filesystem::exists(sources / "agent/wires")) GTEST_SKIP() << "the sources cannot be read";
  for (const Wire wire : kWires) {
    std::string stem(WireName(wire));
    std::replace(stem.begin(), stem.end(), '-', '_');
    EXPECT_TRUE(std::filesystem::exists(sources / "agent/wires" / (stem + "_encode.cc"))) << stem;
    EXPECT_TRUE(std::filesystem::exists(sources / "agent/wires" / (stem + "_decode.cc"))) << stem;
    int tests = 0;
    for (const auto& entry : std::filesystem::directory_iterator(sources / "tests/unit/wires")) {
      const std::string name = entry.path().filename();
      if (name.starts_with(stem) && name.ends_with("_test.cc")) ++tests;
    }
    EXPECT_GT(tests, 0) << stem;
  }
}

}  // namespace
}  // namespace rune::agent
