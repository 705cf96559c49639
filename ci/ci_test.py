#!/usr/bin/env python3
"""Tests of the checks: a check that cannot fail proves nothing."""
import contextlib
import io
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import check_index  # noqa: E402
import check_layers  # noqa: E402
import check_sizes  # noqa: E402
import tally  # noqa: E402


class TemporaryTree(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name)

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)


def printed_by(main) -> tuple[int, str]:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        status = main()
    return status, out.getvalue()


class CheckLayersTest(TemporaryTree):
    def check(self) -> tuple[int, str]:
        check_layers.ROOT = self.root
        sys.argv = ["check_layers.py"]
        return printed_by(check_layers.main)

    def test_a_declared_arrow_passes(self) -> None:
        self.write("docs/layers.txt", "sandbox/base ->\nagent/json -> sandbox/base\n")
        self.write("sandbox/base/text.h", "")
        self.write("agent/json/json.cc", '#include "sandbox/base/text.h"\n#include "agent/json/json.h"\n')
        self.assertEqual(self.check()[0], 0)

    def test_an_undeclared_arrow_is_named_with_file_and_line(self) -> None:
        self.write("docs/layers.txt", "sandbox/base ->\nagent/json -> sandbox/base\n")
        self.write("agent/json/json.h", "")
        self.write("sandbox/base/text.cc", '// first line\n#include "agent/json/json.h"\n')
        status, out = self.check()
        self.assertEqual(status, 1)
        self.assertIn("sandbox/base/text.cc:2: sandbox/base may not include agent/json/json.h", out)

    def test_an_arrow_to_a_box_further_down_is_named(self) -> None:
        self.write("docs/layers.txt", "agent/a -> agent/b\nagent/b ->\n")
        self.write("agent/a/a.h", '#include "agent/b/b.h"\n')
        self.write("agent/b/b.h", "")
        self.assertIn("agent/a -> agent/b runs back up", self.check()[1])
        self.write("docs/layers.txt", "agent/b ->\nagent/a -> agent/b\n")
        self.assertEqual(self.check()[0], 0)

    def test_a_permission_that_nobody_uses_is_named(self) -> None:
        self.write("docs/layers.txt", "agent/b ->\nagent/a -> agent/b\n")
        self.write("agent/a/a.h", "")
        self.write("agent/b/b.h", "")
        self.assertIn("agent/a does not include agent/b", self.check()[1])
        self.write("agent/a/a.h", '#include "agent/b/b.h"\n')
        self.assertEqual(self.check()[0], 0)

    def test_the_longest_name_wins_and_a_pair_is_one_box(self) -> None:
        self.write("docs/layers.txt", "sandbox/base ->\nagent/message -> sandbox/base\nagent ->\n")
        self.write("sandbox/base/text.h", "")
        self.write("agent/message.cc", '#include "sandbox/base/text.h"\n')
        self.write("agent/message_parts.cc", '#include "sandbox/base/text.h"\n')
        self.assertEqual(self.check()[0], 0)
        self.write("agent/other.cc", '#include "sandbox/base/text.h"\n')
        self.assertIn("agent/other.cc:1: agent may not include", self.check()[1])

    def test_a_source_that_hides_what_its_header_lacks_is_named(self) -> None:
        self.write("docs/layers.txt", "agent/a ->\n")
        self.write("agent/a/a.h", "std::string Text();\n")
        self.write("agent/a/a.cc", '#include <string>\n#include "agent/a/a.h"\n')
        self.assertIn("agent/a/a.cc: includes <string> before agent/a/a.h", self.check()[1])
        self.write("agent/a/a.cc", '#include "agent/a/a.h"\n')
        self.assertEqual(self.check()[0], 0)

    def test_a_file_without_a_box_is_a_finding(self) -> None:
        self.write("docs/layers.txt", "sandbox/base ->\n")
        self.write("agent/new/new.cc", '#include "sandbox/base/text.h"\n')
        self.assertIn("belongs to no box", self.check()[1])


