#!/usr/bin/env python3
"""How long functions and classes of the three floors are: at most 60 and 200 lines (docs/style.md; files: ci/check_words.sh).

Reads the layout that clang-format gives: a body ends with the first "}" at the indentation of the line that began it.
Prints file:line for each finding; exit 1 when there is one.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FLOORS = ("sandbox", "agent", "resource")
LONGEST_FUNCTION = 60
LONGEST_CLASS = 200
CLASS = re.compile(r"^( *)(?:template <.*> )?(?:class|struct|union) [\w:]+(?: final)?(?: : .*)? \{$")
CONTROL = re.compile(r"^ *(namespace|enum|if|for|while|switch|do|else|case|return|extern|using)\b")
DATA = re.compile(r"[={(,]\s*\{+$")  # a list of values


def indent_of(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def findings(path: pathlib.Path):
    lines = path.read_text(errors="replace").splitlines()
    name = path.relative_to(ROOT).as_posix()
    function_ends = -1
    for number, line in enumerate(lines):
        if not line.endswith("{") or number <= function_ends:
            continue
        begin, first, kind = number, line, "class"
        if not CLASS.match(line):
            kind = "function"
            # A list of parameters goes on from lines above.
            while begin > 0 and len(indent_of(lines[begin])) > 2 and lines[begin].startswith("    "):
                begin -= 1
            first = lines[begin]
            head = "".join(lines[begin : number + 1])
            if len(indent_of(first)) > 2 or CONTROL.match(first) or DATA.search(line) or "(" not in head:
                continue
        indent = indent_of(first)
        end = next((i for i in range(number + 1, len(lines)) if re.match(rf"^{indent}\}}", lines[i])), number)
        length = end - number + 1
        if kind == "function":
            function_ends = end
        most = LONGEST_CLASS if kind == "class" else LONGEST_FUNCTION
        if length > most:
            yield f"{name}:{number + 1}: a {kind} of {length} lines, more than {most}"


def main() -> int:
    files = [f for floor in FLOORS for f in sorted((ROOT / floor).rglob("*")) if f.suffix in (".h", ".cc")]
    problems = [problem for file in files for problem in findings(file)]
    for problem in problems:
        print(problem)
    if not problems:
        print(f"sizes: {len(files)} files, no function over {LONGEST_FUNCTION} lines, no class over {LONGEST_CLASS}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
