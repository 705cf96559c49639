#include "resource/check.h"

#include <gtest/gtest.h>

#include "agent/record/record.h"
#include "agent/record/ref.h"
#include "fake_asker.h"

namespace rune::resource {
namespace {

const char* const kSource = R"({"source":{"api_key":"0123456789abcdef","prompt":"How many?"}})";

Request Ask(const std::string& extra = "") {
  return ParsedAs(Verb::kCheck, R"({"source":{"api_key":"0123456789abcdef","prompt":"How many?")" + extra + "}}");
}

std::vector<Version> MustCheck(const Request& request, FakeAsker& asker, std::int64_t now = kNow) {
  auto versions = Check(request, ContextOf(asker, now));
  EXPECT_TRUE(versions.ok()) << versions.error().message;
  return versions.ok() ? *versions : std::vector<Version>();
}

TEST(Check, WithoutAPromptFindsNothingAndAsksNobody) {
  FakeAsker asker({"4"});
  for (const std::string source : {"{}", "null", R"({"prompt":" \n"})", R"({"prompt":null})"}) {
    EXPECT_TRUE(MustCheck(ParsedAs(Verb::kCheck, R"({"source":)" + source + "}"), asker).empty());
  }
  EXPECT_TRUE(asker.questions.empty());
}

TEST(Check, TheFirstTimeGivesOneVersionWithARecord) {
  FakeAsker asker({"4\n"});
  const auto versions = MustCheck(ParsedAs(Verb::kCheck, kSource), asker);
  ASSERT_EQ(versions.size(), 1u);
  const std::string ref = *agent::RefOf("4", {});
  EXPECT_EQ(versions[0].at("ref"), ref);
  const auto record = agent::DecodeRecord(versions[0].at("rec"), ref, "0123456789abcdef");
  ASSERT_TRUE(record.ok());
  EXPECT_EQ((*record)->answer, "4\n");
  EXPECT_EQ((*record)->time, kNow);
  EXPECT_EQ(versions[0].size(), 2u);
}

TEST(Check, WithRecordNoneGivesTheBareRef) {
  FakeAsker asker({"4"});
  const auto versions = MustCheck(Ask(R"(,"record":"none")"), asker);
  EXPECT_EQ(versions, (std::vector<Version>{{{"ref", *agent::RefOf("4", {})}}}));
}

TEST(Check, OfTheSameAnswerGivesTheGivenVersionBackVerbatim) {
  FakeAsker asker({"4"});
  Request request = Ask();
  request.version = MustCheck(request, asker)[0];
  request.version["foreign"] = "kept";
  EXPECT_EQ(MustCheck(request, asker, kNow + 7200), std::vector<Version>{request.version});
}

TEST(Check, OfAChangedAnswerGivesBothOldestFirst) {
  FakeAsker asker({"4", "5"});
  Request request = Ask();
  request.version = MustCheck(request, asker)[0];
  const auto versions = MustCheck(request, asker);
  ASSERT_EQ(versions.size(), 2u);
  EXPECT_EQ(versions[0], request.version);
  EXPECT_EQ(versions[1].at("ref"), *agent::RefOf("5", {}));
}

TEST(Check, DoesNotMindTrailingBlanksAndLineEnds) {
  FakeAsker asker({"a\nb", "a \r\nb\r\n"});
  Request request = Ask();
  request.version = MustCheck(request, asker)[0];
  EXPECT_EQ(MustCheck(request, asker), std::vector<Version>{request.version});
}

TEST(Check, OfAReturningAnswerGivesAThirdVersionUnderTrackReversion) {
  FakeAsker asker({"A", "B", "A"});
  Request request = Ask(R"(,"track_reversion":true)");
  std::set<Version> seen;
  for (int i = 0; i < 3; ++i) {
    request.version = MustCheck(request, asker, kNow + i * 60).back();
    seen.insert(request.version);
  }
  EXPECT_EQ(seen.size(), 3u);
}

TEST(Check, OfAReturningAnswerGivesAnOldRefWithoutTrackReversion) {
  FakeAsker asker({"A", "B", "A"});
  Request request = Ask(R"(,"record":"none")");
  std::set<Version> seen;
  for (int i = 0; i < 3; ++i) {
    request.version = MustCheck(request, asker, kNow + i * 60).back();
    seen.insert(request.version);
  }
  EXPECT_EQ(seen.size(), 2u);
}

TEST(Check, OfAPinThatNamesOnlyTheRefNeverEchoesItAndIsTheSameEveryTime) {
  FakeAsker asker({"4"});
  Request request = Ask();
  request.version = {{"ref", *agent::RefOf("4", {})}};
  const auto first = MustCheck(request, asker, kNow);
  const auto later = MustCheck(request, asker, kNow + 3600);
  ASSERT_EQ(first.size(), 1u);
  EXPECT_NE(first[0], request.version);
  EXPECT_EQ(first, later) << "a pinned resource must not grow a version per check";
}

TEST(Check, OfAPinThatNamesAnotherRefGivesTheNewVersionOnly) {
  FakeAsker asker({"4"});
  Request request = Ask();
  request.version = {{"ref", *agent::RefOf("5", {})}};
  EXPECT_EQ(MustCheck(request, asker).size(), 1u);
}

TEST(Check, WithAnEmptyVersionIsAFirstCheck) {
  FakeAsker asker({"4"});
  for (const std::string version : {"null", "{}"}) {
    const Request request =
        ParsedAs(Verb::kCheck, R"({"source":{"api_key":"k","prompt":"p"},"version":)" + version + "}");
    EXPECT_EQ(MustCheck(request, asker).size(), 1u);
  }
}

TEST(Check, InsideMinIntervalDoesNotAsk) {
  FakeAsker asker({"4"});
  Request request = Ask(R"(,"min_interval":"10m")");
  request.version = MustCheck(request, asker)[0];
  EXPECT_EQ(MustCheck(request, asker, kNow + 599), std::vector<Version>{request.version});
  EXPECT_EQ(asker.questions.size(), 1u);
  MustCheck(request, asker, kNow + 600);
  EXPECT_EQ(asker.questions.size(), 2u);
}

TEST(Check, AsksWhenTheGivenVersionIsFromTheFuture) {
  // A clock that was wrong once must not keep a check from asking until then.
  FakeAsker asker({"4"});
  for (const std::int64_t ahead : {1, 599, 3600}) {
    Request request = Ask(R"(,"min_interval":"10m")");
    request.version = MustCheck(request, asker, kNow + ahead)[0];
    const std::size_t asked = asker.questions.size();
    MustCheck(request, asker, kNow);
    EXPECT_EQ(asker.questions.size(), asked + 1) << ahead;
    MustCheck(request, asker, kNow + ahead);
    EXPECT_EQ(asker.questions.size(), asked + 1) << "the same version is fresh at its own time: " << ahead;
  }
}

TEST(Check, WhileAnotherOneIsAtWorkFindsNothingNew) {
  FakeAsker asker({"4"});
  Request request = Ask();
  StepContext context = ContextOf(asker);
  request.version = MustCheck(request, asker)[0];
  context.lock = [] { return false; };
  EXPECT_EQ(*Check(request, context), std::vector<Version>{request.version});
  request.version = {{"ref", request.version["ref"]}};
  EXPECT_TRUE(Check(request, context)->empty());
  EXPECT_EQ(asker.questions.size(), 1u);
}

TEST(Check, FailsWhenTheProviderFailsUnlessTold) {
  FakeAsker asker({"4"});
  Request request = Ask();
  request.version = MustCheck(request, asker)[0];
  asker.next.outcome = agent::Outcome::kProviderDown;
  asker.next.detail = "no route";
  const auto failed = Check(request, ContextOf(asker));
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().message, "provider_down: no route");
  request.source.on_provider_error = OnProviderError::kKeep;
  EXPECT_EQ(*Check(request, ContextOf(asker)), std::vector<Version>{request.version});
  request.version.clear();
  EXPECT_FALSE(Check(request, ContextOf(asker)).ok()) << "there is nothing to keep";
}

TEST(Check, OfAnAnswerTooLargeForTheVersionGivesTheRefAloneAndEchoesIt) {
  FakeAsker asker({std::string("4")});
  Request request = Ask(R"(,"inline_limit":10)");
  request.version = MustCheck(request, asker)[0];
  EXPECT_EQ(request.version.size(), 1u);
  EXPECT_EQ(MustCheck(request, asker), std::vector<Version>{request.version});
}

TEST(Check, NeedsAKeyOrAProvider) {
  FakeAsker asker({"4"});
  const auto failed = Check(ParsedAs(Verb::kCheck, R"({"source":{"prompt":"p"}})"), ContextOf(asker));
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().message, "source.api_key is required");
  EXPECT_TRUE(
      Check(ParsedAs(Verb::kCheck, R"({"source":{"prompt":"p","provider":"cassette"}})"), ContextOf(asker)).ok());
}

TEST(Check, StaysWellUnderTheLifeOfACheckContainer) {
  FakeAsker asker({"4"});
  MustCheck(Ask(), asker);
  EXPECT_EQ(asker.questions[0].config.budgets.wall, std::chrono::seconds(120));
  MustCheck(Ask(R"(,"limits":{"seconds":"1m"})"), asker);
  EXPECT_EQ(asker.questions[1].config.budgets.wall, std::chrono::seconds(60));
}

TEST(Check, OfAStructuredAnswerHashesTheChosenMembers) {
  FakeAsker asker({R"({"verdict":"ok","note":"one"})", R"({"note":"two","verdict":"ok"})"});
  Request request = Ask(R"(,"schema":{"type":"object"},"version_from":["/verdict"])");
  request.version = MustCheck(request, asker)[0];
  EXPECT_EQ(MustCheck(request, asker), std::vector<Version>{request.version});
}

}  // namespace
}  // namespace rune::resource