class CheckIndexTest(TemporaryTree):
    def check(self, rows: list[str]) -> tuple[int, str]:
        check_index.ROOT = self.root
        self.write("docs/architecture.md", "# Index\n\n" + "\n".join(rows) + "\n")
        return printed_by(check_index.main)

    def test_a_row_names_a_file_that_holds_the_name(self) -> None:
        self.write("agent/a.cc", "void Decide() {}\n")
        rows = ["| what | `agent/a.cc` | `Decide` |"] * 24
        self.assertEqual(self.check(rows)[0], 0)
        self.assertIn("no Decid in agent/a.cc", self.check([*rows, "| who | `agent/a.cc` | `Decid` |"])[1])
        self.assertIn("no file agent/b.cc", self.check([*rows, "| who | `agent/b.cc` | `Decide` |"])[1])
        self.assertIn("fewer than 24", self.check(rows[:23])[1])


class CheckSizesTest(TemporaryTree):
    def check(self) -> tuple[int, str]:
        check_sizes.ROOT = self.root
        return printed_by(check_sizes.main)

    @staticmethod
    def function(lines: int, head: str = "int Long(int a,\n         int b) {") -> str:
        return head + "\n" + "  ++a;\n" * (lines - 2) + "}\n"

    def test_a_long_function_is_named_wherever_its_head_is_broken(self) -> None:
        self.write("agent/a.cc", "// first line\n" + self.function(60))
        self.assertEqual(self.check()[0], 0)
        self.write("agent/a.cc", "// first line\n" + self.function(61))
        self.assertIn("agent/a.cc:3: a function of 61 lines", self.check()[1])

    def test_a_long_class_is_named_and_a_long_table_is_not(self) -> None:
        self.write("agent/a.h", "class A : public B {\n" + "  int a;\n" * 198 + "};\n")
        self.write("agent/b.cc", "constexpr std::array<Row, 90> kRows{{\n" + "    {1},\n" * 300 + "}};\n")
        self.assertEqual(self.check()[0], 0)
        self.write("agent/a.h", "class A : public B {\n" + "  int a;\n" * 199 + "};\n")
        self.assertIn("a class of 201 lines", self.check()[1])


class OnceTest(TemporaryTree):
    """A report is used again only when it was a good one and what it stands for is the same."""

    def once(self, digest: str, tap: str, ci: str = "") -> str:
        self.write("suite", f"printf '{tap}'; echo ran >>{self.root}/ran")
        subprocess.run([HERE / "once", digest, self.root / "kept", self.root / "report", "sh", self.root / "suite"],
                       check=True, env={**os.environ, "CI": ci})
        return (self.root / "report").read_text()

    def runs(self) -> int:
        ran = self.root / "ran"
        return len(ran.read_text().splitlines()) if ran.exists() else 0

    def test_a_good_report_is_used_again_until_something_changes(self) -> None:
        self.once("a", "1..1\\nok 1 x\\n")
        self.assertIn("ok 1 x", self.once("a", "1..1\\nnot ok 1 x\\n"))
        self.assertEqual(self.runs(), 1)
        self.assertIn("not ok 1 x", self.once("b", "1..1\\nnot ok 1 x\\n"))
        self.assertEqual(self.runs(), 2)

    def test_a_bad_or_broken_off_report_is_not(self) -> None:
        for tap in ("1..1\\nnot ok 1 x\\n", "1..2\\nok 1 x\\n", ""):
            before = self.runs()
            self.once("a", tap)
            self.once("a", tap)
            self.assertEqual(self.runs(), before + 2)

    def test_what_is_known_to_fail_does_not_make_a_report_bad(self) -> None:
        self.once("a", "1..1\\nnot ok 1 x # todo not yet\\n")
        self.once("a", "1..1\\nnot ok 1 x # todo not yet\\n")
        self.assertEqual(self.runs(), 1)

    def test_under_ci_everything_runs(self) -> None:
        self.once("a", "1..1\\nok 1 x\\n")
        self.once("a", "1..1\\nok 1 x\\n", ci="true")
        self.assertEqual(self.runs(), 2)


