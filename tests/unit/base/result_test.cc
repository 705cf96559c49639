#include "sandbox/base/result.h"

#include <gtest/gtest.h>

#include <memory>

#include "sandbox/base/unique_fd.h"

namespace rune {
namespace {

Result<int> Half(int n) {
  if (n % 2 != 0) return Error::Invalid("odd");
  return n / 2;
}
Result<int> Quarter(int n) {
  RUNE_ASSIGN_OR_RETURN(const int half, Half(n));
  return Half(half);
}
Result<void> MustBeEven(int n) {
  RUNE_RETURN_IF_ERROR(Half(n));
  return Ok();
}

TEST(ResultTest, AnErrorClimbsThroughTheMacros) {
  EXPECT_EQ(Quarter(8).value(), 2);
  EXPECT_EQ(Quarter(6).error().message, "odd");
  EXPECT_TRUE(MustBeEven(2).ok());
  EXPECT_EQ(MustBeEven(3).error().kind, ErrorKind::kInvalidInput);
}

TEST(ResultTest, WrapPutsTheNounInFront) { EXPECT_EQ(Error::Invalid("odd").Wrap("n").message, "n: odd"); }

TEST(ResultTest, HoldsValuesThatCannotBeCopied) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  const std::unique_ptr<int> taken = std::move(result).value();
  EXPECT_EQ(*taken, 7);
}

TEST(ResultDeathTest, ReadingTheWrongSideAborts) {
  Result<int> bad = Error::Invalid("no");
  EXPECT_DEATH(static_cast<void>(bad.value()), "");
}

TEST(UniqueFdTest, ClosesOnDestructionAndOnMoveAssignment) {
  auto first = MakePipe();
  auto second = MakePipe();
  ASSERT_TRUE(first.ok() && second.ok());
  const int closed = first->read.get();
  first->read = std::move(second->read);
  EXPECT_FALSE(second->read.valid());
  EXPECT_NE(first->read.get(), closed);
  EXPECT_EQ(::close(closed), -1) << "the old descriptor is closed already";
}

}  // namespace
}  // namespace rune
