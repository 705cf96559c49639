#include "agent/conversation/compaction.h"

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

/// Chooses the turns whose text holds a word.
TurnPicker About(const std::string& word) {
  return [word](const std::string&, const std::vector<std::string>& turns) {
    std::vector<std::size_t> picked{turns.size() + 5};  // nonsense is ignored
    for (std::size_t i = 0; i < turns.size(); ++i) {
      if (turns[i].find(word) != std::string::npos) picked.push_back(i);
    }
    return picked;
  };
}

TEST(HistoryTest, ATurnThatMattersIsKeptWhole) {
  auto history = Long(8);
  std::get<ToolResult>(history[5].parts[0]).text = "the harbour";
  ASSERT_TRUE(CompactHistory(history, 4, About("harbour")));
  ASSERT_EQ(history.size(), 9U);
  EXPECT_NE(TextOf(history[2]).find("10 messages"), std::string::npos) << TextOf(history[2]);
  EXPECT_EQ(CallsOf(history[3]).at(0).id, "1");
  EXPECT_EQ(std::get<ToolResult>(history[4].parts[0]).call_id, "1");
  EXPECT_EQ(CallsOf(history[5]).at(0).id, "6");
}

TEST(HistoryTest, AQuestionStaysWithItsAnswer) {
  std::vector<Message> history{MakeText(Role::kSystem, "s"), MakeText(Role::kUser, "first")};
  history.push_back(MakeText(Role::kAssistant, "one"));
  for (const char* topic : {"apples", "harbour", "pears", "plums"}) {
    history.push_back(MakeText(Role::kUser, "about " + std::string(topic)));
    history.push_back(MakeText(Role::kAssistant, "so"));
  }
  ASSERT_TRUE(CompactHistory(history, 2, About("harbour")));
  ASSERT_EQ(history.size(), 7U);
  EXPECT_EQ(TextOf(history[3]), "about harbour");
  EXPECT_EQ(TextOf(history[4]), "so");
  EXPECT_EQ(TextOf(history[5]), "about plums");
}

TEST(HistoryTest, ThePickerSeesTheNewestQuestion) {
  auto history = Long(6);
  history.push_back(MakeText(Role::kUser, "newest"));
  std::string asked;
  CompactHistory(history, 2, [&asked](const std::string& question, const std::vector<std::string>&) {
    asked = question;
    return std::vector<std::size_t>();
  });
  EXPECT_EQ(asked, "newest");
}

TEST(HistoryTest, AHintBehindAToolsResultIsNoQuestion) {
  auto history = Long(6);
  history.push_back(MakeText(Role::kUser, "[The same call gave the same result]"));
  std::string asked;
  CompactHistory(history, 2, [&asked](const std::string& question, const std::vector<std::string>&) {
    asked = question;
    return std::vector<std::size_t>();
  });
  EXPECT_EQ(asked, "prompt");
}

TEST(HistoryTest, PickingEverythingDropsNothing) {
  auto history = Long(6);
  EXPECT_FALSE(CompactHistory(history, 4, About("")));
  ASSERT_EQ(history.size(), 14U);
  EXPECT_EQ(CallsOf(history[2]).at(0).id, "0");
  EXPECT_EQ(std::get<ToolResult>(history[13].parts[0]).call_id, "5");
}

TEST(HistoryTest, APictureCountsAsMuchAsProvidersTakeForOne) {
  std::vector<Message> history{MakeText(Role::kUser, "")};
  const std::uint64_t before = EstimateTokens(history);
  history[0].parts.emplace_back(Image{"image/png", std::string(1 << 20, 'x')});
  EXPECT_EQ(EstimateTokens(history) - before, 1600U) << "whatever its size in bytes";
}

TEST(HistoryTest, EstimatesCountCharactersNotBytes) {
  const auto tokens = [](const std::string& text) { return EstimateTokens({MakeText(Role::kUser, text)}); };
  EXPECT_EQ(tokens(std::string(400, 'a')) - tokens(""), 100U);
  EXPECT_EQ(tokens("漢字漢字") - tokens(""), 4U);
}

}  // namespace
}  // namespace rune::agent
