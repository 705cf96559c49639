#include "agent/trace/trace.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "agent/json/json.h"
#include "sandbox/base/files.h"
#include "sandbox/base/redaction.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

TEST(TraceTest, EveryEventIsALineWrittenAtOnceAndRedacted) {
  AddSecret("trace-canary-value");
  auto dir = TempDir::Create("/tmp", "trace-test-");
  ASSERT_TRUE(dir.ok());
  RunObserver next;
  auto trace = TraceObserver::Create(dir->path() + "/deep/traces", next);
  ASSERT_TRUE(trace.ok()) << trace.error().message;
  struct stat info{};
  ASSERT_EQ(::stat((*trace)->path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600U);

  (*trace)->OnStep({1, "model", {.input = 5, .output = 2}, 1, 1000});
  ToolRecord record;
  record.name = "execute_cmd";
  record.summary = "execute_cmd env";
  (*trace)->OnToolStart(record);
  // The secret stands across the place where a preview is cut.
  (*trace)->OnToolEnd(record, std::string(395, 'x') + "trace-canary-value");
  (*trace)->OnNotice("note");
  // Read before the object is gone: nothing waits in a buffer.
  const std::string text = ReadFile((*trace)->path()).value();
  EXPECT_EQ(text.find("trace-canary"), std::string::npos);
  const auto lines = Split(Trim(text), '\n');
  ASSERT_EQ(lines.size(), 4U);
  for (const auto line : lines) EXPECT_TRUE(json::Document::Parse(line).ok()) << line;
  RunResult result;
  result.outcome = Outcome::kAnswered;
  result.denials = {{.message = "no", .what = sandbox::DeniedAct::kLookup, .target = "a.test"}};
  (*trace)->OnEnd(result);
  const std::string ended = ReadFile((*trace)->path()).value();
  EXPECT_NE(ended.find("\"outcome\":\"answered\""), std::string::npos);
  EXPECT_NE(ended.find(R"("denials":[{"what":"lookup","target":"a.test","message":"no","count":1,"allow":"","way_out":""}])"),
            std::string::npos)
      << ended;
}

}  // namespace
}  // namespace rune::agent
