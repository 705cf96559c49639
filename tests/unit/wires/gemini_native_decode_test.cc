#include <gmock/gmock.h>

#include <random>
#include <string>
#include <vector>

#include "agent/wires/codec.h"
#include "tests/unit/wires/codec_fixture.h"
#include "tests/unit/wires/split.h"

namespace rune::agent {
namespace {

using test::CallsIn;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const std::string kEvents = "text/event-stream";

std::string Chunk(const std::string& parts, const std::string& more = "", const std::string& finish = "") {
  return R"({"candidates":[{"content":{"parts":[)" + parts + R"(],"role":"model"})" +
         (finish.empty() ? "" : R"(,"finishReason":")" + finish + '"') + R"(,"index":0}])" + more + "}";
}
std::string Words(const std::string& text) { return R"({"text":")" + text + R"("})"; }
std::string Say(const std::string& text) { return Chunk(Words(text)); }
/// An empty last chunk, as the service sends it.
std::string End(const std::string& reason = "STOP", const std::string& usage = "") {
  return Chunk(Words(""), usage.empty() ? "" : R"(,"usageMetadata":)" + usage, reason);
}
std::string CallPart(const std::string& members, const std::string& beside = "") {
  return R"({"functionCall":{)" + members + "}" + beside + "}";
}
std::string Stream(const std::vector<std::string>& chunks) {
  std::string text;
  for (const std::string& chunk : chunks) text += "data: " + chunk + "\r\n\r\n";
  return text;
}
Decoded Decode(const std::string& bytes, const std::string& type = kEvents, std::string* delivered = nullptr) {
  return test::DecodeWhole(Wire::kGeminiNative, bytes, type, delivered);
}
TEST(GeminiDecode, TextArrivesInPiecesAndIsWholeAtTheEnd) {
  std::string delivered;
  const Decoded decoded =
      Decode(Stream({Say("Hel"), Chunk(Words("lo"), R"(,"modelVersion":"gemini-x")"), End()}), kEvents, &delivered);
  EXPECT_EQ(decoded.fault, StreamFault::kNone);
  EXPECT_EQ(TextOf(decoded.message), "Hello");
  EXPECT_THAT(decoded.message.parts, SizeIs(1));
  EXPECT_EQ(delivered, "Hello");
  EXPECT_EQ(decoded.message.stop, Stop::kEnd);
  EXPECT_EQ(decoded.model, "gemini-x");
}

TEST(GeminiDecode, CallsComeWholeAndMakeAToolTurnThatEndsWithStop) {
  const Decoded decoded =
      Decode(Stream({Say("ok"), Chunk(CallPart(R"("name":"f","args":{"x":1})") + "," + CallPart(R"("name":"g")")),
                     Chunk(CallPart(R"("name":"f","args":{"x":1})")), End()}));
  EXPECT_EQ(decoded.message.stop, Stop::kToolCalls);
  EXPECT_THAT(CallsIn(decoded), ElementsAre(R"( f{"x":1})", " g{}", R"( f{"x":1})"));
}

TEST(GeminiDecode, CallsMakeAToolTurnUnderAReasonNobodyKnows) {
  EXPECT_EQ(Decode(Stream({Chunk(CallPart(R"("name":"f")")), End("FUNCTION_CALL")})).message.stop, Stop::kToolCalls);
}

TEST(GeminiDecode, ACallThatComesInPiecesIsRefused) {
  EXPECT_EQ(Decode(Stream({Chunk(CallPart(R"("name":"f","willContinue":true)")), End()})).fault,
            StreamFault::kMalformed);
  EXPECT_EQ(Decode(Stream({Chunk(CallPart(R"("partialArgs":[{"jsonPath":"$.x"}])")), End()})).fault,
            StreamFault::kMalformed);
}

// signatures.

TEST(GeminiDecode, ASignatureStaysWithItsCall) {
  const Decoded decoded =
      Decode(Stream({Chunk(CallPart(R"("id":"i1","name":"f","args":{})", R"(,"thoughtSignature":"S1")") + "," +
                           CallPart(R"("name":"g","args":{})")),
                     End()}));
  const auto calls = CallsOf(decoded.message);
  ASSERT_THAT(calls, SizeIs(2));
  EXPECT_EQ(calls[0].id, "i1");
  EXPECT_EQ(calls[0].opaque, R"({"id":"i1","thoughtSignature":"S1"})");
  EXPECT_EQ(calls[1].opaque, "");
}

TEST(GeminiDecode, SignedTextIsNotMergedWithUnsigned) {
  const Decoded decoded =
      Decode(Stream({Say("Hel"), Say("lo"), Chunk(R"({"text":"!","thoughtSignature":"S"})"), Say("?"), End()}));
  ASSERT_THAT(decoded.message.parts, SizeIs(4));
  EXPECT_EQ(std::get<Text>(decoded.message.parts[0]).text, "Hello");
  EXPECT_EQ(std::get<Text>(decoded.message.parts[1]).text, "!");
  EXPECT_EQ(std::get<Reasoning>(decoded.message.parts[2]).opaque, R"({"thoughtSignature":"S"})");
  EXPECT_EQ(std::get<Text>(decoded.message.parts[3]).text, "?");
}

TEST(GeminiDecode, AnEmptyLastPartMayCarryTheSignature) {
  const Decoded decoded = Decode(Stream({Say("x"), Chunk(R"({"text":"","thoughtSignature":"S"})", "", "STOP")}));
  ASSERT_THAT(decoded.message.parts, SizeIs(2));
  EXPECT_EQ(std::get<Reasoning>(decoded.message.parts[1]).opaque, R"({"text":"","thoughtSignature":"S"})");
  EXPECT_EQ(decoded.message.stop, Stop::kEnd);
}

TEST(GeminiDecode, AThoughtIsNoTextAndASignatureMakesNoThought) {
  std::string delivered;
  const Decoded decoded =
      Decode(Stream({Chunk(R"({"text":"h","thought":true})"), Chunk(R"({"text":"m","thought":true})"),
                     Chunk(R"({"text":"sealed","thought":true,"thoughtSignature":"S"})"),
                     Chunk(R"({"text":"x","thoughtSignature":"T"})"), End()}),
             kEvents, &delivered);
  ASSERT_THAT(decoded.message.parts, SizeIs(4));
  EXPECT_EQ(std::get<Reasoning>(decoded.message.parts[0]).text, "hm");
  EXPECT_EQ(std::get<Reasoning>(decoded.message.parts[0]).opaque, "");
  EXPECT_EQ(std::get<Reasoning>(decoded.message.parts[1]).opaque,
            R"({"text":"sealed","thought":true,"thoughtSignature":"S"})");
  EXPECT_EQ(TextOf(decoded.message), "x");
  EXPECT_EQ(delivered, "x");
}

// the end, which must be there.

TEST(GeminiDecode, AStreamWithoutAFinishReasonIsTruncated) {
  EXPECT_EQ(Decode(Stream({Say("x")})).fault, StreamFault::kTruncated);
  EXPECT_EQ(Decode(Stream({Chunk(CallPart(R"("name":"f")"))})).fault, StreamFault::kTruncated);
  EXPECT_THAT(Decode(Stream({Chunk(CallPart(R"("name":"f")"))})).message.parts, IsEmpty());
  EXPECT_EQ(Decode(Stream({Say("x"), End("FINISH_REASON_UNSPECIFIED")})).fault, StreamFault::kTruncated);
  EXPECT_EQ(Decode(Stream({Say("x"), End("")})).fault, StreamFault::kTruncated);
  EXPECT_EQ(Decode("").fault, StreamFault::kTruncated);
  EXPECT_EQ(Decode(Stream({Say("x")}) + "data: {\"candidates\":[{\"fin").fault, StreamFault::kTruncated);
}

TEST(GeminiDecode, ACutBehindTheEndDoesNotMatter) {
  EXPECT_EQ(Decode(Stream({Say("x"), End()}) + "data: {\"usage").fault, StreamFault::kNone);
}

TEST(GeminiDecode, EveryFinishReasonHasItsMeaning) {
  const auto stop = [](const std::string& reason) { return Decode(Stream({Say("x"), End(reason)})).message.stop; };
  EXPECT_EQ(stop("STOP"), Stop::kEnd);
  EXPECT_EQ(stop("MAX_TOKENS"), Stop::kLength);
  for (const std::string reason : {"SAFETY", "RECITATION", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "IMAGE_SAFETY"})
    EXPECT_EQ(stop(reason), Stop::kFiltered) << reason;
  EXPECT_EQ(stop("OTHER"), Stop::kUnknown);
  EXPECT_EQ(stop("SOMETHING_NEW"), Stop::kUnknown);
}

TEST(GeminiDecode, CallsOfACutFilteredOrFailedTurnAreDropped) {
  for (const std::string reason : {"MAX_TOKENS", "SAFETY", "OTHER", "TOO_MANY_TOOL_CALLS"}) {
    const Decoded decoded = Decode(Stream({Say("x"), Chunk(CallPart(R"("name":"f")")), End(reason)}));
    EXPECT_EQ(decoded.fault, StreamFault::kNone) << reason;
    EXPECT_THAT(CallsIn(decoded), IsEmpty()) << reason;
    EXPECT_EQ(TextOf(decoded.message), "x") << reason;
  }
}

TEST(GeminiDecode, AMalformedCallIsAnErrorThatIsWorthAnotherTry) {
  for (const std::string reason : {"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL"}) {
    const Decoded decoded = Decode(
        Stream({Say("x"), R"({"candidates":[{"finishReason":")" + reason + R"(","finishMessage":"print(f("}]})"}));
    EXPECT_EQ(decoded.fault, StreamFault::kServerError);
    EXPECT_EQ(decoded.error.code, reason);
    EXPECT_EQ(decoded.error.status, 0);
    EXPECT_THAT(decoded.error.message, HasSubstr("print(f("));
  }
}

TEST(GeminiDecode, AnOddEndWithNothingInItIsAnError) {
  EXPECT_EQ(Decode(Stream({End("OTHER")})).fault, StreamFault::kServerError);
}

TEST(GeminiDecode, AnEmptyAnswerEndsNormallyAndIsEmpty) {
  const Decoded decoded = Decode(Stream({R"({"candidates":[{"finishReason":"STOP","index":0}]})"}));
  EXPECT_EQ(decoded.fault, StreamFault::kNone);
  EXPECT_THAT(decoded.message.parts, IsEmpty());
}

TEST(GeminiDecode, ABlockedPromptIsAFilteredAnswer) {
  const Decoded decoded = Decode(Stream({R"({"promptFeedback":{"blockReason":"SAFETY"}})"}));
  EXPECT_EQ(decoded.fault, StreamFault::kNone);
  EXPECT_EQ(decoded.message.stop, Stop::kFiltered);
}

TEST(GeminiDecode, TheFirstFinishReasonStays) {
  EXPECT_EQ(Decode(Stream({Say("x"), End("MAX_TOKENS"), End("STOP")})).message.stop, Stop::kLength);
}

TEST(GeminiDecode, OtherCandidatesAndMissingPartsArePassedOver) {
  EXPECT_EQ(TextOf(Decode(Stream({R"({"candidates":[{"content":{}},{"index":1,"content":{"parts":[{"text":"no"}]}}]})",
                                  R"({"candidates":[{}]})", R"({})", R"({"candidates":null})",
                                  Chunk(R"({"inlineData":{"mimeType":"image/png","data":""}},{"executableCode":{}})"),
                                  Say("x"), End()}))
                       .message),
            "x");
}

// errors, framed or not.

TEST(GeminiDecode, AnErrorInAChunkIsAnErrorWhateverCameBefore) {
  const Decoded decoded =
      Decode(Stream({Say("x"), R"({"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}})", End()}));
  EXPECT_EQ(decoded.fault, StreamFault::kServerError);
  EXPECT_EQ(decoded.error.status, 503);
  EXPECT_EQ(decoded.error.type, "UNAVAILABLE");
}

TEST(GeminiDecode, AnUnframedErrorInTheStreamIsFound) {
  const Decoded decoded =
      Decode(Stream({Say("x")}) + "{\n  \"error\": {\n    \"code\": 429,\n    \"message\": \"slow down\"\n  }\n}\n");
  EXPECT_EQ(decoded.fault, StreamFault::kServerError);
  EXPECT_EQ(decoded.error.status, 429);
}

TEST(GeminiDecode, AnArrayInPlaceOfEventsIsAStream) {
  std::string delivered;
  const Decoded decoded =
      Decode("[" + Say("Hel") + "\n,\r\n" + Say("lo") + ",\n" + End() + "]\n", "application/json", &delivered);
  EXPECT_EQ(decoded.fault, StreamFault::kNone);
  EXPECT_EQ(TextOf(decoded.message), "Hello");
  EXPECT_EQ(delivered, "Hello");
  EXPECT_EQ(Decode("[" + Say("Hel") + "\n,\r\n" + Say("l"), "application/json").fault, StreamFault::kTruncated);
}

TEST(GeminiDecode, AnErrorInAnArrayOrAloneIsOne) {
  const std::string error = R"({"error":{"code":400,"message":"no","status":"INVALID_ARGUMENT"}})";
  for (const std::string& body : {"[" + error + "]", error, "[" + Say("x") + "," + error + "]"}) {
    const Decoded decoded = Decode(body, "application/json");
    EXPECT_EQ(decoded.fault, StreamFault::kServerError) << body;
    EXPECT_EQ(decoded.error.message, "no") << body;
  }
}

TEST(GeminiDecode, AWholeResponseInPlaceOfAStreamIsDecoded) {
  EXPECT_EQ(TextOf(Decode(Chunk(Words("x"), "", "STOP"), "application/json").message), "x");
  EXPECT_EQ(Decode(R"({"hello":1})", "application/json").fault, StreamFault::kMalformed);
}

TEST(GeminiDecode, AWebPageIsNoAnswer) { EXPECT_EQ(Decode("<!doctype html>", "").fault, StreamFault::kHtml); }

TEST(GeminiDecode, AnAnswerThatOutgrowsTheLimitIsStopped) {
  const auto decoder = CodecOf(Wire::kGeminiNative).decoder(kEvents, {.max_text_bytes = 100});
  for (int i = 0; i < 20 && !decoder->settled(); ++i)
    decoder->Feed(Stream({Chunk(CallPart(R"("name":"f","args":{"x":"0123456789"})"))}), nullptr);
  EXPECT_TRUE(decoder->settled());
  EXPECT_EQ(decoder->Finish(nullptr).fault, StreamFault::kTooLarge);
}

// usage.

TEST(GeminiDecode, TheLastCountsWinAndThoughtsAreOutput) {
  const Decoded decoded = Decode(Stream(
      {Chunk(Words("x"), R"(,"usageMetadata":{"promptTokenCount":55,"thoughtsTokenCount":7,"totalTokenCount":62})"),
       End("STOP", R"({"promptTokenCount":257,"cachedContentTokenCount":200,"candidatesTokenCount":10,)"
                   R"("thoughtsTokenCount":30,"toolUsePromptTokenCount":3,"totalTokenCount":300})")}));
  EXPECT_TRUE(decoded.usage_known);
  EXPECT_EQ(decoded.usage.input, 260u);
  EXPECT_EQ(decoded.usage.cached, 200u);
  EXPECT_EQ(decoded.usage.output, 40u);
  EXPECT_EQ(decoded.usage.reasoning, 30u);
  EXPECT_EQ(decoded.usage.cache_write, 0u);
}

TEST(GeminiDecode, OddCountsNeverFail) {
  const Decoded decoded = Decode(Stream(
      {Say("x"), End("STOP", R"({"promptTokenCount":"5","cachedContentTokenCount":9,"candidatesTokenCount":-1})")}));
  EXPECT_EQ(decoded.usage.input, 5u);
  EXPECT_EQ(decoded.usage.cached, 5u);
  EXPECT_EQ(decoded.usage.output, 0u);
  EXPECT_FALSE(Decode(Stream({Say("x"), End()})).usage_known);
}

// however it comes.

TEST(GeminiDecode, EveryCutAndEveryLineEndGivesTheSameResult) {
  const auto stream = [](const std::vector<std::string>& chunks) {
    std::string text;
    for (const std::string& chunk : chunks) text += "data: " + chunk + "\n\n";
    return text;
  };
  const std::vector<std::string> streams{
      stream({Say("H\xC3\xA9llo \\ud83d\\ude00"), End("STOP", R"({"promptTokenCount":5,"candidatesTokenCount":2})")}),
      stream({Chunk(R"({"text":"hm","thought":true})"),
              Chunk(CallPart(R"("name":"f","args":{"x":"\u00e9"})", R"(,"thoughtSignature":"S")") + "," +
                    CallPart(R"("name":"g")")),
              End()}),
      stream({Say("x")}), stream({Say("x")}) + "{\n  \"error\": {\n    \"message\": \"no\"\n  }\n}\n",
      stream({Say("x"), R"({"error":{"code":503,"message":"no"}})"})};
  for (const std::string& text : streams) test::ExpectTheSameHoweverCut(CodecOf(Wire::kGeminiNative), text);
  test::ExpectTheSameHoweverCut(CodecOf(Wire::kGeminiNative),
                                "[" + Say("a") + "\n,\n" + Say("b") + ",\n" + End() + "]\n", "application/json");
}

TEST(GeminiDecode, AByteOrderMarkIsSkippedHoweverCut) {
  const std::string mark = "\xEF\xBB\xBF";
  const std::string whole = Chunk(Words("x"), "", "STOP");
  EXPECT_EQ(TextOf(Decode(mark + whole, "application/json").message), "x");
  test::ExpectTheSameHoweverCut(CodecOf(Wire::kGeminiNative), mark + whole + "\n", "application/json");
  test::ExpectTheSameHoweverCut(CodecOf(Wire::kGeminiNative), mark + "data: " + whole + "\n\n");
}

TEST(GeminiDecode, NoBytesWhateverMakeItCrash) {
  std::mt19937 random(3);
  const std::string seed =
      Stream({Say("x"), Chunk(CallPart(R"("id":"i","name":"f","args":{"x":1})", R"(,"thoughtSignature":"S")")), End()});
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = seed;
    for (int i = 0; i < 4; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    Decode(bytes.substr(0, random() % bytes.size()), round % 2 == 0 ? kEvents : "");
  }
}

}  // namespace
}  // namespace rune::agent
