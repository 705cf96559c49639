#!/usr/bin/env python3
"""Checks every #include "..." of the three floors against docs/layers.txt.

A box is a folder ("agent/json") or a file pair ("agent/process": the .h and the .cc of that name, and process_*.{h,cc}). A file
belongs to the box with the longest matching name and may include its own box besides what its line lists. A line lists boxes
that stand above it, so that no arrow runs back up and no two boxes include each other, and none that it does not use.
The first include of x.cc is its own x.h, so that each header is known to stand alone.
Prints file:line for each violation; exit 1 when there is one. --draw prints the arrows that exist.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FLOORS = ("sandbox", "agent", "resource")
INCLUDE_ANY = re.compile(r"^\s*#\s*include\s+(\S+)", re.MULTILINE)
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def covers(box: str, path: str) -> bool:
    """True when `path` (a file, from the root) lies in `box`."""
    stem = path.rsplit(".", 1)[0]
    return stem == box or path.startswith(box + "/") or stem.startswith(box + "_")


def read_layers(path: pathlib.Path) -> dict[str, list[str]]:
    layers: dict[str, list[str]] = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        text = line.split("#", 1)[0].strip()
        if not text:
            continue
        box, arrow, targets = text.partition("->")
        if not arrow or box.strip() in layers:
            sys.exit(f"{path.relative_to(ROOT)}:{number}: expected one 'box -> boxes' line per box")
        layers[box.strip()] = targets.split()
    return layers


def box_of(layers: dict[str, list[str]], path: str) -> str | None:
    return max((box for box in layers if covers(box, path)), key=len, default=None)


def includes(root: pathlib.Path):
    """Every (including file, line number, included file) of the floors."""
    for floor in FLOORS:
        for file in sorted((root / floor).rglob("*")):
            if file.suffix not in (".h", ".cc", ".inc"):
                continue
            for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
                if match := INCLUDE.match(line):
                    yield file.relative_to(root).as_posix(), number, match.group(1)


def main() -> int:
    layers = read_layers(ROOT / "docs/layers.txt")
    problems: list[str] = []
    used: set[tuple[str, str]] = set()
    for file, number, target in includes(ROOT):
        place = f"{file}:{number}"
        box, target_box = box_of(layers, file), box_of(layers, target)
        if box is None:
            problems.append(f"{place}: {file} belongs to no box of docs/layers.txt")
        elif not target.startswith(tuple(floor + "/" for floor in FLOORS)):
            if "/" in target:  # a generated header has a bare name
                problems.append(f'{place}: "{target}" is not written from the root')
        elif target_box != box:
            if target_box in layers[box]:
                used.add((box, target_box))
            else:
                problems.append(f"{place}: {box} may not include {target}")

    for source in (f for floor in FLOORS for f in sorted((ROOT / floor).rglob("*.cc")) if f.with_suffix(".h").exists()):
        own = source.with_suffix(".h").relative_to(ROOT).as_posix()
        first = next((i for i in INCLUDE_ANY.findall(source.read_text(errors="replace"))), "nothing")
        if first != f'"{own}"':
            problems.append(f"{source.relative_to(ROOT)}: includes {first} before {own}")

    order = list(layers)
    for box, targets in layers.items():
        for target in targets:
            if (box, target) not in used:
                problems.append(f"docs/layers.txt: {box} does not include {target}: the line grants what nobody uses")
            elif order.index(target) > order.index(box):
                problems.append(f"docs/layers.txt: {box} -> {target} runs back up: {target} stands below it")
    if "--draw" in sys.argv[1:]:
        for box in layers:
            to = sorted(b for a, b in used if a == box)
            print(f"{box} -> {' '.join(to)}" if to else box)
    for problem in problems:
        print(problem)
    if not problems and "--draw" not in sys.argv[1:]:
        print(f"layers: {len(layers)} boxes, {len(used)} arrows: all declared, all used, none runs back up")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
