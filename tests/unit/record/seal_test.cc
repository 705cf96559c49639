#include "agent/record/seal.h"

#include <gtest/gtest.h>

namespace rune::agent {
namespace {

TEST(Seal, OpensWhatItClosed) {
  const auto seal = Seal::FromSecret("a secret of the source");
  ASSERT_TRUE(seal.ok());
  const std::string sealed = *seal->Close("the answer", "ref-1");
  EXPECT_EQ(sealed.find("answer"), std::string::npos);
  EXPECT_EQ(*seal->Open(sealed, "ref-1"), "the answer");
}

TEST(Seal, OfTheSameContentIsTheSameBytes) {
  const auto first = Seal::FromSecret("a secret of the source");
  const auto second = Seal::FromSecret("a secret of the source");
  EXPECT_EQ(*first->Close("the answer", "ref-1"), *second->Close("the answer", "ref-1"));
  EXPECT_NE(*first->Close("the answer", "ref-1"), *first->Close("the answer", "ref-2"));
}

TEST(Seal, HasANonceOfItsOwnForEachRefAndEachContent) {
  // key id (4 bytes), nonce (12), ciphertext, tag: one key never meets two messages under one nonce.
  const auto seal = Seal::FromSecret("a secret of the source");
  const auto nonce = [&](std::string_view plain, std::string_view ref) {
    return seal->Close(plain, ref)->substr(4, 12);
  };
  EXPECT_EQ(nonce("the answer", "ref-1"), nonce("the answer", "ref-1"));
  EXPECT_NE(nonce("the answer", "ref-1"), nonce("the answer", "ref-2"));
  EXPECT_NE(nonce("the answer", "ref-1"), nonce("another", "ref-1"));
  // Where the ref ends is part of it, too.
  EXPECT_NE(nonce("b", "a"), nonce("", "ab"));
}

TEST(Seal, SaysThatAnotherKeyIsAnotherKey) {
  const auto seal = Seal::FromSecret("a secret of the source");
  const auto other = Seal::FromSecret("another secret");
  const auto opened = other->Open(*seal->Close("the answer", "ref-1"), "ref-1");
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().kind, ErrorKind::kDenied);
  EXPECT_NE(opened.error().message.find("another key"), std::string::npos);
}

TEST(Seal, NoticesEveryFlippedByteAndAForeignRef) {
  const auto seal = Seal::FromSecret("a secret of the source");
  const std::string sealed = *seal->Close("the answer", "ref-1");
  EXPECT_FALSE(seal->Open(sealed, "ref-2").ok());
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string altered = sealed;
    altered[i] = static_cast<char>(altered[i] ^ 1);
    EXPECT_FALSE(seal->Open(altered, "ref-1").ok()) << i;
    EXPECT_FALSE(seal->Open(sealed.substr(0, i), "ref-1").ok()) << i;
  }
}

TEST(Seal, NeedsASecret) { EXPECT_FALSE(Seal::FromSecret("").ok()); }

}  // namespace
}  // namespace rune::agent
