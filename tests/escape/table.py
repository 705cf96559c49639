"""The matrix: attempt by environment, what is wrong with it, and the same for ci/tally.py."""
import collections
import json
import os
import pathlib

# Worst first: of the runs of one attempt in one environment the worst is shown.
ORDER = ("OPEN", "unexpected", "absent", "closed", "works")


def worst(entries: list[dict]) -> dict:
    return min(entries, key=lambda e: ORDER.index(e["verdict"]))


def expectations(here: pathlib.Path) -> dict:
    return json.loads((here / "environments.json").read_text())["environments"]


def wrong_layers(outcome: dict, expected: dict) -> list[str]:
    """Where the sandbox's own report differs from what this environment is known to allow."""
    if outcome["name"] not in expected or not outcome["facts"]:
        return []
    wrong = []
    for layer, wanted in expected[outcome["name"]]["layers"].items():
        said = outcome["facts"]["layers"].get(layer, {"state": "not reported", "why": "", "mechanism": ""})
        allowed = wanted["state"] if isinstance(wanted["state"], list) else [wanted["state"]]
        if said["state"] not in allowed:
            wrong.append(f"{layer} reports {said['state']} ({said['why'] or said['mechanism']}), known here: {' or '.join(allowed)}")
        elif said["state"] in ("degraded", "missing") and not said["why"]:
            wrong.append(f"{layer} reports {said['state']} and no reason")
        elif wanted.get("says", "") not in said["why"] + said["mechanism"]:
            wrong.append(f"{layer} does not say {wanted['says']!r} but {said['why'] or said['mechanism']!r}")
    return wrong


def failures_of(outcome: dict, expected: dict) -> list[str]:
    failures = [outcome["failure"]] if outcome["failure"] else []
    failures += wrong_layers(outcome, expected)
    for entry in outcome["results"]:
        if entry["verdict"] in ("OPEN", "unexpected"):
            failures.append(f"{entry['id']} {entry['verdict']} ({entry['variant']}): {entry['what']}: {entry['why']}")
        elif entry["control"] == "blind":
            failures.append(f"{entry['id']}: {entry['what']}: {entry['control_why']}")
        elif entry["verdict"] == "absent" and not entry["why"]:
            failures.append(f"{entry['id']} absent without a reason")
    return sorted(set(failures))


def grid(outcomes: list[dict]) -> list[str]:
    attempts: dict[str, dict] = {}
    for outcome in outcomes:
        for entry in outcome["results"]:
            row = attempts.setdefault(entry["id"], {"layer": entry["layer"], "what": entry["what"], "cells": collections.defaultdict(list)})
            row["cells"][outcome["name"]].append(entry)
    names = [outcome["name"] for outcome in outcomes]
    lines = ["".join(f"{name:11}" for name in ("id", "layer", *names)) + "attempt"]
    for key, row in sorted(attempts.items(), key=lambda item: (item[1]["layer"], item[0])):
        cells = []
        for name in names:
            entries = row["cells"][name]
            if not entries:
                cells.append("-")
                continue
            entry = worst(entries)
            # A star: the environment itself forbids it, outside of the sandbox too.
            cells.append({"absent": "n/a"}.get(entry["verdict"], entry["verdict"]) + ("*" if entry["control"] == "closed" else ""))
        lines.append("".join(f"{text:11}" for text in (key, row["layer"], *cells)) + row["what"])
    return lines


def counts(outcome: dict) -> str:
    by_attempt = collections.defaultdict(list)
    for entry in outcome["results"]:
        by_attempt[entry["id"]].append(entry)
    verdicts = collections.Counter(worst(entries)["verdict"] for entries in by_attempt.values())
    controls = collections.Counter(entries[0]["control"] for entries in by_attempt.values())
    runs = sum(entry["verdict"] != "absent" for entry in outcome["results"])
    return (f"{outcome['name']:11}{len(by_attempt)} attempts, {runs} runs inside: {verdicts['closed']} closed, {verdicts['OPEN']} OPEN, "
            f"{verdicts['unexpected']} unexpected, {verdicts['absent']} not applicable, {verdicts['works']} that must work do; outside {controls['works']} work, "
            f"{controls['closed']} are closed there too, {controls['not run']} not run")


