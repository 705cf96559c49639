#include "agent/record/record.h"

#include <gtest/gtest.h>

#include "agent/record/deflate.h"
#include "agent/record/ref.h"
#include "sandbox/base/encoding.h"

namespace rune::agent {
namespace {

Record Sample() {
  Record record;
  record.prompt_digest = PromptDigest("How many?");
  record.prompt = "How many?";
  record.answer = "Forty-two, said the machine, after a long time of thinking.\n";
  record.model = "gpt-4o-mini-2024-07-18";
  record.time = 1'800'000'000;
  record.input_tokens = 312;
  record.cached_tokens = 12;
  record.output_tokens = 40;
  record.steps = 2;
  record.layers = "emede";
  record.tools = {{"execute_cmd df -h /", false}, {"read_file /etc/shadow", true}};
  record.outcome = "answered_with_denials";
  return record;
}

std::string Noise(std::size_t bytes) {
  std::string noise;
  std::string block = "seed";
  while (noise.size() < bytes) noise += HexEncode(block = Sha256(block));
  return noise.substr(0, bytes);
}

TEST(Record, ComesBackAsItWas) {
  const Record record = Sample();
  const std::string ref = *RefOf(record.answer, record.form);
  for (const std::string secret : {"", "a secret of the source"}) {
    const auto text = EncodeRecord(record, ref, secret);
    ASSERT_TRUE(text.ok());
    EXPECT_EQ(text->find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
              std::string::npos);
    const auto back = DecodeRecord(*text, ref, secret);
    ASSERT_TRUE(back.ok()) << back.error().message;
    EXPECT_EQ(**back, record);
    EXPECT_EQ(*EncodeRecord(record, ref, secret), *text) << "equal records must give equal versions";
  }
}

TEST(Record, SaysWhatItCostOnlyWhenThatIsKnown) {
  Record record = Sample();
  const std::string ref = *RefOf(record.answer, record.form);
  const std::string plain = *EncodeRecord(record, ref, "");
  record.cost = 0;
  EXPECT_EQ((**DecodeRecord(*EncodeRecord(record, ref, ""), ref, "")).cost, 0U) << "free is not unknown";
  record.cost = 1'234'567'890;
  record.reasoning_tokens = 30;
  EXPECT_EQ(**DecodeRecord(*EncodeRecord(record, ref, ""), ref, ""), record);
  record.cost.reset();
  EXPECT_EQ(**DecodeRecord(*EncodeRecord(record, ref, ""), ref, ""), record);
  record.reasoning_tokens = 0;
  EXPECT_EQ(*EncodeRecord(record, ref, ""), plain) << "the same bytes as ever";
}

TEST(Record, OfALongAnswerIsDeflatedAndNeverLongerThanPlain) {
  Record record;
  record.answer = "\x01\x7F#~^";  // five bytes that fixed Huffman codes make no shorter
  const std::string ref = *RefOf(record.answer, {});
  EXPECT_LE(EncodeRecord(record, ref, "")->size(), 60u);
  record.answer = std::string(2000, 'x');
  EXPECT_EQ(EncodeRecord(record, *RefOf(record.answer, {}), "")->front(), 'd');
  EXPECT_EQ(EncodeRecord(record, *RefOf(record.answer, {}), "0123456789abcdef")->front(), 't');
}

TEST(Record, IsRefusedUnderAnotherRef) {
  const Record record = Sample();
  const std::string text = *EncodeRecord(record, *RefOf(record.answer, {}), "");
  const auto back = DecodeRecord(text, *RefOf("something else", {}), "");
  ASSERT_FALSE(back.ok());
  EXPECT_EQ(back.error().kind, ErrorKind::kProtocol);
}

TEST(Record, SealedIsDeniedWithoutOrWithAnotherKey) {
  const Record record = Sample();
  const std::string ref = *RefOf(record.answer, {});
  const std::string text = *EncodeRecord(record, ref, "a secret of the source");
  EXPECT_EQ(DecodeRecord(text, ref, "").error().kind, ErrorKind::kDenied);
  EXPECT_EQ(DecodeRecord(text, ref, "another secret").error().kind, ErrorKind::kDenied);
}

TEST(Record, OfAnUnknownCodecIsNoRecord) {
  const auto back = DecodeRecord("z1234", *RefOf("a", {}), "");
  ASSERT_TRUE(back.ok());
  EXPECT_FALSE(back->has_value());
}

TEST(Record, CutAtAnyByteIsDamaged) {
  const Record record = Sample();
  const std::string ref = *RefOf(record.answer, {});
  const std::string text = *EncodeRecord(record, ref, "");
  for (std::size_t i = 0; i < text.size(); ++i) EXPECT_FALSE(DecodeRecord(text.substr(0, i), ref, "").ok()) << i;
}

TEST(Record, ThatInflatesWithoutEndIsRefused) {
  const std::string bomb = "d" + Base64UrlEncode(*Deflate(std::string(64u << 20, 'x')));
  ASSERT_LT(bomb.size(), 200'000u);
  const auto back = DecodeRecord(bomb, *RefOf("x", {}), "");
  ASSERT_FALSE(back.ok());
  EXPECT_NE(back.error().message.find("larger than any record"), std::string::npos);
}

TEST(Record, FromALaterReleaseMayHoldUnknownMembers) {
  const std::string text = "p" + Base64UrlEncode(R"({"v":9,"c":"text","a":"hello","zz":[1]})");
  const auto back = DecodeRecord(text, *RefOf("hello", {}), "");
  ASSERT_TRUE(back.ok());
  EXPECT_EQ((*back)->answer, "hello");
}

TEST(Record, OfAStructuredAnswerIsVerifiedByItsMembers) {
  Record record;
  record.form = {CanonicalRule::kJson, {"/verdict"}};
  record.answer = R"({"verdict":"pass","reason":"fine"})";
  const std::string ref = *RefOf(record.answer, record.form);
  const auto back = DecodeRecord(*EncodeRecord(record, ref, ""), ref, "");
  ASSERT_TRUE(back.ok());
  EXPECT_EQ((*back)->form, record.form);
}

TEST(FitRecord, DropsToolsThenPromptThenGivesUp) {
  Record record = Sample();
  const std::string ref = *RefOf(record.answer, {});
  const std::size_t base = EncodeRecord(record, ref, "")->size();
  record.tools.assign(1, {Noise(3000), false});
  Record fitted = record;
  EXPECT_TRUE(FitRecord(fitted, ref, "", base + 100)->has_value());
  EXPECT_TRUE(fitted.tools.empty());
  EXPECT_TRUE(fitted.prompt.has_value());
  record.prompt = Noise(3000);
  fitted = record;
  EXPECT_TRUE(FitRecord(fitted, ref, "", base + 100)->has_value());
  EXPECT_FALSE(fitted.prompt.has_value());
  fitted = record;
  EXPECT_FALSE(FitRecord(fitted, ref, "", 20)->has_value());
}

TEST(FitRecord, FourKibibytesHoldSevenHundredWords) {
  Record record = Sample();
  std::string prose;
  for (int i = 0; i < 700; ++i) prose += Noise(4).substr(0, 1) + std::to_string(i * 7919 % 1000) + " ";
  record.answer = prose;
  EXPECT_TRUE(FitRecord(record, *RefOf(prose, {}), "a secret of the source", 4096)->has_value());
}

}  // namespace
}  // namespace rune::agent
