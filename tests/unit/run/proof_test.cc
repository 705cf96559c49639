#include "agent/run/proof.h"

#include <gtest/gtest.h>

#include "agent/run/egress.h"

namespace rune::agent {
namespace {

using sandbox::Layer;
using sandbox::LayerState;
using sandbox::ProbeState;

Proof Sample() {
  Proof proof;
  proof.layers = {{Layer::kLimits, LayerState::kDegraded, "rlimits", "no cgroup"},
                  {Layer::kNetwork, LayerState::kEnforced, "guard", ""}};
  proof.probes.results = {{Layer::kNetwork, "connect", ProbeState::kClosed, "EACCES", "done"},
                          {Layer::kLandlock, "list", ProbeState::kOpen, "done", "done"},
                          {Layer::kLandlock, "read", ProbeState::kNotTried, "not tried", "not tried"},
                          {Layer::kSeccomp, "mount", ProbeState::kClosedHere, "EPERM", "EPERM"}};
  return proof;
}

TEST(ProofTest, CountsWhatIsEnforcedAndWhatWasRefused) {
  EXPECT_EQ(ProofLine(Sample()), "confinement: 1/2, probes 2/3");
  EXPECT_EQ(OpenActs(Sample()), "list");
  Proof unproved = Sample();
  unproved.probes = {};
  EXPECT_EQ(ProofLine(unproved), "confinement: 1/2");
}

TEST(ProofTest, AnOpenActIsHeldAgainstItsOwnLayer) {
  EXPECT_EQ(OpenActOf(Sample(), Layer::kLandlock), "list");
  for (const Layer layer : {Layer::kLimits, Layer::kNetwork, Layer::kSeccomp, Layer::kNames})
    EXPECT_EQ(OpenActOf(Sample(), layer), "") << sandbox::LayerName(layer);
}

TEST(ProofTest, IsJson) {
  json::Writer writer;
  WriteProof(writer, Sample());
  const auto document = json::Document::Parse(writer.Take(), "proof");
  ASSERT_TRUE(document.ok());
  EXPECT_EQ(document->root()["layers"][std::size_t{0}]["why"].string(), "no cgroup");
  EXPECT_EQ(document->root()["probes"][std::size_t{1}]["state"].string(), "OPEN");
}

TEST(EgressTest, AddsUpByTargetAndRemembersTheSteps) {
  std::vector<EgressLine> lines;
  AddEgress(lines, {{.target = "a.test", .port = 443, .connections = 1, .sent = 100, .received = 2'500}}, 1);
  AddEgress(lines, {{.target = "a.test", .port = 443, .connections = 2, .sent = 11, .received = 1}}, 3);
  AddEgress(lines, {{.target = "b.test\x1b[2J", .port = 0, .lookups = 1, .refused = 1}}, 3);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].egress.connections, 3U);
  EXPECT_EQ(lines[0].egress.sent, 111U);
  EXPECT_EQ(lines[0].steps, (std::vector<std::uint32_t>{1, 3}));
  const auto text = EgressText(lines);
  EXPECT_EQ(text[0], "a.test:443  3 connections, 111 B up, 2.5 kB down, steps 1, 3");
  EXPECT_EQ(text[1].find('\x1b'), std::string::npos) << "a name is somebody else's text";
}

}  // namespace
}  // namespace rune::agent
