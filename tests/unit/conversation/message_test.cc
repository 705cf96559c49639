#include "agent/conversation/message.h"

#include <gtest/gtest.h>

namespace rune::agent {
namespace {

TEST(Message, ShowsItsTextAndItsCalls) {
  Message message = MakeText(Role::kAssistant, "one ");
  message.parts.emplace_back(Reasoning{.text = "hidden"});
  message.parts.emplace_back(ToolCall{.id = "1", .name = "list_dir", .args = "{}"});
  message.parts.emplace_back(Text{"two"});
  EXPECT_EQ(TextOf(message), "one two");
  ASSERT_EQ(CallsOf(message).size(), 1u);
  EXPECT_EQ(CallsOf(message)[0].name, "list_dir");
  EXPECT_EQ(message.role, Role::kAssistant);
}

}  // namespace
}  // namespace rune::agent