class TallyTest(TemporaryTree):
    def tally(self) -> tuple[int, list[str]]:
        sys.argv = ["tally.py", str(self.root)]
        status, out = printed_by(tally.main)
        return status, out.splitlines()

    def test_nothing_ran_is_a_failure(self) -> None:
        self.assertEqual(self.tally(), (1, ["0 passed, 0 failed"]))

    def test_results_of_all_runners_are_added(self) -> None:
        self.write("gtest/a_test.xml", '<testsuites><testsuite><testcase classname="A" name="B" status="run" result="completed"/>'
                   '<testcase classname="A" name="C" status="run" result="skipped"><skipped message="a.cc:3&#x0A;needs root"/></testcase>'
                   "</testsuite></testsuites>")
        self.write("ctest.xml", '<testsuite><testcase name="a_test" status="run"/><testcase name="words" status="run"/></testsuite>')
        self.write("e2e.x.tap", "1..2\nok 1 one\nok 2 two # skip no kernel\n")
        status, lines = self.tally()
        self.assertEqual(status, 0)
        self.assertEqual(lines[-1], "3 passed, 0 failed, 2 skipped")
        self.assertIn("skipped, needs root: A.C", lines)

    def test_what_is_known_to_fail_is_named_and_not_counted(self) -> None:
        self.write("work.tap", "1..2\nok 1 one\nnot ok 2 two # todo no such call yet\n# why\n")
        status, lines = self.tally()
        self.assertEqual((status, lines[-1]), (0, "1 passed, 0 failed"))
        self.assertIn("known to fail, no such call yet: work: two", lines)

    def test_a_program_that_died_counts_as_failed(self) -> None:
        self.write("ctest.xml", '<testsuite><testcase name="a_test" status="fail"><failure message=""/>'
                   "<system-out>Segmentation fault</system-out></testcase></testsuite>")
        status, lines = self.tally()
        self.assertEqual((status, lines[-1]), (1, "0 passed, 1 failed"))

    def test_a_program_that_died_after_its_report_counts_as_failed(self) -> None:
        self.write("gtest/a_test.xml", '<testsuites><testcase classname="A" name="B" status="run" result="completed"/></testsuites>')
        self.write("programs.txt", "a_test 139\n")
        self.assertEqual(self.tally()[1][-1], "1 passed, 1 failed")

    def test_only_programs_that_passed_and_ended_well_are_named_as_passed(self) -> None:
        case = '<testsuites><testsuite><testcase classname="A" name="B" status="run" result="completed">%s</testcase></testsuite></testsuites>'
        self.write("gtest/good_test.xml", case % "")
        self.write("gtest/bad_test.xml", case % '<failure message="no"/>')
        self.write("gtest/died_test.xml", case % "")
        self.write("ctest.xml", '<testsuite><testcase name="good_test" status="run"/><testcase name="died_test" status="fail"/></testsuite>')
        sys.argv = ["tally.py", "--passed", str(self.root)]
        self.assertEqual(printed_by(tally.main), (0, "good_test\n"))

    def test_a_suite_that_ends_early_counts_as_failed(self) -> None:
        self.write("e2e.x.tap", "1..3\nok 1 one\n")
        self.assertEqual(self.tally()[1][-1], "1 passed, 1 failed")

    def test_a_failed_test_is_shown_with_its_reason(self) -> None:
        self.write("e2e.x.tap", "1..1\nnot ok 1 one\n# (in test file x.bats, line 3)\n")
        status, lines = self.tally()
        self.assertEqual(status, 1)
        self.assertIn("# (in test file x.bats, line 3)", lines)


if __name__ == "__main__":
    unittest.main()
