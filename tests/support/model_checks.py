"""What a model server may demand of a request: the expectations of a script, and what holds for every wire."""

import json
import re

from wire_common import MISSING


def pointer(document, path):
    """The place that a JSON Pointer (RFC 6901) names, or MISSING. "-1" is the last element of an array."""
    for token in path.split("/")[1:]:
        token = token.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict) and token in document:
            document = document[token]
        elif isinstance(document, list) and re.fullmatch(r"-?\d+", token) and -len(document) <= int(token) < len(document):
            document = document[int(token)]
        else:
            return MISSING
    return document


def check_value(name, value, wanted):
    """Compares one value with a literal, or with an object of rules: absent, equals, regex, contains, lacks, length, max_length."""
    rules = wanted if isinstance(wanted, dict) else {"equals": wanted} if wanted is not None else {"absent": True}
    if rules.get("absent"):
        return [] if value is MISSING else [f"{name}: present, expected to be absent"]
    if value is MISSING:
        return [f"{name}: absent"]
    text = value if isinstance(value, str) else json.dumps(value)
    shown = text if len(text) < 200 else text[:200] + "..."
    found = []
    for rule, argument in rules.items():
        holds = {
            "absent": lambda: True,
            "equals": lambda: value == argument,
            "regex": lambda: re.search(argument, text, re.S) is not None,
            "contains": lambda: argument in text,
            "lacks": lambda: argument not in text,
            "length": lambda: len(value) == argument,
            "max_length": lambda: len(value) <= argument,
        }.get(rule)
        if holds is None:
            found.append(f"{name}: the script has an unknown rule {rule!r}")
        elif not holds():
            found.append(f"{name}: {rule} {argument!r} does not hold for {shown!r}")
    return found


def check_expectations(expect, request, previous, wire):
    """The findings of one turn's `expect`. `previous` is the request before, or None; `wire` the module of its wire."""
    found = []
    for key in expect:
        if key not in ("method", "path", "headers", "body", "prefix_of_previous", "min_gap_ms", "max_gap_ms", "connection",
                       "max_bytes", "tool_names", "last_tool"):
            found.append(f"expect: the script has an unknown key {key!r}")
    for key in ("method", "path"):
        if key in expect and request[key] != expect[key]:
            found.append(f"{key}: {request[key]!r}, expected {expect[key]!r}")
    for name, wanted in expect.get("headers", {}).items():
        values = [value for header, value in request["headers"] if header.lower() == name.lower()]
        if len(values) > 1:
            found.append(f"header {name}: sent {len(values)} times")
        found += check_value(f"header {name}", values[0] if values else MISSING, wanted)
    document = request.get("json", MISSING)
    for path, wanted in expect.get("body", {}).items():
        found += check_value(f"body {path}", MISSING if document is MISSING else pointer(document, path), wanted)
    if "last_tool" in expect:
        last = wire.last_tool(document) if isinstance(document, dict) else None
        found += check_value("last tool result", MISSING if last is None else last, expect["last_tool"])
    if "tool_names" in expect:
        found += check_value("tool names", wire.tool_names(document), {"equals": expect["tool_names"]})
    if "max_bytes" in expect and len(request["raw_body"]) > expect["max_bytes"]:
        found.append(f"body: {len(request['raw_body'])} bytes, expected at most {expect['max_bytes']}")
    return found + check_against_previous(expect, request, previous)


def check_against_previous(expect, request, previous):
    if previous is None:
        return []
    found = []
    if expect.get("prefix_of_previous") and not extends(previous["raw_body"], request["raw_body"]):
        found.append(f"body: does not begin with the previous request ({common_prefix(previous['raw_body'], request['raw_body'])}"
                     f" of {len(previous['raw_body'])} bytes are the same)")
    gap = request["arrival_ms"] - previous.get("done_ms", previous["arrival_ms"])
    if gap < expect.get("min_gap_ms", 0):
        found.append(f"came {gap:.0f} ms after the last answer, expected at least {expect['min_gap_ms']}")
    if gap > expect.get("max_gap_ms", gap):
        found.append(f"came {gap:.0f} ms after the last answer, expected at most {expect['max_gap_ms']}")
    if "connection" in expect:
        reused = "reused" if request["connection"] == previous["connection"] else "new"
        found += check_value("connection", reused, expect["connection"])
    return found


def extends(before, after):
    """True when `after` begins with `before` up to the brackets that close it."""
    return after.startswith(before.rstrip(b"]} \n"))


def common_prefix(a, b):
    length = min(len(a), len(b))
    if a[:length] == b[:length]:
        return length
    low = 0
    for low in range(length):
        if a[low] != b[low]:
            break
    return low


def check_bytes(raw):
    """What no server takes: invalid UTF-8, NUL, half a surrogate pair."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return [f"invalid UTF-8 at byte {error.start}"]
    found = []
    if "\0" in text or re.search(r"(?<!\\)(\\\\)*\\u0000", text):
        found.append("a NUL in the body")
    for match in re.finditer(r"(?<!\\)(?:\\\\)*((?:\\u[0-9a-fA-F]{4})+)", text):
        units = [int(unit, 16) for unit in re.findall(r"\\u([0-9a-fA-F]{4})", match.group(1))]
        if re.sub("HL", "", "".join("H" if 0xD800 <= u < 0xDC00 else "L" if 0xDC00 <= u < 0xE000 else "." for u in units)).strip("."):
            found.append(f"a lone surrogate: {match.group(1)}")
    return found


def check_head(request, wire, dialect):
    """The rules for what stands before the body: keys belong into a header, never into a URL."""
    names = [name.lower() for name, _ in request["headers"]]
    found = [f"header {name}: sent twice" for name in ("authorization", "x-api-key", "x-goog-api-key", "content-type") if names.count(name) > 1]
    if re.search(r"[?&](key|api_key|access_token)=", request["path"]):
        found.append("a key in the URL")
    return found + wire.check_headers(set(names), dialect)
