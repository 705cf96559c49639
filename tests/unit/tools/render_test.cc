#include "agent/tools/render.h"

#include <cerrno>
#include <csignal>

#include "sandbox/base/text.h"
#include "tests/unit/tools/tools_fixture.h"

namespace rune::agent {
namespace {

TEST(RenderTest, ACommandShowsItsOutput) {
  const ToolOutput output = Render("execute_cmd", Exited(0, "hello\n"));
  EXPECT_EQ(output.text, "hello");
  EXPECT_FALSE(output.is_error);
  EXPECT_EQ(Render("execute_cmd", Exited(0, "")).text, "(no output)");
}

TEST(RenderTest, ANonZeroExitIsAResultAndNoError) {
  const ToolOutput output = Render("execute_cmd", Exited(2, "out\n", "err\n"));
  EXPECT_EQ(output.text, "exit code 2\nout\n[stderr]\nerr");
  EXPECT_FALSE(output.is_error);
  EXPECT_TRUE(Render("execute_cmd", Exited(127, "", "sh: 1: x: not found\n")).is_error);
  EXPECT_TRUE(Render("execute_cmd", Exited(126, "", "sh: 1: x: Permission denied\n")).is_error);
}

TEST(RenderTest, AKilledCommandSaysWhyAndShowsWhatItPrinted) {
  sandbox::Completed done = Exited(0, "partial\n");
  done.report.exit_code.reset();
  done.report.signal = SIGKILL;
  done.report.limit = sandbox::LimitHit::kWall;
  done.report.wall_us = 2'004'000;
  ToolOutput output = Render("execute_cmd", done);
  EXPECT_EQ(output.text, "killed: wall clock limit of 2 s\npartial");
  EXPECT_TRUE(output.is_error);
  done.report.limit = sandbox::LimitHit::kMemory;
  EXPECT_EQ(Render("execute_cmd", done).text, "killed: memory limit\npartial");
  done.report.limit = sandbox::LimitHit::kNone;
  EXPECT_EQ(Render("execute_cmd", done).text, "killed by signal 9 (Killed)\npartial");
  done.report.cancelled = true;
  EXPECT_EQ(Render("execute_cmd", done).text, "cancelled\npartial");
}

TEST(RenderTest, ACommandThatDidNotStartSaysWhatIsMissing) {
  sandbox::Completed done;
  done.report.setup_error = "exec: Permission denied";
  done.report.setup_errno = EACCES;
  done.report.denials = {{.by = sandbox::DeniedBy::kLandlock, .what = sandbox::DeniedAct::kExec, .target = "/bin/x"}};
  EXPECT_EQ(Render("execute_cmd", done).text,
            "could not run: Permission denied (Landlock): the program is not among the allowed commands");
  EXPECT_TRUE(Render("execute_cmd", done).is_error);
  done.report.denials[0].by = sandbox::DeniedBy::kIdentity;
  EXPECT_EQ(Render("execute_cmd", done).text, "could not run: exec: Permission denied") << "no list would help";
  done.report.denials.clear();
  done.report.setup_error = "exec: No such file or directory";
  done.report.setup_errno = ENOENT;
  EXPECT_EQ(Render("execute_cmd", done).text, "could not run: command not found");
  done.report.setup_error = "chdir: No such file or directory";
  EXPECT_EQ(Render("read_file", done).text, "could not run: chdir: No such file or directory");
}

TEST(RenderTest, LeftBehindProcessesAreMentioned) {
  sandbox::Completed done = Exited(0, "a\n");
  done.report.leftovers = 2;
  EXPECT_EQ(Render("execute_cmd", done).text, "a\n[2 background processes were ended with the command]");
}

TEST(RenderTest, LongOutputKeepsHeadAndTailAndNamesTheRest) {
  sandbox::Completed done;
  done.report.exit_code = 0;
  for (int i = 0; i < 400; ++i) done.out.head += "head " + std::to_string(i) + "\n";
  for (int i = 0; i < 400; ++i) done.out.tail += "tail " + std::to_string(i) + "\n";
  done.out.total = 1'000'000;
  done.out.spill = "/tmp/rune-1/out-3";
  const std::string text = Render("execute_cmd", done).text;
  EXPECT_LE(text.size(), kToolTextLimit);
  EXPECT_TRUE(text.starts_with("head 0\n"));
  EXPECT_TRUE(text.ends_with("tail 399"));
  EXPECT_NE(text.find(" bytes omitted; all of it is in /tmp/rune-1/out-3]\n"), std::string::npos) << text;
}

TEST(RenderTest, TheOmittedBytesAreCountedExactly) {
  const std::string all(20'000, 'x');
  const std::string text = ShowStream(MakeStream(all), 1000);
  EXPECT_NE(text.find("[... 19000 bytes omitted]"), std::string::npos) << text;
}

TEST(RenderTest, BothStreamsStayWithinTheLimit) {
  const std::string text = Render("execute_cmd", Exited(1, std::string(60'000, 'o'), std::string(60'000, 'e'))).text;
  EXPECT_LE(text.size(), kToolTextLimit);
  EXPECT_TRUE(text.starts_with("exit code 1\nooo"));
  EXPECT_NE(text.find("[stderr]\neee"), std::string::npos);
  EXPECT_TRUE(text.ends_with("eee"));
}

TEST(RenderTest, EscapesAreTakenOutAndCounted) {
  const ToolOutput output = Render("execute_cmd", Exited(0, "a\x1b[31mb\u202Ec\n"));
  EXPECT_EQ(output.text.find('\x1b'), std::string::npos);
  EXPECT_NE(output.text.find("invisible characters removed]"), std::string::npos) << output.text;
}

TEST(RenderTest, BinaryOutputIsDescribed) {
  const std::string bytes(
      "\x7f"
      "ELF\0\1\2\3",
      8);
  EXPECT_EQ(Render("execute_cmd", Exited(0, bytes)).text, "[binary output of 8 bytes, not shown]");
}

TEST(RenderTest, AnOperationTheKernelRefusedNamesLandlock) {
  sandbox::Completed done = Exited(77, "", "/etc/shadow: Permission denied\n");
  EXPECT_EQ(Render("read_file", done).text, "/etc/shadow: Permission denied");
  done.report.denials = {
      {.by = sandbox::DeniedBy::kLandlock, .what = sandbox::DeniedAct::kRead, .target = "/etc/shadow"}};
  const ToolOutput output = Render("read_file", done);
  EXPECT_EQ(output.text, "/etc/shadow: Permission denied (Landlock)");
  EXPECT_TRUE(output.is_error);
  done.report.denials[0].by = sandbox::DeniedBy::kIdentity;
  EXPECT_EQ(Render("read_file", done).text, "/etc/shadow: Permission denied") << "the file's own mode";
  EXPECT_EQ(Render("read_file", Exited(1, "", "/x: No such file or directory\n")).text,
            "/x: No such file or directory");
}

TEST(RenderTest, ALongFileEndsAtALineAndSaysHowToGoOn) {
  std::string file;
  for (int i = 0; i < 2000; ++i) file += "line " + std::to_string(i) + "\n";
  const std::string text = Render("read_file", Exited(0, file)).text;
  EXPECT_LE(text.size(), kToolTextLimit);
  const std::size_t remark = text.find("\n[the first ");
  ASSERT_NE(remark, std::string::npos);
  EXPECT_NE(text.find("read on with offset increased by that number of lines]"), std::string::npos);
  const auto lines = ParseInt(text.substr(remark + 12, text.find(' ', remark + 12) - remark - 12));
  ASSERT_TRUE(lines.has_value());
  EXPECT_EQ(text.substr(0, remark).substr(text.substr(0, remark).rfind('\n') + 1),
            "line " + std::to_string(*lines - 1));
}

TEST(RenderTest, AFetchShowsStatusAndRedirect) {
  const ToolOutput plain = Render("fetch_url", Exited(0, "body\n", "\nHTTP 200 text/plain\nLocation: \n"));
  EXPECT_EQ(plain.text, "HTTP 200 text/plain\nbody\n");
  const ToolOutput moved = Render("fetch_url", Exited(0, "", "\nHTTP 301 \nLocation: https://b.test/\n"));
  EXPECT_EQ(moved.text, "HTTP 301\n[redirects to https://b.test/, not followed]\n");
  const ToolOutput failed =
      Render("fetch_url", Exited(6, "", "curl: (6) Could not resolve host: a.test\n\nHTTP 000 \nLocation: \n"));
  EXPECT_EQ(failed.text, "curl: (6) Could not resolve host: a.test");
  EXPECT_TRUE(failed.is_error);
}

TEST(RenderTest, AFewBytesThatAreNoTextAreShownEscaped) {
  using namespace std::string_literals;
  const auto shown = [](const std::string& bytes) { return ShowStream({.head = bytes, .total = bytes.size()}, 1000); };
  EXPECT_EQ(shown("a\0b c\0d\n\0"s), "a\\0b c\\0d\n\\0");
  EXPECT_EQ(shown("caf\xe9 au lait\n"), "caf\\xe9 au lait\n");
  EXPECT_EQ(shown("caf\xc3\xa9"), "caf\xc3\xa9");
  EXPECT_EQ(shown("\x7f"
                  "ELF\x02\x01\x01\0\0\0\0\0\0\0\0\0"s),
            "[binary output of 16 bytes, not shown]");
}

}  // namespace
}  // namespace rune::agent
