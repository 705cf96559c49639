#include "resource/out.h"

#include <gtest/gtest.h>

#include "agent/record/ref.h"
#include "fake_asker.h"
#include "sandbox/base/files.h"

namespace rune::resource {
namespace {

class Out_ : public testing::Test {
 protected:
  Request Put(const std::string& params) {
    return ParsedAs(Verb::kOut, R"({"source":{"api_key":"0123456789abcdef"},"params":)" + params + "}");
  }
  Result<StepResult> Run(const std::string& params) { return Out(Put(params), ContextOf(asker_), inputs_->path()); }
  void Write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(WriteFileAtomic(inputs_->path() + "/" + name, text).ok());
  }
  void SetUp() override {
    auto made = TempDir::Create("/tmp", "rune-inputs-");
    ASSERT_TRUE(made.ok());
    inputs_.emplace(std::move(*made));
  }
  std::optional<TempDir> inputs_;
  FakeAsker asker_{{R"({"verdict":"fail","n":2})"}};
};

TEST_F(Out_, NeedsAPrompt) {
  for (const std::string params : {"null", "{}", R"({"prompt":null})"}) {
    const auto failed = Run(params);
    ASSERT_FALSE(failed.ok());
    EXPECT_NE(failed.error().message.find("params.prompt"), std::string::npos);
    EXPECT_NE(failed.error().message.find("required for put step"), std::string::npos);
  }
  EXPECT_FALSE(Run(R"({"prompt":" "})").ok());
  EXPECT_TRUE(asker_.questions.empty());
}

TEST_F(Out_, ReadsThePromptFromTheInputsAndGivesThemToTheTools) {
  Write("p.md", "Read me. $BUILD_NAME");
  ASSERT_TRUE(Run(R"({"prompt_file":"p.md"})").ok());
  EXPECT_EQ(asker_.questions[0].prompt, "Read me. $BUILD_NAME") << "files are not expanded";
  EXPECT_EQ(asker_.questions[0].options.cwd, inputs_->path());
  EXPECT_EQ(asker_.questions[0].options.readable, std::vector<std::string>{inputs_->path()});
}

TEST_F(Out_, PutsFilesOfTheContextIntoThePrompt) {
  Write("notes.txt", "one\x1b[31mtwo");
  ASSERT_TRUE(Run(R"({"prompt":"Sum up.","context":["notes.txt"]})").ok());
  EXPECT_EQ(asker_.questions[0].prompt, "Sum up.\n\nContent of `notes.txt`:\nonetwo\n");
  const auto failed = Run(R"({"prompt":"Sum up.","context":["notes.txt","gone.txt"]})");
  ASSERT_FALSE(failed.ok());
  EXPECT_TRUE(failed.error().message.starts_with("params.context[1]: 'gone.txt'")) << failed.error().message;
}

TEST_F(Out_, ShowsPicturesOfTheInputs) {
  Write("shot.png", "\x89PNG\r\n\x1A\n");
  ASSERT_TRUE(Run(R"({"prompt":"What is it? @shot.png","images":"shot.png"})").ok());
  ASSERT_EQ(asker_.questions[0].images.size(), 1U) << "named by the key, never by the text";
  EXPECT_EQ(asker_.questions[0].images[0].media_type, "image/png");
  const auto failed = Run(R"({"prompt":"p","images":["none.png"]})");
  ASSERT_FALSE(failed.ok());
  EXPECT_NE(failed.error().message.find("params.images: 'none.png'"), std::string::npos) << failed.error().message;
  EXPECT_EQ(asker_.questions.size(), 1U);
}

TEST_F(Out_, MarksItsVersionAndDescribesTheAnswer) {
  const auto result = Run(R"({"prompt":"Judge."})");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->version.at("via"), "put");
  EXPECT_TRUE(result->version.contains("rec"));
  EXPECT_FALSE(Run(R"({"prompt":"Judge.","skip_record":true})")->version.contains("rec"));
}

TEST_F(Out_, FailsTheStepOnAVerdict) {
  const std::string head = R"({"prompt":"Judge.","schema":{"type":"object"},"fail_if":)";
  EXPECT_FALSE(Run(head + R"({"pointer":"/verdict","equals":"fail"}})").ok());
  EXPECT_TRUE(Run(head + R"({"pointer":"/verdict","equals":"pass"}})").ok());
  EXPECT_FALSE(Run(head + R"({"pointer":"/n","equals":2}})").ok());
  EXPECT_TRUE(Run(head + R"({"pointer":"/n","equals":"2"}})").ok());
  EXPECT_FALSE(Run(head + R"({"pointer":"/absent","equals":"fail"}})").ok()) << "a gate that sees nothing stays shut";
  EXPECT_FALSE(Run(R"x({"prompt":"Judge.","fail_if":{"matches":"verdict.*(fail|no)"}})x").ok());
  EXPECT_TRUE(Run(R"({"prompt":"Judge.","fail_if":{"matches":"^nothing"}})").ok());
}

TEST_F(Out_, OfARefusedToolCallFailsWithTheLineThatWouldAllowIt) {
  asker_.next.outcome = agent::Outcome::kAnsweredWithDenials;
  asker_.next.denials = {{.message = "command 'rm' is not in allowed_commands",
                          .target = "rm",
                          .way_out = "to allow it: add \"rm\" to source.policy.allowed_commands"}};
  EXPECT_TRUE(Run(R"({"prompt":"Clean."})").ok()) << "the run got on without it";
  asker_.next.unrecovered = "rm never succeeded";
  const auto failed = Run(R"({"prompt":"Clean."})");
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().message.substr(0, 41), "answered_with_denials: rm never succeeded")
      << failed.error().message;
  EXPECT_NE(failed.error().message.find("; to allow it: add \"rm\" to source.policy.allowed_commands; or set"), std::string::npos);
  Request request = Put(R"({"prompt":"Clean."})");
  request.source.config.on_denial = agent::OnDenial::kWarn;
  EXPECT_TRUE(Out(request, ContextOf(asker_), inputs_->path()).ok());
  asker_.next.unrecovered.clear();
  request.source.config.on_denial = agent::OnDenial::kFail;
  EXPECT_FALSE(Out(request, ContextOf(asker_), inputs_->path()).ok());
}

TEST_F(Out_, NeverSucceedsOnARunWithoutAnAnswer) {
  for (const agent::OutcomeInfo& info : agent::kOutcomes) {
    if (info.outcome == agent::Outcome::kAnswered || info.outcome == agent::Outcome::kAnsweredWithDenials) continue;
    asker_.next.outcome = info.outcome;
    EXPECT_FALSE(Run(R"({"prompt":"x"})").ok()) << info.name;
  }
}

}  // namespace
}  // namespace rune::resource