def reasons(outcomes: list[dict]) -> list[str]:
    found = collections.defaultdict(set)
    for outcome in outcomes:
        for entry in outcome["results"]:
            if entry["verdict"] == "absent":
                found[(outcome["name"], entry["why"])].add(entry["id"])
    return [f"not applicable, {name}, {why}: {' '.join(sorted(ids))}" for (name, why), ids in sorted(found.items())]


def without_control(outcomes: list[dict]) -> list[str]:
    """Attempts that worked outside nowhere: what they show is that they are refused, not who refuses them."""
    worked, why = set(), {}
    for outcome in outcomes:
        for entry in outcome["results"]:
            if entry["control"] == "works":
                worked.add(entry["id"])
            why[entry["id"]] = entry["control_why"]
    missing = collections.defaultdict(list)
    for key in sorted(why.keys() - worked):
        missing[why[key]].append(key)
    return [f"closed outside too, in every environment, {reason}: {' '.join(ids)}" for reason, ids in sorted(missing.items())]


def write_tap(directory: pathlib.Path, outcome: dict, expected: dict) -> None:
    lines = []
    by_attempt = collections.defaultdict(list)
    for entry in outcome["results"]:
        by_attempt[entry["id"]].append(entry)
    for key, entries in sorted(by_attempt.items()):
        entry = worst(entries)
        good = entry["verdict"] in ("closed", "absent", "works") and entry["control"] != "blind"
        skip = f" # skip {entry['why']}" if entry["verdict"] == "absent" else ""
        lines.append(f"{'ok' if good else 'not ok'} {len(lines) + 1} {key} {entry['what']}{skip}")
        if not good:
            lines.append(f"# {entry['verdict']}: {entry['why']}; outside: {entry['control']} {entry['control_why']}")
    wrong = wrong_layers(outcome, expected) + ([outcome["failure"]] if outcome["failure"] else [])
    number = sum(not line.startswith("#") for line in lines) + 1
    lines.append(f"{'not ok' if wrong else 'ok'} {number} the sandbox reports the layers that this environment is known to allow")
    lines += [f"# {line}" for text in wrong for line in text.splitlines()]
    (directory / f"escape.{outcome['name']}.tap").write_text(f"1..{number}\n" + "\n".join(lines) + "\n")


def write_absent(directory: pathlib.Path, name: str, why: str, wanted: bool) -> None:
    line = f"not ok 1 every way out\n# not run: {why}" if wanted else f"ok 1 every way out # skip {why}"
    (directory / f"escape.{name}.tap").write_text(f"1..1\n{line}\n")


def show(outcomes: list[dict], hostile: list[dict], absent: dict[str, str], arguments) -> int:
    expected = expectations(pathlib.Path(__file__).resolve().parent)
    if arguments.json:
        with open(arguments.json, "w") as file:
            for outcome in outcomes:
                for line in [outcome["facts"], *outcome["results"]]:
                    file.write(json.dumps({"environment": outcome["name"], **line}) + "\n")
    if not arguments.quiet:
        print("\n".join(grid(outcomes) + [""] + reasons(outcomes) + without_control(outcomes) + [""]))
    failed = False
    for outcome in outcomes:
        if arguments.tap:
            write_tap(pathlib.Path(arguments.tap), outcome, expected)
        print(counts(outcome))
        for failure in failures_of(outcome, expected):
            failed = True
            print(f"  WRONG {failure}")
    for outcome in hostile:
        lines = outcome["tap"].splitlines()
        passed = sum(line.startswith("ok ") for line in lines)
        planned = next((int(line[3:]) for line in lines if line.startswith("1..")), 0)
        print(f"{outcome['name']:11}{passed} of {planned} attacks on the network guard fail, as they must")
        if arguments.tap:
            (pathlib.Path(arguments.tap) / f"escape-guard.{outcome['name']}.tap").write_text(outcome["tap"])
        if not arguments.quiet:
            print("\n".join(f"  {line}" for line in lines))
        if passed < planned or planned == 0:
            failed = True
            print("\n".join(f"  WRONG {line}" for line in lines if not line.startswith(("ok ", "1..")) or not planned))
    wanted = os.environ.get("RUNE_SANDBOX_MUST_WORK") == "1" and os.getuid() == 0
    for name, why in absent.items():
        print(f"{name:11}not run: {why}")
        failed = failed or wanted
        if arguments.tap:
            write_absent(pathlib.Path(arguments.tap), name, why, wanted)
    return 1 if failed else 0
