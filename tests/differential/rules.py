#!/usr/bin/python3
"""Judges request bodies, one per line on standard input, by the rules of the fake model server.

    rules.py WIRE

Prints every breach and a count; exits 1 when there is one."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from model_checks import check_bytes  # noqa: E402
from wire_common import parse_strict  # noqa: E402
from wires import WIRES  # noqa: E402


def main():
    wire, count, bad = WIRES[sys.argv[1]], 0, 0
    for line in sys.stdin.buffer:
        found = check_bytes(line) + wire.check(parse_strict(line.decode()))
        count += 1
        bad += bool(found)
        if found and bad <= 5:
            print(f"{sys.argv[1]}: {found[0]}\n  {line.decode()[:1000]}")
    print(f"{sys.argv[1]}: {count} bodies, {bad} refused")
    sys.exit(1 if bad or not count else 0)


if __name__ == "__main__":
    main()
