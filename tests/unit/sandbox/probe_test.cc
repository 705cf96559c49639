/// Proof by trying: what a confinement closes is closed, and what it opens shows as open.
#include "sandbox/probe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "sandbox/guardian/probes.h"
#include "sandbox/sandbox.h"
#include "tests/support/sandbox_helper.h"

namespace rune::sandbox {
namespace {

using namespace std::chrono_literals;

ProbeReport Probed(const Confinement& confinement) {
  EventLoop loop;
  auto sandbox = Sandbox::Create(loop, {.helper = SandboxHelper()});
  std::optional<Result<ProbeReport>> report;
  const auto id = (*sandbox)->Probe(confinement, [&](Result<ProbeReport> done) { report = std::move(done); });
  EXPECT_TRUE(id.ok()) << id.error().message;
  loop.RunUntil([&] { return report.has_value(); }, Clock::now() + 20s);
  EXPECT_TRUE(report && report->ok()) << (report ? report->error().message : "no report");
  return report && report->ok() ? **report : ProbeReport{};
}

const ProbeResult* Find(const ProbeReport& report, std::string_view act) {
  const auto found = std::find_if(report.results.begin(), report.results.end(),
                                  [&](const ProbeResult& result) { return result.act == act; });
  return found == report.results.end() ? nullptr : &*found;
}

Confinement Usual() {
  Confinement confinement;
  confinement.files = SystemRead();
  confinement.files.denied = {"/etc/passwd"};
  return confinement;
}

TEST(ProbeTest, EveryActIsRefusedUnderTheUsualConfinement) {
  const ProbeReport report = Probed(Usual());
  EXPECT_EQ(report.results.size(), kProbeCount);
  EXPECT_GE(report.tried(), 25U);
  for (const ProbeResult& result : report.results) {
    EXPECT_NE(result.state, ProbeState::kOpen) << result.act << ": " << result.inside << " inside, " << result.outside;
  }
  EXPECT_EQ(report.closed(), report.tried());
}

TEST(ProbeTest, MostActsArePossibleWithoutIt) {
  const ProbeReport report = Probed(Usual());
  const auto possible = std::count_if(report.results.begin(), report.results.end(),
                                      [](const ProbeResult& result) { return result.state == ProbeState::kClosed; });
  EXPECT_GE(possible, 18) << "a control that fails by itself proves nothing";
}

TEST(ProbeTest, WhatThePolicyOpensShows) {
  Confinement confinement = Usual();
  confinement.network = Network::kOpen;
  confinement.files.read.emplace_back("/");
  const ProbeReport report = Probed(confinement);
  const ProbeResult* const connect = Find(report, "connect to a server of this machine");
  ASSERT_NE(connect, nullptr);
  EXPECT_EQ(connect->state, ProbeState::kNotTried) << "an open network is the policy's word, not a finding";
  const ProbeResult* const list = Find(report, "list a directory outside the grants");
  ASSERT_NE(list, nullptr);
  EXPECT_EQ(list->state, ProbeState::kNotTried) << "nothing is outside of everything";
}

TEST(ProbeTest, AnActThatIsNotRefusedIsOpen) {
  ProbeOutcomes outcomes;
  outcomes.inside.fill(EPERM);
  outcomes.outside.fill(0);
  const auto mount = [](const std::vector<ProbeResult>& results) {
    return std::find_if(results.begin(), results.end(), [](const auto& result) { return result.act == "mount"; });
  };
  EXPECT_EQ(mount(JudgeProbes(outcomes))->state, ProbeState::kClosed);
  outcomes.outside.fill(EPERM);
  EXPECT_EQ(mount(JudgeProbes(outcomes))->state, ProbeState::kClosedHere);
  outcomes.inside.fill(ENOENT);
  EXPECT_EQ(mount(JudgeProbes(outcomes))->state, ProbeState::kOpen) << "it got as far as looking for the place";
  outcomes.inside.fill(0);
  EXPECT_EQ(mount(JudgeProbes(outcomes))->state, ProbeState::kOpen);
  outcomes.inside.fill(kProbeNotTried);
  EXPECT_EQ(mount(JudgeProbes(outcomes))->state, ProbeState::kNotTried);
}

TEST(ProbeTest, LinesComeBackAsTheyWere) {
  const std::vector<ProbeResult> results{{Layer::kNames, "look", ProbeState::kClosed, "ENOENT", "done"},
                                         {Layer::kSeccomp, "mount", ProbeState::kOpen, "done", "done"}};
  const auto read = ReadProbeLines(WriteProbeLines(results));
  ASSERT_TRUE(read.ok());
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ((*read)[0].layer, Layer::kNames);
  EXPECT_EQ((*read)[1].state, ProbeState::kOpen);
  EXPECT_EQ((*read)[0].inside, "ENOENT");
  for (const char* bad : {"limits\tx\tclosed\ty", "gravity\tx\tclosed\ty\tz", "limits\tx\tfine\ty\tz", "hello"}) {
    EXPECT_FALSE(ReadProbeLines(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace rune::sandbox
