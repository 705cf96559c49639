#include "sandbox/base/encoding.h"

#include <gtest/gtest.h>

namespace rune {
namespace {

TEST(EncodingTest, MatchesRfc4648) {
  // Test vectors of RFC 4648 section 10.
  const struct {
    const char* plain;
    const char* base64;
  } vectors[] = {{"", ""},
                 {"f", "Zg=="},
                 {"fo", "Zm8="},
                 {"foo", "Zm9v"},
                 {"foob", "Zm9vYg=="},
                 {"fooba", "Zm9vYmE="},
                 {"foobar", "Zm9vYmFy"}};
  for (const auto& v : vectors) {
    EXPECT_EQ(Base64Encode(v.plain), v.base64);
    EXPECT_EQ(Base64Decode(v.base64), v.plain);
    EXPECT_EQ(Base64UrlDecode(Base64UrlEncode(v.plain)), v.plain);
  }
  EXPECT_EQ(Base64UrlDecode("Zh"), std::nullopt) << "bits after the end must be zero";
  EXPECT_EQ(Base64UrlDecode("Z"), std::nullopt);
  EXPECT_EQ(Base64UrlDecode("Zg=="), std::nullopt);
  EXPECT_EQ(HexEncode("\x01\xff"), "01ff");
  EXPECT_EQ(PercentEncode("a b/é"), "a%20b%2F%C3%A9");
}

TEST(EncodingTest, EveryByteComesBackFromBothAlphabets) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  EXPECT_EQ(Base64Decode(Base64Encode(bytes)), bytes);
  EXPECT_EQ(Base64UrlDecode(Base64UrlEncode(bytes)), bytes);
  EXPECT_NE(Base64Encode(bytes).find_first_of("+/"), std::string::npos);
  EXPECT_NE(Base64UrlEncode(bytes).find_first_of("-_"), std::string::npos);
}

TEST(EncodingTest, Base64IsReadStrictly) {
  for (const char* text : {"Zg", "Zg=", "Zg===", "Z===", "====", "Zh==", "Zm9=", "Zm9v\n", "Zm 9v", "Zg==Zg==", "-_-_",
                           "Zm9v====", "\xc3\xa9=="}) {
    EXPECT_EQ(Base64Decode(text), std::nullopt) << text;
  }
  for (const char* text : {"Zg==", "Z", "Zh", "+/+/", "Zm9v "}) EXPECT_EQ(Base64UrlDecode(text), std::nullopt) << text;
}

TEST(EncodingTest, PercentDecodingTakesBothCasesAndNoHalves) {
  const struct {
    const char* text;
    std::optional<std::string> bytes;
  } cases[] = {{"", ""},
               {"plain", "plain"},
               {"a%20b", "a b"},
               {"%c3%A9", "\xc3\xa9"},
               {"%25", "%"},
               {"a+b", "a+b"},
               {"%41%42", "AB"},
               {"%", std::nullopt},
               {"%4", std::nullopt},
               {"ab%4", std::nullopt},
               {"%4g", std::nullopt},
               {"%g4", std::nullopt},
               {"%%41", std::nullopt}};
  for (const auto& c : cases) EXPECT_EQ(PercentDecode(c.text), c.bytes) << c.text;
  EXPECT_EQ(PercentDecode("%00"), std::string(1, '\0'));
}

}  // namespace
}  // namespace rune
