#include "resource/in.h"

#include <gtest/gtest.h>

#include "agent/record/record.h"
#include "agent/record/ref.h"
#include "fake_asker.h"
#include "resource/check.h"
#include "resource/out.h"

namespace rune::resource {
namespace {

Request Get(const std::string& extra = "") {
  return ParsedAs(Verb::kIn, R"({"source":{"api_key":"0123456789abcdef","prompt":"How many?")" + extra + "}}");
}

Version Checked(const Request& request, const std::string& answer) {
  FakeAsker asker({answer});
  return Check(request, ContextOf(asker))->back();
}

std::string Lookup(const Metadata& metadata, const std::string& name) {
  for (const auto& [key, value] : metadata) {
    if (key == name) return value;
  }
  return "(none)";
}

std::string FileOf(const StepResult& result, const std::string& name) {
  for (const Artifact& artifact : result.artifacts) {
    if (artifact.name == name) return artifact.content;
  }
  return "(none)";
}

TEST(In, ReplaysTheRecordWithoutAskingAndAlwaysTheSame) {
  Request request = Get();
  request.version = Checked(request, "Four.\n");
  FakeAsker asker({"something else"});
  const auto first = In(request, ContextOf(asker, kNow + 1));
  const auto second = In(request, ContextOf(asker, kNow + 99'999));
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_TRUE(asker.questions.empty());
  EXPECT_EQ(first->version, request.version);
  EXPECT_EQ(FileOf(*first, "response.txt"), "Four.\n");
  for (std::size_t i = 0; i < first->artifacts.size(); ++i) {
    EXPECT_EQ(first->artifacts[i].content, second->artifacts[i].content);
  }
  EXPECT_EQ(Lookup(first->metadata, "verified"), "true");
  EXPECT_EQ(Lookup(first->metadata, "replayed"), "true");
  const std::string payload = FileOf(*first, "payload.json");
  for (const std::string key :
       {"prompt", "response", "ref", "model", "timestamp", "verified", "replayed", "usage", "sandbox", "tools"}) {
    EXPECT_NE(payload.find('"' + key + '"'), std::string::npos) << key;
  }
  EXPECT_NE(payload.find(std::to_string(kNow)), std::string::npos) << "the time of the answer, not of the get";
  EXPECT_NE(payload.find("How many?"), std::string::npos);
}

TEST(In, NeedsNoKeyToReplayAnUnsealedRecord) {
  Request request = ParsedAs(Verb::kIn, R"({"source":{"provider":"cassette","prompt":"How many?"}})");
  request.version = Checked(request, "4");
  request.source.config.provider.clear();
  FakeAsker asker({"x"});
  EXPECT_TRUE(In(request, ContextOf(asker)).ok());
}

TEST(In, RefusesATamperedRecordAndDoesNotAskBehindItsBack) {
  Request request = Get();
  request.version = Checked(request, "4");
  std::string& record = request.version["rec"];
  record[record.size() - 3] = record[record.size() - 3] == 'A' ? 'B' : 'A';
  FakeAsker asker({"4"});
  const auto failed = In(request, ContextOf(asker));
  ASSERT_FALSE(failed.ok());
  EXPECT_TRUE(failed.error().message.starts_with("version.rec: ")) << failed.error().message;
  EXPECT_TRUE(asker.questions.empty());
}

TEST(In, RefusesARecordUnderAnotherRef) {
  Request request = Get();
  request.version = Checked(request, "4");
  request.version["ref"] = *agent::RefOf("5", {});
  FakeAsker asker({"5"});
  EXPECT_FALSE(In(request, ContextOf(asker)).ok());
}

TEST(In, WithAnotherKeyAsksAgainOrFailsWhenStrict) {
  Request request = Get();
  request.version = Checked(request, "4");
  request.source.config.api_key = Secret("another key, as after a rotation");
  FakeAsker asker({"4"});
  const auto again = In(request, ContextOf(asker));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(Lookup(again->metadata, "replayed"), "false");
  EXPECT_EQ(Lookup(again->metadata, "verified"), "true");
  EXPECT_EQ(asker.questions.size(), 1u);
}

TEST(In, WithoutARecordSaysWhatItGotUnderTheRequestedVersion) {
  Request request = Get(R"(,"record":"none")");
  request.version = {{"ref", *agent::RefOf("4", {})}};
  FakeAsker asker({"5"});
  const auto result = In(request, ContextOf(asker));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->version, request.version);
  EXPECT_EQ(Lookup(result->metadata, "verified"), "false");
  EXPECT_NE(FileOf(*result, "payload.json").find(*agent::RefOf("5", {})), std::string::npos);
}

TEST(In, WithoutARecordFailsOnMismatchWhenTold) {
  for (const std::string extra : {R"(,"on_mismatch":"fail")", R"(,"on_mismatch":"retry")"}) {
    Request request = Get(extra);
    request.version = {{"ref", *agent::RefOf("4", {})}};
    FakeAsker asker({"5"});
    EXPECT_FALSE(In(request, ContextOf(asker)).ok());
    EXPECT_EQ(asker.questions.size(), extra.find("retry") == std::string::npos ? 1u : 3u);
  }
}

TEST(In, RetriesUntilTheAnswerIsTheOneAskedFor) {
  Request request = Get(R"(,"on_mismatch":"retry")");
  request.version = {{"ref", *agent::RefOf("4", {})}};
  FakeAsker asker({"5", "4"});
  const auto result = In(request, ContextOf(asker));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(Lookup(result->metadata, "verified"), "true");
  EXPECT_EQ(asker.questions.size(), 2u);
}

TEST(In, OfAPutReplaysThePutsOwnAnswerAndPrompt) {
  Request put = ParsedAs(Verb::kOut, R"({"source":{"api_key":"0123456789abcdef","prompt":"other"},
                                         "params":{"prompt":"Translate build $BUILD_NAME"}})");
  FakeAsker asker({"Hallo"});
  const auto out = Out(put, ContextOf(asker), "/tmp");
  ASSERT_TRUE(out.ok()) << out.error().message;
  Request get = ParsedAs(Verb::kIn, R"({"source":{"api_key":"0123456789abcdef","prompt":"other"}})");
  get.version = out->version;
  const auto result = In(get, ContextOf(asker));
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(asker.questions.size(), 1u) << "put and implicit get ask once";
  EXPECT_EQ(FileOf(*result, "response.txt"), "Hallo");
  EXPECT_NE(FileOf(*result, "payload.json").find("Translate build 42"), std::string::npos);
}

TEST(In, OfAPutWithoutRecordDoesNotAskTheSourcesPrompt) {
  Request request = Get();
  request.version = {{"ref", *agent::RefOf("4", {})}, {"via", "put"}};
  FakeAsker asker({"4"});
  const auto failed = In(request, ContextOf(asker));
  ASSERT_FALSE(failed.ok());
  EXPECT_NE(failed.error().message.find("no_get: true"), std::string::npos);
  EXPECT_TRUE(asker.questions.empty());
}

TEST(In, WithSkipWritesAStub) {
  Request request = ParsedAs(Verb::kIn, R"({"source":{},"version":{"ref":"x","via":"put"},"params":{"skip":"true"}})");
  FakeAsker asker({"4"});
  const auto result = In(request, ContextOf(asker));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(FileOf(*result, "payload.json"), "{}");
  EXPECT_EQ(FileOf(*result, "response.txt"), "(none)");
}

TEST(In, WithoutAPromptWritesAStubAndSaysWhy) {
  const Request request = ParsedAs(Verb::kIn, R"({"source":null,"version":{"ref":"latest"}})");
  FakeAsker asker({"4"});
  const auto result = In(request, ContextOf(asker));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->version, (Version{{"ref", "latest"}}));
  EXPECT_EQ(Lookup(result->metadata, "status"), "no prompt configured");
}

TEST(In, OfAnUnknownCodecAsksAgain) {
  Request request = Get();
  request.version = {{"ref", *agent::RefOf("4", {})}, {"rec", "z0000"}};
  FakeAsker asker({"4"});
  EXPECT_EQ(Lookup(In(request, ContextOf(asker))->metadata, "replayed"), "false");
}

TEST(In, OfAStructuredAnswerWritesItsCanonicalJsonToo) {
  Request request = Get(R"(,"schema":{"type":"object"})");
  request.version = Checked(request, "{\"b\": 1, \"a\": true, \"verified\": \"no\"}");
  FakeAsker asker({"x"});
  const auto result = In(request, ContextOf(asker));
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(FileOf(*result, "answer.json"), R"({"a":true,"b":1,"verified":"no"})");
  EXPECT_EQ(Lookup(result->metadata, "a"), "true");
  EXPECT_EQ(Lookup(result->metadata, "verified"), "true") << "the model cannot speak for us";
}

}  // namespace
}  // namespace rune::resource
