#!/usr/bin/env python3
"""Adds up the results of every test runner and ends with "N passed, N failed[, N skipped]" alone on a line.

usage: ci/tally.py DIRECTORY...      each holds, as far as they exist: gtest/*.xml and ctest.xml (JUnit), *.tap (bats), and
                                     programs.txt ("name exit-code" per program of GoogleTest that was run without ctest)
       ci/tally.py --passed DIRECTORY  the programs of GoogleTest in it whose tests all passed, a name a line
Failures, skips and what is known to fail (TAP's todo; not counted) are listed with their reasons. Exit 1 when something failed, or when nothing ran.
"""
import collections
import pathlib
import re
import sys
import xml.etree.ElementTree as ET


class Tally:
    def __init__(self) -> None:
        self.passed = 0
        self.failures: list[str] = []
        self.skips: list[tuple[str, str]] = []  # (name, reason)
        self.known: list[tuple[str, str]] = []  # (name, reason): expected to fail, and did

    def add(self, name: str, failure: str | None, skip: str | None) -> None:
        if failure is not None:
            self.failures.append(f"{name}: {failure.strip()}" if failure.strip() else name)
        elif skip is not None:
            self.skips.append((name, skip.strip() or "no reason given"))
        else:
            self.passed += 1


def text_of(case: ET.Element, tag: str) -> str | None:
    """Message and body of a child element; None when there is no such child."""
    child = case.find(tag)
    if child is None:
        return None
    return child.get("message") or child.text or ""


def read_gtest(path: pathlib.Path, label: str, tally: Tally) -> int:
    """One program of GoogleTest; returns how many of its tests failed. A truncated file counts as one failure."""
    before = len(tally.failures)
    try:
        cases = list(ET.parse(path).iter("testcase"))
    except ET.ParseError as error:
        tally.add(f"{label}{path.stem}", f"unreadable report: {error}", None)
        return 1
    for case in cases:
        if case.get("status") == "notrun":
            continue
        skip = text_of(case, "skipped")
        tally.add(f"{label}{case.get('classname')}.{case.get('name')}", text_of(case, "failure"),
                  "" if skip is None and case.get("result") == "skipped" else last_line(skip))
    return len(tally.failures) - before


def last_line(text: str | None) -> str | None:
    """GoogleTest puts file:line before the reason."""
    return text if text is None else ([line for line in text.strip().splitlines() if line] or [""])[-1]


def read_ctest(path: pathlib.Path, programs: dict[str, int], label: str, tally: Tally) -> None:
    """What ctest ran. Programs that wrote a report of their own count by that, unless they died after writing it."""
    for case in ET.parse(path).iter("testcase"):
        name = case.get("name") or "?"
        failed = case.get("status") in ("fail", "disabled") or case.find("failure") is not None
        output = "\n".join((case.findtext("system-out") or "").strip().splitlines()[-25:])
        if name in programs:
            if failed and programs[name] == 0:
                tally.add(f"{label}{name}", f"the program ended badly\n{output}", None)
        else:
            tally.add(f"{label}{name}", f"\n{output}" if failed else None, text_of(case, "skipped"))


def read_programs(path: pathlib.Path, programs: dict[str, int], label: str, tally: Tally) -> None:
    for line in path.read_text().splitlines():
        name, code = line.split()
        if (code != "0" and programs.get(name, 0) == 0) or name not in programs:
            tally.add(f"{label}{name}", f"ended with exit code {code}, report or not", None)


def read_tap(path: pathlib.Path, label: str, tally: Tally) -> None:
    planned, seen, current = 0, 0, -1  # current: index of the failure that diagnostics belong to
    for line in path.read_text(errors="replace").splitlines():
        if match := re.match(r"1\.\.(\d+)", line):
            planned = int(match.group(1))
        elif match := re.match(r"not ok \d+ (.*?) # todo (.*)$", line):
            seen, current = seen + 1, -1
            tally.known.append((f"{label}{path.stem}: {match.group(1)}", match.group(2)))
        elif match := re.match(r"(not )?ok \d+ (.*?)(?: # skip\b ?(.*))?$", line):
            seen += 1
            failed = bool(match.group(1))
            tally.add(f"{label}{path.stem}: {match.group(2)}", "" if failed else None, None if failed else match.group(3))
            current = len(tally.failures) - 1 if failed else -1
        elif line.startswith("#") and current >= 0 and tally.failures[current].count("\n") < 25:
            tally.failures[current] += "\n" + line
    if seen < planned or planned == 0:
        tally.add(f"{label}{path.stem}", f"ended after {seen} of {planned} tests", None)


def passed_programs(directory: pathlib.Path) -> list[str]:
    """By their own reports and by ctest's: a program may die after it has written one."""
    names = []
    ended_badly = set()
    if (directory / "ctest.xml").exists():
        ended_badly = {case.get("name") for case in ET.parse(directory / "ctest.xml").iter("testcase") if case.get("status") != "run"}
    for path in sorted(directory.glob("gtest/*.xml")):
        if read_gtest(path, "", Tally()) == 0 and path.stem not in ended_badly:
            names.append(path.stem)
    return names


def main() -> int:
    if sys.argv[1:2] == ["--passed"]:
        print("\n".join(passed_programs(pathlib.Path(sys.argv[2]))))
        return 0
    tally = Tally()
    for directory in map(pathlib.Path, sys.argv[1:]):
        label = f"[{directory.name}] " if len(sys.argv) > 2 else ""
        programs = {path.stem: read_gtest(path, label, tally) for path in sorted(directory.glob("gtest/*.xml"))}
        if (directory / "ctest.xml").exists():
            read_ctest(directory / "ctest.xml", programs, label, tally)
        if (directory / "programs.txt").exists():
            read_programs(directory / "programs.txt", programs, label, tally)
        for path in sorted(directory.glob("*.tap")):
            read_tap(path, label, tally)

    for what, listed in (("skipped", tally.skips), ("known to fail", tally.known)):
        reasons = collections.defaultdict(list)
        for name, reason in listed:
            reasons[reason].append(name)
        for reason, names in sorted(reasons.items()):
            print(f"{what}, {reason}: {names[0]}" + (f" and {len(names) - 1} more" if len(names) > 1 else ""))
    for failure in tally.failures:
        print(f"FAILED {failure}")
    skipped = f", {len(tally.skips)} skipped" if tally.skips else ""
    print(f"{tally.passed} passed, {len(tally.failures)} failed{skipped}")
    return 1 if tally.failures or tally.passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
