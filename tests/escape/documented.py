#!/usr/bin/python3
"""The table of environments in docs/sandbox.md says what environments.json says, which is what the matrix finds there.

usage: tests/escape/documented.py          exit status 1, and the table as it should be, when they differ
"""
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
LAYERS = ("limits", "network", "seccomp", "landlock", "names")


def table():
    environments = json.loads((HERE / "environments.json").read_text(encoding="utf-8"))["environments"]
    rows = ["| | " + " | ".join(LAYERS) + " |", "|---" * (len(LAYERS) + 1) + "|"]
    for environment in environments.values():
        states = [environment["layers"][layer]["state"] for layer in LAYERS]
        rows.append(f"| {environment['is']} | " + " | ".join(states) + " |")
    return "\n".join(rows)


def main():
    wanted = table()
    if wanted not in (HERE.parents[1] / "docs" / "sandbox.md").read_text(encoding="utf-8"):
        sys.exit(f"docs/sandbox.md does not show what environments.json says:\n{wanted}")


if __name__ == "__main__":
    main()
