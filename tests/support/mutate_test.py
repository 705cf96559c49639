#!/usr/bin/python3
"""Tests of tests/mutate: what it changes, and what it says of a small tree of its own."""
import importlib.machinery
import importlib.util
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = pathlib.Path(__file__).resolve().parents[1] / "mutate"
sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("mutate", str(PROGRAM))
mutate = importlib.util.module_from_spec(importlib.util.spec_from_loader("mutate", loader))
loader.exec_module(mutate)

BUILD = """cmake_minimum_required(VERSION 3.25)
project(toy LANGUAGES CXX)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
add_library(room STATIC room/cap.cc)
add_executable(room_test tests/cap_test.cc)
target_link_libraries(room_test PRIVATE room)
add_executable(other_test tests/other_test.cc)
"""
CODE = """int Cap(int x) { return x > 3 ? 9 : x; }
bool Both(bool a, bool b) { return a && b; }
const char* Word() { return "a > b" /* c > d */; }
int Same(int x) { return x + 0; }
int Odd(const int* p) { return p ? p[7] & 1 : false; }
"""
TEST = """extern "C" int puts(const char*);
int Cap(int);
int main() {
  if (Cap(3) == 3 && Cap(4) == 9) return 0;
  puts("[  FAILED  ] Cap.IsKept (0 ms)");
  return 1;
}
"""


def changes(text: str) -> list[str]:
    return [mutate.place(text, mutant)[1] for mutant in mutate.mutants(text)]


class MutantsTest(unittest.TestCase):
    def test_operators_and_constants_are_changed(self) -> None:
        self.assertEqual(changes("return a == 1;"), ["`==` -> `!=`", "`1` -> `0`", "`1` -> `2`"])
        self.assertEqual(changes("return !done() && x < y;"), ["without `!`", "`&&` -> `||`", "`<` -> `<=`"])
        self.assertEqual(changes("x = std::max(a, b) + 0x10u;"),
                         ["without `x = std::max(a, b) + 0x10u;`", "`max` -> `min`", "`+` -> `-`", "`0x10` -> `15`", "`0x10` -> `17`"])

    def test_text_comments_types_and_includes_are_left_alone(self) -> None:
        for text in ('#include <a>  // 1 == 2\n', 'auto s = "a == b && 1";', "/* true */", "std::vector<int>&& v;", "T& operator!=(U);",
                     "auto x = 1'0.5;", 'auto s = R"(1 == 2)";', "std::uint16_t port;", "char c = '0';"):
            self.assertEqual(changes(text), [], text)

    def test_text_is_added_and_never_subtracted(self) -> None:
        self.assertEqual(changes('return "a" + b + "c";'), [])

    def test_conditions_hold_never_and_always(self) -> None:
        self.assertEqual(changes("if (auto x = f(); x.ok()) g();"), ["`x.ok()` never holds", "`x.ok()` always holds"])
        self.assertEqual(changes("while (go(a)) g();"), ["`go(a)` never holds"])
        self.assertEqual(changes("if (const auto x = f()) g();"), [])

    def test_statements_that_declare_nothing_are_left_out(self) -> None:
        text = "{\n  int x = f();\n  g(x);\n  long_one(\n      x);\n  if (x)\n    h.i(x);\n  return x;\n}\n"
        self.assertEqual(changes(text), ["without `g(x);`", "`x` never holds", "`x` always holds", "without `h.i(x);`"])


class RunTest(unittest.TestCase):
    def test_each_mutant_is_noticed_survives_or_is_counted_apart(self) -> None:
        with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
            tree = pathlib.Path(name)
            for path, text in {"CMakeLists.txt": BUILD, "room/cap.cc": CODE, "tests/cap_test.cc": TEST, ".gitignore": "/build/\n",
                               "tests/other_test.cc": "int main() {}\n"}.items():
                (tree / path).parent.mkdir(exist_ok=True)
                (tree / path).write_text(text)
            subprocess.run(["git", "init", "-q", "."], cwd=tree, check=True)

            def run(*arguments: str) -> tuple[int, list[str]]:
                done = subprocess.run([sys.executable, PROGRAM, "--tree", str(tree), "room/cap.cc", *arguments], capture_output=True,
                                      text=True, check=False)
                return done.returncode, (done.stdout + done.stderr).splitlines()

            status, lines = run("1")
            self.assertEqual(status, 0, lines)
            self.assertEqual(lines[0], "room/cap.cc:1: `>` -> `>=`: noticed by room_test: Cap.IsKept")
            self.assertRegex(lines[-1], r"^room/cap.cc: 5 mutants: 5 noticed \(\d+ s\)$")
            status, lines = run()
            self.assertEqual(status, 1, lines)
            self.assertIn("room/cap.cc:2: `&&` -> `||`: SURVIVED", lines)
            self.assertIn("room/cap.cc:4: `+` -> `-`: compiles to the same", lines)
            self.assertEqual((tree / "room/cap.cc").read_text(), CODE)
            # A test that fails unchanged can notice nothing.
            (tree / "tests/cap_test.cc").write_text(TEST.replace("== 9", "== 8"))
            status, lines = run("1")
            self.assertEqual((status, lines), (1, ["left out, for it fails without any change: room_test: Cap.IsKept",
                                                   "mutate: no test depends on room/cap.cc"]))


if __name__ == "__main__":
    unittest.main()
