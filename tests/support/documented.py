#!/usr/bin/python3
"""Tables of the documents, held against what the programs print.

    documented.py rows FILE.md HEADING                    the rows of the first table below the heading, as one JSON array
    documented.py check FILE.md HEADING [--by MEMBER]     the JSON objects on standard input have exactly the members of that table

A row of a table of members has names in its first cell, in backticks. A `?` behind a name marks a member that is not always there.
A later cell may begin with the shape of the value, in backticks, too: `{input, cached, cost_usd?}`, `[{target, port}]`,
`{*: {state, why?}}` where any name may stand, `*` for any value at all.

The objects together must show every member: one that is in no object, one that no row names, one without `?` that an object lacks
and one with `?` that no object lacks are each a finding, at every depth. With --by, the table has one row for each value of that
member, which kinds the objects; what the row `*` says is true of all of them. Findings go to standard output, exit 1.
"""
import argparse
import json
import pathlib
import re
import sys

ANY = object()  # the shape of a value that may be anything


def table(text, heading):
    """Rows of the first table below the heading, each a list of cells."""
    lines = text.splitlines()
    starts = [at for at, line in enumerate(lines) if re.fullmatch(r"#+ " + re.escape(heading), line)]
    if len(starts) != 1:
        sys.exit(f"{len(starts)} headings '{heading}'")
    rows = []
    for line in lines[starts[0] + 1:]:
        if line.startswith("|"):
            rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))])
        elif rows or line.startswith("#"):
            break
    if len(rows) < 3:
        sys.exit(f"no table below '{heading}'")
    return rows[2:]


def parse_shape(text):
    """A shape: ANY, None (a plain value), a list of one shape, or a dict of name -> (optional, shape)."""
    tokens = re.findall(r"[{}\[\],:?]|[^{}\[\],:?\s]+", text)

    def value():
        token = tokens.pop(0)
        if token == "*":
            return ANY
        if token == "[":
            element = value()
            expect("]")
            return [element]
        if token != "{":
            raise ValueError(f"'{token}' in the shape {text}")
        members = {}
        while tokens[0] != "}":
            name, optional, shape = tokens.pop(0), False, None
            if tokens[0] == "?":
                tokens.pop(0)
                optional = True
            if tokens[0] == ":":
                tokens.pop(0)
                shape = value()
            members[name] = (optional, shape)
            if tokens[0] != "}":
                expect(",")
        expect("}")
        return members

    def expect(token):
        if not tokens or tokens.pop(0) != token:
            raise ValueError(f"no '{token}' in the shape {text}")

    shape = value()
    if tokens:
        raise ValueError(f"'{tokens[0]}' behind the shape {text}")
    return shape


def members_of(rows):
    members = {}
    for row in rows:
        shapes = [found[1] for cell in row[1:] if (found := re.match(r"`([{\[][^`]*|\*)`", cell))]
        shape = parse_shape(shapes[0]) if shapes else None
        for name in re.findall(r"`([^`]+)`", row[0]):
            members[name.rstrip("?")] = (name.endswith("?"), shape)
    return members


def differences(shape, values, place):
    """What the values at one place, in all objects together, have that the shape has not, and the other way round."""
    if shape is ANY:
        return []
    if shape is None:
        nested = [value for value in values if isinstance(value, dict) or isinstance(value, list) and any(isinstance(v, dict) for v in value)]
        return [f"{place}: has members that the document does not name"] if nested else []
    if isinstance(shape, list):
        if not all(isinstance(value, list) for value in values):
            return [f"{place}: not always a list"]
        elements = [element for value in values for element in value]
        return differences(shape[0], elements, place + "[]") if elements else [f"{place}[]: never seen"]
    if not all(isinstance(value, dict) for value in values):
        return [f"{place}: not always an object"]
    if "*" in shape:
        inner = [member for value in values for member in value.values()]
        return differences(shape["*"][1], inner, place + ".*") if inner else [f"{place}.*: never seen"]
    found = [f"{place}.{name}: not in the document" for name in sorted({name for value in values for name in value} - set(shape))]
    for name, (optional, inner) in shape.items():
        present = [value[name] for value in values if name in value]
        if not present:
            found.append(f"{place}.{name}: in the document, and in no object")
            continue
        if not optional and len(present) < len(values):
            found.append(f"{place}.{name}: not always there, and not marked with ?")
        if optional and len(present) == len(values):
            found.append(f"{place}.{name}: marked with ?, and in every object")
        found += differences(inner, present, f"{place}.{name}")
    return found


def kinds(members, objects, by):
    """differences() of each kind of object, and the kinds that only one side knows."""
    common = members.pop("*", (False, {}))[1]
    found = [f"{kind}: not in the document" for kind in sorted({o[by] for o in objects} - set(members))]
    for kind, (_, shape) in members.items():
        ours = [o for o in objects if o[by] == kind]
        found += differences({**common, **shape}, ours, kind) if ours else [f"{kind}: in the document, and in no object"]
    return found


def read_objects(text):
    decoder, at, objects = json.JSONDecoder(), 0, []
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        objects.append(value)
        at += len(text[at:]) - len(text[at:].lstrip())
    return objects


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=["rows", "check"])
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("heading")
    parser.add_argument("--by")
    options = parser.parse_args()
    rows = table(options.file.read_text(encoding="utf-8"), options.heading)
    if options.mode == "rows":
        print(json.dumps(rows, ensure_ascii=False))
        return 0
    objects, members = read_objects(sys.stdin.read().strip()), members_of(rows)
    if not objects:
        sys.exit("no object on standard input")
    found = kinds(members, objects, options.by) if options.by else differences(members, objects, "")
    for finding in found:
        print(finding.removeprefix("."))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
