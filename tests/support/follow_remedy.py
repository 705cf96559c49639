#!/usr/bin/python3
"""Does what a refusal says would allow it, word for word, and nothing else.

follow_remedy.py TEXT            edits the files of rune.toml that TEXT names ("~" is $HOME, "./" the working directory)
follow_remedy.py TEXT SOURCE     edits SOURCE, the JSON of a pipeline's source
TEXT: `add "rm" to allowed_commands in [policy] (~/.rune/rune.toml:7), and add ...` as `way_out` of rune --json has it.
"""
import json
import os
import re
import sys

STRING = r'"(?:[^"\\]|\\.)*"'
LIST = rf"{STRING}(?:, {STRING})*"


def lines_of(path: str) -> tuple[str, list[str]]:
    path = os.path.expanduser(path)
    with open(path) as file:
        return path, file.read().splitlines()


def save(path: str, lines: list[str]) -> None:
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n")


def edit_file(step: str) -> bool:
    if match := re.fullmatch(rf"add ({LIST}) to (\w+) in \[policy\] \((.+):(\d+)\)", step):
        entries, key, name, number = match.groups()
        path, lines = lines_of(name)
        at = int(number) - 1
        assert re.match(rf"\s*(policy\.)?{key}\s*=\s*\[", lines[at]), f"{name}:{number} is {lines[at]!r}"
        lines[at] = lines[at].replace("[", f"[{entries}, ", 1)
        save(path, lines)
    elif match := re.fullmatch(r"set (\w+) = (\S+) in \[policy\] \((.+):(\d+)\)", step):
        key, value, name, number = match.groups()
        path, lines = lines_of(name)
        assert lines[int(number) - 1].startswith(key)
        lines[int(number) - 1] = f"{key} = {value}"
        save(path, lines)
    elif match := re.fullmatch(r"add ((\w+) = .+) to \[policy\] \((.+)\)", step):
        line, key, name = match.groups()
        path, lines = lines_of(name)
        assert not any(re.match(rf"{key}\s*=", old) for old in lines), f"{key} is there already"
        if "[policy]" not in lines:
            lines.append("[policy]")
        lines.insert(lines.index("[policy]") + 1, line)
        save(path, lines)
    else:
        return False
    return True


def edit_source(step: str, source: dict) -> bool:
    if match := re.fullmatch(rf"add ({LIST}) to source\.([\w.]+)", step):
        entries, path = json.loads(f"[{match[1]}]"), match[2]
    elif match := re.fullmatch(r"(?:add|set) source\.([\w.]+): (.+)", step):
        path, entries = match[1], None
    else:
        return False
    *above, key = path.split(".")
    for name in above:
        source = source.setdefault(name, {})
    if entries is None:
        source[key] = json.loads(match[2])
    else:
        source[key] += entries
    return True


def main() -> int:
    text = sys.argv[1].removeprefix("to allow it: ")
    source = json.load(open(sys.argv[2])) if len(sys.argv) > 2 else None
    for step in re.split(r", and (?=add |set )", text):
        done = edit_file(step) if source is None else edit_source(step, source)
        if not done:
            print(f"no way out: {step}", file=sys.stderr)
            return 1
    if source is not None:
        with open(sys.argv[2], "w") as file:
            json.dump(source, file)
    return 0


sys.exit(main())
