#include "agent/tools/toolbox.h"

#include <gtest/gtest.h>

namespace rune::agent {
namespace {

Tool Named(const std::string& name) { return {.spec = {name, "says " + name, "{}"}, .prepare = {}, .render = {}}; }

TEST(ToolboxTest, FindsWhatWasAddedAndNothingElse) {
  Toolbox tools;
  EXPECT_EQ(tools.Find("b"), nullptr);
  ASSERT_TRUE(tools.Add(Named("b")).ok());
  ASSERT_TRUE(tools.Add(Named("a")).ok());
  ASSERT_NE(tools.Find("b"), nullptr);
  EXPECT_EQ(tools.Find("b")->spec.description, "says b");
  EXPECT_EQ(tools.Find("B"), nullptr) << "a tool has one name";
  EXPECT_EQ(tools.Find(""), nullptr);
}

TEST(ToolboxTest, IsInTheSameOrderWhoeverCameFirst) {
  Toolbox one;
  Toolbox other;
  for (const char* const name : {"c", "a", "b"}) ASSERT_TRUE(one.Add(Named(name)).ok());
  for (const char* const name : {"a", "b", "c"}) ASSERT_TRUE(other.Add(Named(name)).ok());
  EXPECT_EQ(one.Names(), "a, b, c");
  EXPECT_EQ(one.Names(), other.Names());
  ASSERT_EQ(one.Specs().size(), 3U);
  EXPECT_EQ(one.Specs()[2].name, "c");
}

TEST(ToolboxTest, NoToolStandsInForAnother) {
  Toolbox tools = BuiltinToolbox();
  const std::string before = tools.Names();
  const auto added = tools.Add(Named("execute_cmd"));
  ASSERT_FALSE(added.ok());
  EXPECT_EQ(added.error().kind, ErrorKind::kInvalidInput);
  EXPECT_NE(added.error().message.find("execute_cmd"), std::string::npos);
  EXPECT_EQ(tools.Names(), before);
  EXPECT_NE(tools.Find("execute_cmd")->spec.description, "says execute_cmd");
}

}  // namespace
}  // namespace rune::agent
