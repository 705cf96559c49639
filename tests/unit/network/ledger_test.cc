#include "sandbox/network/ledger.h"

#include <gtest/gtest.h>

namespace rune::sandbox {
namespace {

TEST(EgressLedgerTest, KeepsOneEntryPerTargetAndPort) {
  EgressLedger ledger;
  ledger.At("good.test", 443).sent += 3;
  ledger.At("good.test", 443).sent += 4;
  ledger.At("good.test", 80).sent += 5;
  ledger.At("good.test.evil.test", 443).sent += 100;
  EXPECT_EQ(ledger.Entries().size(), 3u);
  EXPECT_EQ(ledger.At("good.test", 443).target, "good.test");
  EXPECT_EQ(ledger.At("good.test", 443).port, 443);
}

TEST(EgressLedgerTest, CountsWhatItCannotListUnderOthers) {
  EgressLedger ledger;
  for (int i = 0; i < 2048; ++i) ledger.At("n" + std::to_string(i) + ".test", 443).sent = 1;
  ledger.At("late.test", 443).sent += 2;
  ledger.At("later.test", 80).sent += 3;
  ledger.At("n7.test", 443).sent += 4;
  EXPECT_EQ(ledger.Entries().size(), 2049u);
  EXPECT_EQ(ledger.At("(others)", 0).sent, 5u);
}

TEST(EgressLedgerTest, KeepsWhatCountsAgainstEntriesApartFromWhatItLists) {
  EgressLedger ledger;
  for (int i = 0; i < 5000; ++i) {
    ledger.At("n" + std::to_string(i) + ".test", 443).sent = 1;
    ledger.Charge("*.test", 1);
  }
  ledger.Charge("good.example", 7);
  EXPECT_EQ(ledger.Charged("*.test"), 5000u) << "a cap that is filled away is none";
  EXPECT_EQ(ledger.Charged("good.example"), 7u);
  EXPECT_EQ(ledger.Charged("evil.test"), 0u);
}

TEST(EgressLedgerTest, IsNotFilledByRefusals) {
  EgressLedger ledger;
  for (int i = 0; i < 4096; ++i) ledger.Refuse("n" + std::to_string(i) + ".test", 443);
  ledger.At("good.test", 443).sent = 9;
  EXPECT_EQ(ledger.Entries().size(), 258u);
  EXPECT_EQ(ledger.At("(others)", 0).refused, 4096u - 256u);
  EXPECT_EQ(ledger.At("good.test", 443).sent, 9u);
}

}  // namespace
}  // namespace rune::sandbox
