#include "agent/policy/shell.h"

#include <gtest/gtest.h>

#include "agent/policy/policy.h"
#include "sandbox/base/text.h"
#include "tests/unit/policy/shell_cases.h"

namespace rune::agent {
namespace {

TEST(ShellTest, FindsThePrograms) {
  for (const cases::Understood& expected : cases::kUnderstood) {
    const CommandPlan plan = Policy::PlanCommand(std::string(expected.line));
    EXPECT_TRUE(plan.understood) << expected.line << ": " << plan.reason;
    EXPECT_EQ(Join(plan.programs, " "), expected.programs) << expected.line;
    EXPECT_EQ(Join(plan.writes, " "), expected.writes) << expected.line;
    EXPECT_EQ(plan.needs_shell(), expected.shell) << expected.line;
  }
}

TEST(ShellTest, WordsOfASimpleCommandAreTheArguments) {
  const CommandPlan plan = Policy::PlanCommand("grep -e 'a  b' \"c$(:)\"d e\\ f ''");
  EXPECT_TRUE(plan.needs_shell()) << "an expansion needs the shell";
  const CommandPlan direct = Policy::PlanCommand("grep -e 'a  b' \"c\\\"\"d e\\ f '' \"x\\y\"");
  EXPECT_EQ(direct.argv, (std::vector<std::string>{"grep", "-e", "a  b", "c\"d", "e f", "", "x\\y"}));
}

TEST(ShellTest, TextThatNoShellAcceptsIsUnknown) {
  for (const char* line : {"ls |",
                           "ls &&",
                           "| ls",
                           "; ls",
                           "ls ;; ls",
                           "(ls",
                           "ls)",
                           "{ ls",
                           "{ ls }",
                           "if ls; then cat",
                           "if ls; fi",
                           "for; do ls; done",
                           "for 1 in a; do ls; done",
                           "while do ls; done",
                           "case x in a) ls",
                           "echo 'a",
                           "echo \"a",
                           "echo `a",
                           "echo $(a",
                           "echo ${a",
                           "echo $((1",
                           "echo >",
                           "cat << ",
                           "cat << E\nbody",
                           "ls &&& ls",
                           "f() ls",
                           "f( ls",
                           "then ls",
                           "done",
                           "}",
                           "echo a\\",
                           "( )",
                           "{ }",
                           "()",
                           "ls ( a )",
                           "! ; ls"}) {
    EXPECT_FALSE(Policy::PlanCommand(line).understood) << line;
  }
}

TEST(ShellTest, WhatShellsReadDifferentlyIsUnknown) {
  for (const char* line : {"ls &>f",
                           "ls &>>f",
                           "ls >&f",
                           "ls |& cat",
                           "cat <<< a",
                           "cat <(ls)",
                           "ls > >(cat)",
                           "echo $'a'",
                           "echo $\"a\"",
                           "echo $[1]",
                           "((1))",
                           "[[ -n a ]]",
                           "a=(1 2)",
                           "a+=b",
                           "function f { ls; }",
                           "case a in a) ls;& esac",
                           "case a in a) ls;;& esac",
                           "echo ${x/a/b}",
                           "echo ${x^}",
                           "echo ${!x}",
                           "echo ${x:1:2}",
                           "echo ${x@P}",
                           "echo $((a[0]))",
                           "ls 10>f",
                           "{a,b} c",
                           "cat << E$x\nE",
                           "cat << E\na\\\nE\nE",
                           "cat << E $(\nE\n)",
                           "echo \"`echo \"a\"`\"",
                           "echo \"${x:-'a'}\"",
                           "l\\\ns"}) {
    EXPECT_FALSE(Policy::PlanCommand(line).understood) << line;
  }
}

TEST(ShellTest, ControlCharactersAreUnknown) {
  EXPECT_FALSE(Policy::PlanCommand("ls\r").understood);
  EXPECT_FALSE(Policy::PlanCommand(std::string("ls\0 -l", 6)).understood);
  EXPECT_FALSE(Policy::PlanCommand("ls \x1b[0m").understood);
  EXPECT_FALSE(Policy::PlanCommand("ls \x7f").understood);
  EXPECT_TRUE(Policy::PlanCommand("ls\t-l\n").understood);
}

TEST(ShellTest, AnEmptyLineRunsNothing) {
  for (const char* line : {"", "  ", "\n\n", "# only a comment"}) {
    const CommandPlan plan = Policy::PlanCommand(line);
    EXPECT_TRUE(plan.programs.empty());
    EXPECT_TRUE(plan.needs_shell());
  }
}

TEST(ShellTest, DeepNestingEndsInsteadOfOverflowing) {
  for (const char* open :
       {"(", "$(", "`", "${x:-", "{ ", "if ", "\"$(", "$((", "$((1+", "f() { ", "case a in a) ", "echo \"${a:-"}) {
    std::string line = "echo; echo `";
    if (*open != '`') line = *open == '$' || *open == '"' ? "echo " : "echo; ";
    for (int i = 0; i < 20'000 && line.size() < 90'000; ++i) line += open;
    EXPECT_FALSE(Policy::PlanCommand(line).understood) << open;
  }
  std::string scripts = "ls";
  for (int i = 0; i < 12; ++i) scripts = "sh -c " + std::string(1, '"') + scripts + "\"";
  Policy::PlanCommand(scripts);
  std::string wrappers;
  for (int i = 0; i < 1000; ++i) wrappers += "env ";
  EXPECT_FALSE(Policy::PlanCommand(wrappers + "ls").understood);
}

TEST(ShellTest, AFunctionCountsOnlyWhereItIsCertain) {
  const auto programs = [](const char* line) { return Join(Policy::PlanCommand(line).programs, " "); };
  EXPECT_EQ(programs("f() { ls; }; f"), "ls");
  EXPECT_EQ(programs("f; f() { ls; }"), "f ls");
  EXPECT_EQ(programs("false && f() { ls; }; f"), "ls f");
  EXPECT_EQ(programs("f() { ls; } & f"), "ls f");
  EXPECT_EQ(programs("(f() { ls; }); f"), "ls f");
  EXPECT_EQ(programs("if a; then f() { ls; }; fi; f"), "a ls f");
  EXPECT_EQ(programs("f() { ls; } | cat; f"), "ls cat f");
  EXPECT_EQ(programs("f() { f; }; f"), "f");
  EXPECT_EQ(programs("f() { ls; }; env f"), "ls env f");
}

TEST(ShellTest, RelativeTargetsAreUnclearInAChangedDirectory) {
  EXPECT_TRUE(Policy::PlanCommand("cd /x; ls > /tmp/f").understood);
  EXPECT_FALSE(Policy::PlanCommand("cd /x; ls > f").understood);
  EXPECT_FALSE(Policy::PlanCommand("while :; do ls > f; cd /x; done").understood);
  EXPECT_FALSE(Policy::PlanCommand("env -C /x sh -c 'ls > f'").understood);
}

TEST(ShellTest, ProgramsThatCanRunOthersAreNoted) {
  EXPECT_EQ(Policy::PlanCommand("find . | sort | cat").runs_others, (std::vector<std::string>{"find", "sort"}));
  EXPECT_EQ(Policy::PlanCommand("/usr/bin/python3.11 x.py").runs_others,
            (std::vector<std::string>{"/usr/bin/python3.11"}));
  EXPECT_TRUE(Policy::PlanCommand("ls | wc").runs_others.empty());
}

}  // namespace
}  // namespace rune::agent
