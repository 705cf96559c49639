#include "sandbox/base/list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace rune {
namespace {

TEST(ListTest, ContainsWhatEqualsTheItemWhateverItsType) {
  constexpr std::array<std::string_view, 2> kWords{"one", "two"};
  static_assert(Contains(kWords, std::string_view("two")));
  EXPECT_TRUE(Contains(kWords, std::string("one")));
  EXPECT_FALSE(Contains(kWords, "thre"));
  EXPECT_FALSE(Contains(std::vector<int>{}, 0));
  const int numbers[] = {1, 2};
  EXPECT_TRUE(Contains(numbers, 2));
}

TEST(ListTest, AddsAnItemOnceAndAtTheEnd) {
  std::vector<std::string> list{"b"};
  for (const char* item : {"a", "b", "a"}) AddOnce(list, item);
  AddOnce(list, std::string_view("b"));
  EXPECT_THAT(list, testing::ElementsAre("b", "a"));
}

}  // namespace
}  // namespace rune
