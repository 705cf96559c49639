#include "sandbox/base/secret.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <ostream>
#include <type_traits>
#include <utility>

#include "sandbox/base/encoding.h"
#include "sandbox/base/redaction.h"

namespace {

/// What this program looks for in each block that it frees, while the block is still its own.
std::string_view g_wanted;
int g_freed_with_it = 0;
int g_freed = 0;

void Free(void* memory, std::size_t size) {
  if (!g_wanted.empty() && size >= g_wanted.size()) {
    ++g_freed;
    const std::string_view block(static_cast<const char*>(memory), size);
    if (block.find(g_wanted) != std::string_view::npos) ++g_freed_with_it;
  }
  std::free(memory);
}

constexpr std::size_t kHead = alignof(std::max_align_t);

}  // namespace

// Replaced for this whole program. Each block remembers its size in front of itself, because not every delete is told.
void* operator new(std::size_t size) {
  auto* block = static_cast<char*>(std::calloc(1, size + kHead));  // nothing of an earlier block's
  if (block == nullptr) std::abort();
  *reinterpret_cast<std::size_t*>(block) = size;
  return block + kHead;
}
// std::stable_sort asks for its buffer by this one, and a sanitizer's would not know our head.
void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept { return operator new(size); }
void operator delete(void* memory) noexcept {
  if (memory == nullptr) return;
  char* block = static_cast<char*>(memory) - kHead;
  Free(block, *reinterpret_cast<std::size_t*>(block) + kHead);
}
void operator delete(void* memory, std::size_t /*size*/) noexcept { operator delete(memory); }

namespace rune {
namespace {

/// Too short for the log to keep, so that its copies are not mistaken for ours.
constexpr std::string_view kKey = "canary!";

template <typename T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };
static_assert(Printable<std::string> && !Printable<Secret>);
static_assert(!std::is_convertible_v<Secret, std::string_view> && !std::is_convertible_v<Secret, std::string>);
static_assert(!std::is_convertible_v<std::string, Secret> && !std::is_convertible_v<const char*, Secret>);

/// How many of the blocks that `act` frees still hold the key.
template <typename Act>
int FreedWithTheKey(Act act) {
  g_freed_with_it = 0;
  g_freed = 0;
  g_wanted = kKey;
  act();
  g_wanted = {};
  EXPECT_GT(g_freed, 0) << "nothing was freed, so nothing was looked at";
  return std::exchange(g_freed_with_it, 0);
}

TEST(SecretTest, AStringLeavesItsBytesInFreedMemoryAndASecretDoesNot) {
  auto* text = new std::string(std::string(50, '.').append(kKey));
  EXPECT_EQ(FreedWithTheKey([&] { delete text; }), 1);
  auto* secret = new Secret(kKey);
  EXPECT_EQ(FreedWithTheKey([&] { delete secret; }), 0);
}

TEST(SecretTest, ACopyAnAssignmentAndAMoveLeaveNothingBehind) {
  EXPECT_EQ(FreedWithTheKey([] {
              Secret a(kKey);
              Secret b = a;
              Secret c = std::move(a);
              b = Secret("x");
              c = std::move(b);
              Secret d(std::string(kKey.size(), 'y'));
              d = c;
              d = Secret();
            }),
            0);
}

TEST(SecretTest, WhatWasMovedFromIsEmpty) {
  Secret a(kKey);
  const Secret b = std::move(a);
  EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): what is promised
  EXPECT_EQ(b.Reveal(), kKey);
  Secret c("another key");
  Secret d("a third one");
  c = std::move(d);
  EXPECT_TRUE(d.empty());  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(c.Reveal(), "a third one");
}

TEST(SecretTest, TakeWipesTheTextThatItTakes) {
  for (const std::size_t room : {std::size_t{0}, std::size_t{100}}) {  // in the string itself, and elsewhere
    auto* text = new std::string(kKey);
    text->reserve(room);
    const Secret secret = Secret::Take(*text);
    EXPECT_EQ(secret.Reveal(), kKey);
    EXPECT_TRUE(text->empty());
    EXPECT_EQ(FreedWithTheKey([&] { delete text; }), 0) << room;
  }
}

TEST(SecretTest, ComparesByWhatItHolds) {
  EXPECT_EQ(Secret("one"), Secret("one"));
  EXPECT_NE(Secret("one"), Secret("two"));
  EXPECT_NE(Secret("one"), Secret("on"));
  EXPECT_EQ(Secret(), Secret(""));
  EXPECT_TRUE(Secret("").empty());
  EXPECT_FALSE(Secret(" ").empty());
  EXPECT_EQ(Secret().Reveal(), "");
}

TEST(SecretTest, TheLogHidesItInEveryFormFromTheMomentItIsMade) {
  const std::string key = "made-of/odd+parts \"and\" \\more\n";
  const std::string forms[] = {key,
                               Base64Encode(key),
                               Base64Encode("user:" + key),
                               Base64UrlEncode(key),
                               Base64UrlEncode("x" + key),
                               PercentEncode(key),
                               HexEncode(key),
                               R"(made-of/odd+parts \"and\" \\more\n)"};
  for (const std::string& form : forms) EXPECT_EQ(Redact(form), form);
  const Secret secret(key);
  for (const std::string& form : forms) {
    EXPECT_NE(Redact(form).find("***"), std::string::npos) << form;
    EXPECT_EQ(Redact(form).find(form.substr(8, 8)), std::string::npos) << form;
  }
}

TEST(SecretTest, TheLogStillHidesItWhenItIsGone) {
  {
    const Secret secret("gone-but-not-forgotten");
  }
  EXPECT_EQ(Redact("<gone-but-not-forgotten>"), "<***>");
}

}  // namespace
}  // namespace rune
