#include "agent/http/sse.h"

#include <gmock/gmock.h>

#include <random>
#include <string>
#include <vector>

namespace rune::agent {
namespace {

using testing::ElementsAre;

/// "type|data", with "~" behind events that the end of the stream cut.
std::vector<std::string> Parse(const std::vector<std::string>& pieces, SseParser& parser) {
  std::vector<std::string> events;
  const auto sink = [&](const SseEvent& event) {
    events.push_back(std::string(event.type) + "|" + std::string(event.data) + (event.flushed_at_eof ? "~" : ""));
  };
  for (const std::string& piece : pieces) parser.Feed(piece, sink);
  parser.Finish(sink);
  return events;
}

std::vector<std::string> Parse(const std::string& text) {
  SseParser parser;
  return Parse({text}, parser);
}

TEST(Sse, OneEventEndsAtTheBlankLine) {
  EXPECT_THAT(Parse("data: one\n\ndata: two\n\n"), ElementsAre("message|one", "message|two"));
}

TEST(Sse, ExactlyOneSpaceBehindTheColonIsDropped) {
  EXPECT_THAT(Parse("data:a\n\ndata:  b\n\n"), ElementsAre("message|a", "message| b"));
}

TEST(Sse, DataLinesAreJoinedByLineFeeds) { EXPECT_THAT(Parse("data: {\ndata: }\n\n"), ElementsAre("message|{\n}")); }

TEST(Sse, ADataLineWithoutAColonIsAnEmptyLineOfData) {
  EXPECT_THAT(Parse("data\ndata\n\n"), ElementsAre("message|\n"));
}

TEST(Sse, TheTypeIsTheEventFieldAndIsForgottenAfterwards) {
  EXPECT_THAT(Parse("event: error\ndata: x\n\ndata: y\n\n"), ElementsAre("error|x", "message|y"));
}

TEST(Sse, AnEventWithoutDataIsNone) { EXPECT_THAT(Parse("event: ping\n\ndata: y\n\n"), ElementsAre("message|y")); }

TEST(Sse, CommentsAndUnknownFieldsAreNoEvents) {
  EXPECT_THAT(Parse(": OPENROUTER PROCESSING\n\nid: 7\nretry: 5\n\ndata: y\n\n"), ElementsAre("message|y"));
}

TEST(Sse, FieldNamesAreCaseSensitive) {
  EXPECT_THAT(Parse("Data: x\n data: z\n\ndata: y\n\n"), ElementsAre("message|y"));
}

TEST(Sse, OneByteOrderMarkIsSkipped) {
  EXPECT_THAT(Parse("\xEF\xBB\xBF"
                    "data: x\n\n"),
              ElementsAre("message|x"));
  SseParser parser;
  EXPECT_THAT(Parse({"\xEF", "\xBB", "\xBF", "data: x\n\n"}, parser), ElementsAre("message|x"));
}

TEST(Sse, BytesThatOnlyBeginLikeAByteOrderMarkStay) {
  SseParser parser;
  EXPECT_THAT(Parse({"\xEF\xBB", "data: x\n\ndata: y\n\n"}, parser), ElementsAre("message|y"));
  EXPECT_EQ(parser.stray(),
            "\xEF\xBB"
            "data: x\n");
}

TEST(Sse, ACarriageReturnEndsALineAtOnceAndTakesALineFeedWithIt) {
  SseParser parser;
  std::vector<std::string> events;
  const auto sink = [&](const SseEvent& event) { events.emplace_back(event.data); };
  parser.Feed("data: x\r\r", sink);
  EXPECT_THAT(events, ElementsAre("x"));
  parser.Feed("\ndata: y\r", sink);
  parser.Feed("\n", sink);
  EXPECT_THAT(events, ElementsAre("x"));
  parser.Feed("\r", sink);
  EXPECT_THAT(events, ElementsAre("x", "y"));
}

TEST(Sse, AnEventThatTheEndCutsIsDeliveredAndMarked) {
  EXPECT_THAT(Parse("data: x\n\ndata: y\n"), ElementsAre("message|x", "message|y~"));
  EXPECT_THAT(Parse("data: [DONE]"), ElementsAre("message|[DONE]~"));
}

TEST(Sse, NulBytesAreData) {
  EXPECT_THAT(Parse(std::string("data: a\0b\n\n", 11)), ElementsAre(std::string("message|a\0b", 11)));
}

TEST(Sse, MalformedUtf8BecomesReplacementCharacters) {
  EXPECT_THAT(Parse("data: a\xFFz\n\n"), ElementsAre("message|a\xEF\xBF\xBDz"));
}

TEST(Sse, ACharacterThatIsSplitOverReadsIsWhole) {
  SseParser parser;
  EXPECT_THAT(Parse({"data: \xE4", "\xBD", "\xA0\n\n"}, parser), ElementsAre("message|\xE4\xBD\xA0"));
}

TEST(Sse, LinesThatAreNoFieldAreKeptForTheErrorsInThem) {
  SseParser parser;
  EXPECT_TRUE(Parse({"{\"error\":{\"message\":\"no\"}}\n"}, parser).empty());
  EXPECT_EQ(parser.stray(), "{\"error\":{\"message\":\"no\"}}\n");
}

TEST(Sse, StrayLinesAreBounded) {
  SseParser parser;
  Parse({std::string(100'000, 'x') + "\n", std::string(100'000, 'y') + "\n"}, parser);
  EXPECT_LE(parser.stray().size(), 4097u);
}

TEST(Sse, AnEventBeyondTheLimitEndsTheStream) {
  SseParser parser({.max_event_bytes = 100});
  const auto none = [](const SseEvent&) { FAIL(); };
  EXPECT_TRUE(parser.Feed("data: " + std::string(80, 'x') + "\n", none));
  EXPECT_FALSE(parser.Feed("data: " + std::string(80, 'x') + "\n\n", none));
  parser.Finish(none);
}

TEST(Sse, AnUnendingLineDoesNotGrowForEver) {
  SseParser parser({.max_event_bytes = 100});
  bool fits = true;
  for (int i = 0; i < 200 && fits; ++i) fits = parser.Feed("x", [](const SseEvent&) {});
  EXPECT_FALSE(fits);
}

TEST(Sse, EveryCutAndEveryLineEndGivesTheSameEvents) {
  const std::string text =
      "\xEF\xBB\xBF: hi\nevent: a\ndata: \xE4\xBD\xA0\ndata:\ndata:  b\n\nid: 1\ndata: [DONE]\n\nfoo: x\ndata: cut";
  const auto expected = Parse(text);
  ASSERT_THAT(expected, ElementsAre("a|\xE4\xBD\xA0\n\n b", "message|[DONE]", "message|cut~"));
  std::mt19937 random(7);
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    std::string variant;
    for (const char c : text) variant += c == '\n' ? end : std::string(1, c);
    for (int round = 0; round < 200; ++round) {
      std::vector<std::string> pieces;
      const std::size_t longest = round == 0 ? 1 : 1 + random() % 20;
      for (std::size_t at = 0; at < variant.size();) {
        const std::size_t size = 1 + (longest > 1 ? random() % longest : 0);
        pieces.push_back(variant.substr(at, size));
        at += size;
      }
      SseParser parser;
      EXPECT_EQ(Parse(pieces, parser), expected);
      EXPECT_EQ(parser.stray(), "foo: x\n");
    }
  }
}

}  // namespace
}  // namespace rune::agent
