#include "agent/run/layers.h"

#include <gtest/gtest.h>

namespace rune::agent {
namespace {

using sandbox::Layer;
using sandbox::LayerReport;
using sandbox::LayerState;

const std::vector<LayerReport>& Sample() {
  static const std::vector<LayerReport> layers{{Layer::kLimits, LayerState::kDegraded, "rlimits", "no cgroup"},
                                               {Layer::kNetwork, LayerState::kEnforced, "guard", ""},
                                               {Layer::kSeccomp, LayerState::kOff, "", ""},
                                               {Layer::kLandlock, LayerState::kMissing, "", "no Landlock"}};
  return layers;
}

TEST(LayersTest, AreOneLineInWhichOnlyTheExceptionHasItsState) {
  EXPECT_EQ(LayersLine({}), "not used");
  EXPECT_EQ(LayersLine(Sample()),
            "limits: degraded rlimits (no cgroup); network: guard; seccomp: off; landlock: missing (no Landlock)");
}

TEST(LayersTest, AreRowsOfATable) {
  EXPECT_EQ(LayerRows(Sample()),
            (std::vector<std::string>{"limits    degraded  rlimits (no cgroup)", "network   enforced  guard",
                                      "seccomp   off       ", "landlock  missing   (no Landlock)"}));
}

TEST(LayersTest, AreMembersOfAnObject) {
  json::Writer writer;
  WriteLayer(writer.BeginObject(), Sample()[0]);
  EXPECT_EQ(writer.EndObject().Take(), R"({"state":"degraded","mechanism":"rlimits","why":"no cgroup"})");
  json::Writer other;
  WriteLayer(other.BeginObject(), Sample()[1]);
  EXPECT_EQ(other.EndObject().Take(), R"({"state":"enforced","mechanism":"guard"})");
}

/// Versions of every release are read for ever: these letters do not change.
TEST(LayersTest, AreLettersOfARecordAndBack) {
  EXPECT_EQ(LayerLetters({}), "");
  EXPECT_EQ(LayerLetters(Sample()), "deom-");
  using Pairs = std::vector<std::pair<std::string_view, std::string_view>>;
  EXPECT_EQ(LayerStates("deom-"), (Pairs{{"limits", "degraded"},
                                         {"network", "enforced"},
                                         {"seccomp", "off"},
                                         {"landlock", "missing"},
                                         {"names", "unknown"}}));
  EXPECT_TRUE(LayerStates("").empty());
  EXPECT_TRUE(LayerStates("eeee").empty()) << "not as many as there are layers";
}

TEST(LayersTest, AreCountedWithTheProbesWhereSomeWereTried) {
  EXPECT_EQ(CountsText({.enforced = 4, .layers = 5}), "4/5");
  EXPECT_EQ(CountsText({.enforced = 5, .layers = 5, .closed = 32, .tried = 33}), "5/5, probes 32/33");
}

}  // namespace
}  // namespace rune::agent
