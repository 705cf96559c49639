#include "agent/conversation/history.h"

#include <gtest/gtest.h>

namespace rune::agent {
namespace {

Message Calls(const std::string& id) {
  Message message;
  message.role = Role::kAssistant;
  message.parts.emplace_back(ToolCall{id, "tool", "{}"});
  return message;
}
Message Result(const std::string& id) {
  Message message;
  message.role = Role::kTool;
  message.parts.emplace_back(ToolResult{id, "tool", "text", false});
  return message;
}
std::vector<Message> Long(int turns) {
  std::vector<Message> history{MakeText(Role::kSystem, "system"), MakeText(Role::kUser, "prompt")};
  for (int i = 0; i < turns; ++i) {
    history.push_back(Calls(std::to_string(i)));
    history.push_back(Result(std::to_string(i)));
  }
  return history;
}

TEST(HistoryTest, TheHeadIsKeptAndTheTailBeginsWithATurn) {
  for (std::size_t keep = 1; keep < 8; ++keep) {
    auto history = Long(6);
    ASSERT_TRUE(CompactHistory(history, keep)) << keep;
    EXPECT_EQ(TextOf(history[0]), "system");
    EXPECT_EQ(TextOf(history[1]), "prompt");
    EXPECT_NE(TextOf(history[2]).find("left out"), std::string::npos);
    EXPECT_EQ(history[3].role, Role::kAssistant) << "a result without its call would poison every later request";
    EXPECT_GE(history.size(), 3 + keep);
  }
}

TEST(HistoryTest, CompactingAgainDoesNotPileUpNotes) {
  auto history = Long(6);
  ASSERT_TRUE(CompactHistory(history, 4));
  EXPECT_FALSE(CompactHistory(history, 4)) << "nothing is left to drop";
  history.push_back(Calls("a"));
  history.push_back(Result("a"));
  ASSERT_TRUE(CompactHistory(history, 4));
  int notes = 0;
  for (const Message& message : history) notes += TextOf(message).find("left out") != std::string::npos ? 1 : 0;
  EXPECT_EQ(notes, 1);
}

TEST(HistoryTest, AShortConversationStays) {
  auto history = Long(1);
  EXPECT_FALSE(CompactHistory(history, 6));
  EXPECT_EQ(history.size(), 4U);
}

TEST(HistoryTest, EstimatesCountCharactersNotBytes) {
  const auto tokens = [](const std::string& text) { return EstimateTokens({MakeText(Role::kUser, text)}); };
  EXPECT_EQ(tokens(std::string(400, 'a')) - tokens(""), 100U);
  EXPECT_EQ(tokens("漢字漢字") - tokens(""), 4U);
}

}  // namespace
}  // namespace rune::agent
