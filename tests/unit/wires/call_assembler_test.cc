#include "agent/wires/call_assembler.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace rune::agent {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// Every element is the "tool_calls" list of one chunk. The calls come out as "id name args".
std::vector<std::string> Assemble(const std::vector<std::string>& chunks) {
  CallAssembler assembler;
  for (const std::string& chunk : chunks) {
    const auto document = json::Document::Parse("[" + chunk + "]");
    EXPECT_TRUE(document.ok()) << chunk;
    assembler.BeginChunk();
    for (std::size_t i = 0; i < document->root().size(); ++i) assembler.Add(document->root()[i]);
  }
  std::vector<std::string> calls;
  for (const ToolCall& call : assembler.Finish()) calls.push_back(call.id + " " + call.name + " " + call.args);
  return calls;
}

/// One piece; members that are empty are left out.
std::string Piece(const std::string& index, const std::string& id, const std::string& name, const std::string& args) {
  json::Writer out;
  out.BeginObject();
  if (!index.empty()) out.Key("index").Raw(index);
  if (!id.empty()) out.Member("id", id);
  out.Key("function").BeginObject();
  if (!name.empty()) out.Member("name", name);
  if (!args.empty()) out.Member("arguments", args);
  return out.EndObject().EndObject().Take();
}

TEST(CallAssembler, WithoutAnIndexPiecesBelongToTheLastCall) {
  EXPECT_THAT(Assemble({Piece("", "a", "f", ""), Piece("", "", "", "{\"x\":"), Piece("", "", "", "1}"),
                        Piece("", "b", "g", ""), Piece("", "", "", "{}")}),
              ElementsAre("a f {\"x\":1}", "b g {}"));
}

TEST(CallAssembler, WithoutIndexAndIdEveryNamedPieceIsACall) {
  EXPECT_THAT(Assemble({Piece("", "", "f", "{\"x\":1}"), Piece("", "", "g", "{}")}),
              ElementsAre(" f {\"x\":1}", " g {}"));
  EXPECT_THAT(Assemble({Piece("", "", "f", "{}") + "," + Piece("", "", "f", "{}")}), ElementsAre(" f {}", " f {}"));
  EXPECT_THAT(Assemble({Piece("", "", "f", ""), Piece("", "", "g", "")}), ElementsAre(" f {}", " g {}"));
}

TEST(CallAssembler, IndexZeroForEveryCallDoesNotMergeThem) {
  EXPECT_THAT(Assemble({Piece("0", "a", "f", "{\"x\":1}"), Piece("0", "b", "g", "{\"y\":2}")}),
              ElementsAre("a f {\"x\":1}", "b g {\"y\":2}"));
  EXPECT_THAT(Assemble({Piece("0", "a", "f", ""), Piece("0", "", "", "{\"x\":1}"), Piece("0", "b", "f", ""),
                        Piece("0", "", "", "{}")}),
              ElementsAre("a f {\"x\":1}", "b f {}"));
  EXPECT_THAT(Assemble({Piece("0", "", "f", "{\"x\":1}"), Piece("0", "", "f", "{\"x\":2}")}),
              ElementsAre(" f {\"x\":1}", " f {\"x\":2}"));
  EXPECT_THAT(Assemble({Piece("0", "", "f", "{\"x\":1}"), Piece("0", "", "g", "{\"x\":1}")}),
              ElementsAre(" f {\"x\":1}", " g {\"x\":1}"));
}

TEST(CallAssembler, IndexZeroAndNoIdForEveryCallDoesNotMergeThemEither) {
  EXPECT_THAT(Assemble({Piece("0", "", "f", ""), Piece("0", "", "", "{\"x\":1}"), Piece("0", "", "g", ""),
                        Piece("0", "", "", "{}")}),
              ElementsAre(" f {\"x\":1}", " g {}"));
  EXPECT_THAT(Assemble({Piece("0", "", "f", "{}") + "," + Piece("0", "", "f", "{}")}), ElementsAre(" f {}", " f {}"));
}

TEST(CallAssembler, IndicesMayStartAnywhereAndHaveGaps) {
  EXPECT_THAT(Assemble({Piece("1", "a", "f", ""), Piece("7", "b", "g", ""), Piece("1", "", "", "{\"x\":1}"),
                        Piece("7", "", "", "{}")}),
              ElementsAre("a f {\"x\":1}", "b g {}"));
}

TEST(CallAssembler, AnIdThatIsRepeatedOnEveryPieceIsOneCall) {
  EXPECT_THAT(Assemble({Piece("0", "a", "f", ""), Piece("0", "a", "", "{\"x\":"), Piece("0", "a", "", "1}")}),
              ElementsAre("a f {\"x\":1}"));
  EXPECT_THAT(Assemble({Piece("", "a", "f", "{\"x\":"), Piece("", "b", "g", "{}"), Piece("", "a", "", "1}")}),
              ElementsAre("a f {\"x\":1}", "b g {}"));
}

TEST(CallAssembler, AFreshIdOnEveryPieceOfOneIndexIsOneCall) {
  EXPECT_THAT(Assemble({Piece("0", "a", "f", ""), Piece("0", "b", "", "{\"x\":"), Piece("0", "c", "", "1}")}),
              ElementsAre("a f {\"x\":1}"));
}

