#include "resource/request/version.h"

#include <gtest/gtest.h>

namespace rune::resource {
namespace {

TEST(CheckPrintable, AcceptsWhatWeMake) {
  EXPECT_TRUE(CheckPrintable({{"ref", "sha256:0a"}, {"rec", "tAb-_9"}, {"via", "put"}}).ok());
}

TEST(CheckPrintable, RefusesWhatConcourseCannotSave) {
  EXPECT_FALSE(CheckPrintable({}).ok());
  EXPECT_FALSE(CheckPrintable({{"ref", ""}}).ok());
  EXPECT_FALSE(CheckPrintable({{"ref", std::string("a\0b", 3)}}).ok());
  EXPECT_FALSE(CheckPrintable({{"ref", "a"}, {"x", "\"<>&"}}).ok());
  EXPECT_FALSE(CheckPrintable({{"ref", "\xC3\xA9"}}).ok());
}

TEST(ParseVersion, TakesScalarsAndRefusesTheRest) {
  const auto document = json::Document::Parse(R"({"a":"x","b":1,"c":true,"d":null})");
  EXPECT_EQ(*ParseVersion(document->root()), (Version{{"a", "x"}, {"b", "1"}, {"c", "true"}, {"d", ""}}));
  const auto nested = json::Document::Parse(R"({"a":["x"]})");
  EXPECT_FALSE(ParseVersion(nested->root()).ok());
}

}  // namespace
}  // namespace rune::resource
