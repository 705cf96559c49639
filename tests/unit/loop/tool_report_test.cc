#include "agent/loop/tool_report.h"

#include <gtest/gtest.h>

#include <set>

namespace rune::agent {
namespace {

using sandbox::Denial;
using sandbox::DeniedAct;
using sandbox::DeniedBy;

Policy MakePolicy() {
  auto policy = Policy::Create({}, {.cwd = "/work", .tmp_dir = "/tmp/rune-test"}, PolicyMode::kAllowlist);
  return std::move(policy).value();
}

/// Every kind there is: those that have a word.
std::vector<DeniedAct> EveryAct() {
  std::vector<DeniedAct> acts;
  for (int i = 0; !DeniedActName(static_cast<DeniedAct>(i)).empty(); ++i) acts.push_back(static_cast<DeniedAct>(i));
  return acts;
}
std::vector<DeniedBy> EveryLayer() {
  std::vector<DeniedBy> layers;
  for (int i = 0; !DeniedByName(static_cast<DeniedBy>(i)).empty(); ++i) layers.push_back(static_cast<DeniedBy>(i));
  return layers;
}

TEST(ToolReport, DropsNoKindOfRefusal) {
  const Policy policy = MakePolicy();
  EXPECT_EQ(EveryAct().back(), DeniedAct::kRunLater);
  EXPECT_EQ(EveryLayer().back(), DeniedBy::kPolicy);
  for (const int code : {0, 1}) {
    sandbox::Report report;
    report.exit_code = code;
    for (const DeniedAct what : EveryAct()) {
      for (const DeniedBy by : EveryLayer())
        report.denials.push_back({.by = by, .what = what, .target = "x", .count = 2});
    }
    ToolRecord record;
    NoteReport(report, policy, {}, record);
    ASSERT_EQ(record.refusals.size(), EveryAct().size() * EveryLayer().size());
    std::set<std::string> messages;
    for (const Refusal& refusal : record.refusals) {
      EXPECT_EQ(refusal.count, 2U);
      messages.insert(refusal.message);
    }
    EXPECT_EQ(messages.size(), record.refusals.size()) << "each says what it was and whose";
    EXPECT_EQ(record.refused, code != 0) << "what worked was not refused";
    EXPECT_EQ(record.succeeded, code == 0);
  }
}

TEST(ToolReport, SaysWhichLimitWasMetHowOftenAndWhatRaisesIt) {
  PolicyConfig config;
  config.max_memory_mb = 512;
  config.max_pids = 64;
  config.origins["max_pids"] = {{"~/.rune/rune.toml:4", {}}};
  auto policy = Policy::Create(config, {.cwd = "/work", .tmp_dir = "/tmp/rune-test"}, PolicyMode::kAllowlist);
  ASSERT_TRUE(policy.ok());
  ToolRecord record;
  NoteReport({.exit_code = 0,
              .max_rss_kb = 300 << 10,
              .oom_kills = 2,
              .forks_refused = 7,
              .troubles = {"a.test: no such name"}},
             *policy, {}, record);
  EXPECT_TRUE(record.succeeded) << "it got over them";
  EXPECT_EQ(record.notes, (std::vector<std::string>{
                              "limit: memory, 512 MiB of all running tools: met 2 times; the largest process had "
                              "300 MiB; max_memory_mb in [policy] (~/.rune/rune.toml) raises it",
                              "limit: 64 processes and threads of all running tools: met 7 times; max_pids in "
                              "[policy] (~/.rune/rune.toml:4) raises it",
                              "network: a.test: no such name"}));
  ToolRecord fine;
  NoteReport({.exit_code = 2}, *policy, {}, fine);
  EXPECT_TRUE(fine.notes.empty());
}

TEST(ToolReport, SaysHowItEndedAndNotWhatItDoesNotKnow) {
  const Policy policy = MakePolicy();
  ToolRecord good;
  NoteReport({.exit_code = 0}, policy, {}, good);
  EXPECT_TRUE(good.succeeded);
  EXPECT_FALSE(good.refused);
  EXPECT_EQ(good.detail, "");
  ToolRecord killed;
  NoteReport({.signal = 9, .limit = sandbox::LimitHit::kMemory}, policy, {}, killed);
  EXPECT_FALSE(killed.succeeded);
  EXPECT_FALSE(killed.refused) << "a limit is no refusal";
  EXPECT_EQ(killed.detail, "killed: memory limit");
}

}  // namespace
}  // namespace rune::agent
