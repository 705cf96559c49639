#!/usr/bin/env python3
"""Checks the index of docs/architecture.md: every `file` in it exists and holds its `name`.

Prints what does not hold; exit 1 when something does not, or when there are fewer than 24 rows.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ROW = re.compile(r"^\| (.+?) \| `([^`]+)` \| `([^`]+)` \|$")
FEWEST = 24


def main() -> int:
    text = (ROOT / "docs/architecture.md").read_text()
    rows = [match.groups() for match in map(ROW.match, text.splitlines()) if match]
    problems = [] if len(rows) >= FEWEST else [f"docs/architecture.md: {len(rows)} rows in the index, fewer than {FEWEST}"]
    for question, file, name in rows:
        path = ROOT / file
        if not path.is_file():
            problems.append(f"docs/architecture.md: {question}: no file {file}")
        elif not re.search(rf"\b{re.escape(name)}\b", path.read_text(errors="replace")):
            problems.append(f"docs/architecture.md: {question}: no {name} in {file}")
    for problem in problems:
        print(problem)
    if not problems:
        print(f"index: {len(rows)} rows, each file holds its name")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