TEST(CallAssembler, OneIdForTwoCallsIsTwoCalls) {
  EXPECT_THAT(Assemble({Piece("0", "a", "f", "{\"x\":1}") + "," + Piece("1", "a", "g", "{}")}),
              ElementsAre("a f {\"x\":1}", "a g {}"));
  EXPECT_THAT(Assemble({Piece("", "a", "f", "{\"x\":1}"), Piece("", "a", "f", "{\"x\":2}")}),
              ElementsAre("a f {\"x\":1}", "a f {\"x\":2}"));
}

TEST(CallAssembler, OneIdForTwoStreamedCallsIsTwoCallsByTheirIndices) {
  EXPECT_THAT(Assemble({Piece("0", "a", "f", ""), Piece("1", "a", "g", ""), Piece("0", "", "", "{\"x\":1}"),
                        Piece("1", "", "", "{}")}),
              ElementsAre("a f {\"x\":1}", "a g {}"));
}

TEST(CallAssembler, ANameMayComeLateInPiecesOrAgain) {
  EXPECT_THAT(Assemble({Piece("0", "a", "", ""), Piece("0", "", "f", "{}")}), ElementsAre("a f {}"));
  EXPECT_THAT(Assemble({Piece("0", "a", "read_", ""), Piece("0", "", "file", ""), Piece("0", "", "", "{}")}),
              ElementsAre("a read_file {}"));
  EXPECT_THAT(Assemble({Piece("0", "a", "read_file", ""), Piece("0", "a", "read_file", "{\"x\":"),
                        Piece("0", "a", "read_file", "1}")}),
              ElementsAre("a read_file {\"x\":1}"));
  EXPECT_THAT(Assemble({Piece("0", "a", "read", ""), Piece("0", "a", "read_file", "{}")}),
              ElementsAre("a read_file {}"));
  EXPECT_THAT(Assemble({Piece("0", "a", "f", ""), R"({"index":0,"function":{"name":"","arguments":"{}"}})"}),
              ElementsAre("a f {}"));
}

TEST(CallAssembler, ArgumentsMayBeAnObjectOrNull) {
  EXPECT_THAT(Assemble({R"({"id":"a","function":{"name":"f","arguments":{"x":1}}})"}), ElementsAre("a f {\"x\":1}"));
  EXPECT_THAT(Assemble({R"({"id":"a","function":{"name":"f","arguments":null}})"}), ElementsAre("a f {}"));
}

TEST(CallAssembler, AWholeCallThatIsSentAgainAtTheEndIsOneCall) {
  EXPECT_THAT(Assemble({Piece("0", "a", "f", "{\"x\":1}"), Piece("0", "a", "f", "{\"x\":1}")}),
              ElementsAre("a f {\"x\":1}"));
  EXPECT_THAT(Assemble({Piece("0", "a", "f", ""), Piece("0", "", "", "{\"x\":"), Piece("0", "", "", "1}"),
                        Piece("0", "", "", "{\"x\":1}")}),
              ElementsAre("a f {\"x\":1}"));
  EXPECT_THAT(Assemble({Piece("", "", "f", "{\"x\":1}"), Piece("", "", "f", "{\"x\":1}")}),
              ElementsAre(" f {\"x\":1}"));
}

TEST(CallAssembler, PiecesThatAreEqualButNotWholeAreBothTaken) {
  EXPECT_THAT(Assemble({Piece("0", "a", "f", "{\"x\":\""), Piece("0", "", "", "1"), Piece("0", "", "", "1"),
                        Piece("0", "", "", "\"}")}),
              ElementsAre("a f {\"x\":\"11\"}"));
}

TEST(CallAssembler, APieceThatEqualsTheBeginningIsTaken) {
  EXPECT_THAT(Assemble({Piece("0", "a", "f", "{\"x\":"), Piece("0", "", "", "{\"x\":"), Piece("0", "", "", "1}}")}),
              ElementsAre("a f {\"x\":{\"x\":1}}"));
}

TEST(CallAssembler, ArgumentsThatParseEarlyGoOn) {
  EXPECT_THAT(Assemble({Piece("0", "a", "f", "{\"x\":1}"), Piece("0", "", "", " ")}), ElementsAre("a f {\"x\":1} "));
  EXPECT_THAT(Assemble({Piece("0", "a", "f", "1"), Piece("0", "", "", "2")}), ElementsAre("a f 12"));
}

TEST(CallAssembler, BrokenArgumentsStayAsTheyAre) {
  EXPECT_THAT(Assemble({Piece("0", "a", "f", "{\"x\":1,}")}), ElementsAre("a f {\"x\":1,}"));
}

TEST(CallAssembler, ArgumentsInsideAStringAreUnwrappedOnce) {
  EXPECT_THAT(Assemble({Piece("0", "a", "f", R"("{\"x\":1}")")}), ElementsAre("a f {\"x\":1}"));
  EXPECT_THAT(Assemble({Piece("0", "a", "f", R"("text")")}), ElementsAre(R"(a f "text")"));
}

TEST(CallAssembler, NoArgumentsAreAnEmptyObject) {
  for (const std::string args : {"", "null", "  ", "{}"}) {
    EXPECT_THAT(Assemble({Piece("0", "a", "f", args)}), ElementsAre("a f {}")) << args;
  }
}

TEST(CallAssembler, BlanksAroundANameAreNotPartOfIt) {
  EXPECT_THAT(Assemble({Piece("0", "a", "read_file ", "{}")}), ElementsAre("a read_file {}"));
}

TEST(CallAssembler, APieceWithNothingInItIsNoCall) {
  EXPECT_THAT(Assemble({"{}", R"({"index":0,"function":null})"}), IsEmpty());
}

}  // namespace
}  // namespace rune::agent
