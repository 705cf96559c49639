#include "agent/wires/base64.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "sandbox/base/encoding.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

std::string Written(std::string_view bytes, std::string_view prefix = "") {
  json::Writer out;
  out.BeginObject().Key("data");
  WriteBase64(out, bytes, prefix);
  out.Member("after", 1).EndObject();
  return out.Take();
}

TEST(Base64, TheExamplesOfTheStandardHold) {
  EXPECT_EQ(Written(""), R"({"data":"","after":1})");
  EXPECT_EQ(Written("f"), R"({"data":"Zg==","after":1})");
  EXPECT_EQ(Written("fo"), R"({"data":"Zm8=","after":1})");
  EXPECT_EQ(Written("foobar"), R"({"data":"Zm9vYmFy","after":1})");
}

TEST(Base64, APrefixMakesADataUri) {
  EXPECT_EQ(Written("f", "data:image/png;base64,"), R"({"data":"data:image/png;base64,Zg==","after":1})");
}

TEST(Base64, AnyBytesAreEncodedAsElsewhere) {
  std::mt19937 random(5);
  for (int round = 0; round < 500; ++round) {
    std::string bytes(random() % 200, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    EXPECT_EQ(Written(bytes), R"({"data":")" + Base64Encode(bytes) + R"(","after":1})");
  }
}

}  // namespace
}  // namespace rune::agent
