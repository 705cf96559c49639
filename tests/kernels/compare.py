#!/usr/bin/env python3
"""Holds what the machines of ci/kernels reported against what is true there, and against expected.json. Writes TAP.

usage: tests/kernels/compare.py DIRECTORY NAME...      DIRECTORY/out-NAME is what the machine of that kernel left

What is true: a limit that did not end the command does not hold, an attempt that got out is open. A layer that is reported as
enforced must have no open attempt that expected.json does not name; an open one that it names must still be open.
"""
import json
import pathlib
import sys
import xml.etree.ElementTree as ET

WHO = ("root", "user", "delegated")
PROGRAMS = ("layers_test", "sandbox_test", "guard_test")
SUITES = ("confinement", "sandbox_cli")
LIMITS = {"memory": "memory", "pids": "pids", "cpu": "cpu"}


class Tap:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, good: bool, name: str, details: str = "") -> None:
        self.lines.append(f"{'ok' if good else 'not ok'} {sum(not l.startswith('#') for l in self.lines) + 1} {name}")
        if not good:
            self.lines += [f"# {line}" for line in details.splitlines()[:12]]

    def show(self) -> None:
        print(f"1..{sum(not line.startswith('#') for line in self.lines)}")
        print("\n".join(self.lines))


def load(path: pathlib.Path):
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def check_doctor(tap: Tap, name: str, out: pathlib.Path, who: str, expected: dict) -> None:
    doctor = load(out / f"{who}.doctor.json")
    if doctor is None:
        errors = out / f"{who}.doctor.err"
        return tap.add(False, f"{name}, {who}: rune doctor says something", errors.read_text() if errors.exists() else "")
    states = {row["layer"]: row["state"] for row in doctor["layers"]}
    wanted = expected["layers"][who]
    tap.add(states == wanted, f"{name}, {who}: the layers are reported as they are", f"reported {states}\nexpected {wanted}")


def check_limits(tap: Tap, name: str, out: pathlib.Path, who: str, enforced: dict) -> None:
    fine = load(out / f"{who}.fine.json")
    text = out / f"{who}.fine.out"
    tap.add(fine is not None and fine.get("exit_code") == 0, f"{name}, {who}: what stays within its limits runs",
            text.read_text() if text.exists() else "")
    for file, limit in LIMITS.items():
        report = load(out / f"{who}.{file}.json")
        text = out / f"{who}.{file}.out"
        said = text.read_text() if text.exists() else ""
        reported = report is not None and limit == report.get("limit")
        # Where no control group counts, memory and forks are refused to the command, which then ends by itself.
        refused = enforced["limits"] != "enforced" and ("MemoryError" in said or "BlockingIOError" in said)
        tap.add(reported or refused, f"{name}, {who}: {file} is limited, and the report says so", f"report {report}\n{said}")


def check_operator(tap: Tap, name: str, out: pathlib.Path) -> None:
    for limit in ("memory", "pids"):
        report = load(out / f"operator.{limit}.json")
        text = out / f"operator.{limit}.out"
        tap.add(report is not None and report.get("limit") == limit, f"{name}: what an operator allows of {limit} is what a run gets",
                f"report {report}\n{text.read_text() if text.exists() else ''}")


def check_escapes(tap: Tap, name: str, out: pathlib.Path, environment: str, expected: dict) -> None:
    path = out / f"{environment}.escape.jsonl"
    results = [json.loads(line) for line in path.read_text().splitlines() if '"verdict"' in line] if path.exists() else []
    if not results:
        text = out / f"{environment}.escape.txt"
        return tap.add(False, f"{name}, {environment}: the ways out were tried", text.read_text()[-1500:] if text.exists() else "")
    tried = {row["id"] for row in results}
    opened = {row["id"] for row in results if row["verdict"] == "OPEN"}
    known = set(expected["open"].get(environment, [])) & tried
    tap.add(opened == known, f"{name}, {environment}: {len(tried)} ways out, open are the {len(known)} that are written down",
            f"open and not written down: {sorted(opened - known)}\nwritten down and closed: {sorted(known - opened)}")


def failures_of(out: pathlib.Path, who: str) -> tuple[int, set[str]]:
    """How many tests of the suites have a result, and which of them failed. A program that left none has failed."""
    count, failed = 0, set()
    for program in PROGRAMS:
        path = out / f"{who}.{program}.xml"
        cases = list(ET.parse(path).iter("testcase")) if path.exists() and path.stat().st_size else []
        count += len(cases)
        failed |= {f"{case.get('classname')}.{case.get('name')}" for case in cases if case.find("failure") is not None}
        if not cases:
            failed.add(program)
    for suite in SUITES:
        path = out / f"{who}.{suite}.tap"
        lines = path.read_text(errors="replace").splitlines() if path.exists() else []
        results = [line for line in lines if line.startswith(("ok ", "not ok "))]
        count += len(results)
        failed |= {f"{suite}: {line.split(' ', 3)[3]}" for line in results if line.startswith("not ok ")}
        planned = next((int(line[3:]) for line in lines if line.startswith("1..")), 0)
        if planned == 0 or len(results) != planned:
            failed.add(suite)
    return count, failed


def check_suites(tap: Tap, name: str, out: pathlib.Path, who: str, expected: dict) -> None:
    count, failed = failures_of(out, who)
    known = set(expected.get("suites", {}).get(who, []))
    tap.add(failed == known, f"{name}, {who}: {count} tests of what confines, failed are the {len(known)} that are written down",
            f"failed and not written down: {sorted(failed - known)}\nwritten down and passed: {sorted(known - failed)}")


def main() -> int:
    work = pathlib.Path(sys.argv[1])
    expected = json.loads((pathlib.Path(__file__).parent / "expected.json").read_text())["kernels"]
    tap = Tap()
    for name in sys.argv[2:]:
        out = work / f"out-{name}"
        console = out / "console.log"
        tap.add((out / "complete").exists(), f"{name}: the machine did its job",
                "\n".join(console.read_text(errors="replace").splitlines()[-10:]) if console.exists() else "")
        faults = out / "dmesg.txt"
        if faults.exists():
            tap.add(not faults.read_text(), f"{name}: nothing of ours faulted", faults.read_text())
        for who in WHO:
            check_doctor(tap, name, out, who, expected[name])
            check_limits(tap, name, out, who, expected[name]["layers"][who])
        check_operator(tap, name, out)
        for who in ("root", "user"):
            check_suites(tap, name, out, who, expected[name])
        for environment in ("user", "root"):
            check_escapes(tap, name, out, environment, expected[name])
    tap.show()
    return 0


if __name__ == "__main__":
    sys.exit(main())
