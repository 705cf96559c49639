"""What a model server may demand of a request: the expectations of a script, and the rules of each wire."""

import json
import re

MISSING = object()


def parse_strict(text):
    """JSON without duplicate member names; ValueError otherwise."""

    def unique(pairs):
        seen = {}
        for key, value in pairs:
            if key in seen:
                raise ValueError(f"duplicate member {key!r}")
            seen[key] = value
        return seen

    return json.loads(text, object_pairs_hook=unique)


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


def check_expectations(expect, request, previous):
    """The findings of one turn's `expect`. `previous` is the request before, or None."""
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
        found += check_value("last tool result", last_tool_text(document), expect["last_tool"])
    if "tool_names" in expect:
        names = [tool.get("function", {}).get("name") for tool in (document.get("tools") or [])]
        found += check_value("tool names", names, {"equals": expect["tool_names"]})
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


def last_tool_text(document):
    if not isinstance(document, dict):
        return MISSING
    for message in reversed(document.get("messages", [])):
        if message.get("role") == "tool":
            content = message.get("content")
            return content if isinstance(content, str) else "".join(part.get("text", "") for part in content or [])
    return MISSING


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


CHAT_KEYS = {
    "model", "messages", "stream", "stream_options", "max_completion_tokens", "max_tokens", "temperature", "top_p", "seed", "stop",
    "n", "store", "reasoning_effort", "verbosity", "service_tier", "response_format", "tools", "tool_choice", "parallel_tool_calls",
    "prompt_cache_key", "safety_identifier", "user",
}


def check_chat(body):
    """OpenAI Chat Completions: the rules whose breach earns a 400 from one server or another."""
    if not isinstance(body, dict):
        return ["the body is not an object"]
    found = [f"unknown parameter {key!r}" for key in body if key not in CHAT_KEYS]
    messages, tools = body.get("messages"), body.get("tools")
    if not isinstance(body.get("model"), str) or not body["model"]:
        found.append("'model' is missing")
    if not isinstance(messages, list) or not messages:
        return found + ["'messages' is missing or empty"]
    if tools is not None and (not isinstance(tools, list) or not tools):
        found.append("'tools' is an empty array")
    for tool in tools or []:
        function = tool.get("function", {})
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", function.get("name", "")):
            found.append(f"tool name {function.get('name')!r} is not allowed")
        if not isinstance(function.get("parameters"), dict) or function["parameters"].get("type") != "object":
            found.append(f"tool {function.get('name')!r}: 'parameters' is not an object schema")
    if not tools and ("tool_choice" in body or "parallel_tool_calls" in body):
        found.append("'tool_choice' and 'parallel_tool_calls' need 'tools'")
    if "stream_options" in body and not body.get("stream"):
        found.append("'stream_options' needs 'stream'")
    return found + check_chat_messages(messages, bool(tools))


def check_chat_messages(messages, has_tools):
    found, waiting, used = [], [], set()
    heads = [i for i, message in enumerate(messages) if message.get("role") in ("system", "developer")]
    if heads != [0]:
        found.append(f"the system message is expected once, first; it is at {heads}")
    for i, message in enumerate(messages):
        role, calls = message.get("role"), message.get("tool_calls") or []
        if role not in ("system", "developer", "user", "assistant", "tool"):
            found.append(f"messages[{i}]: role {role!r}")
        if role == "tool":
            if not waiting or message.get("tool_call_id") != waiting[0]:
                found.append(f"messages[{i}]: tool_call_id {message.get('tool_call_id')!r} is not the next open call {waiting[:1]}")
            waiting = [call for call in waiting if call != message.get("tool_call_id")]
            if not message.get("content") and message.get("content") != "":
                found.append(f"messages[{i}]: a tool message without content")
            continue
        if waiting:
            found.append(f"messages[{i}]: the calls {waiting} have no result before the next {role} message")
            waiting = []
        if calls and not has_tools:
            found.append(f"messages[{i}]: calls without 'tools' in the request")
        if role == "assistant" and not calls and not message.get("content"):
            found.append(f"messages[{i}]: an empty assistant message")
        if role in ("user", "system") and not message.get("content"):
            found.append(f"messages[{i}]: an empty {role} message")
        for call in calls:
            found += check_chat_call(i, call, used)
            waiting.append(call.get("id"))
    if waiting:
        found.append(f"the calls {waiting} have no result")
    if messages[-1].get("role") not in ("user", "tool"):
        found.append(f"the last message is from {messages[-1].get('role')!r}")
    return found


def check_chat_call(i, call, used):
    found, identity = [], call.get("id")
    if not isinstance(identity, str) or not 0 < len(identity) <= 40:
        found.append(f"messages[{i}]: call id {identity!r}")
    if identity in used:
        found.append(f"messages[{i}]: call id {identity!r} is used twice")
    used.add(identity)
    try:
        if not isinstance(parse_strict(call["function"]["arguments"]), dict):
            found.append(f"messages[{i}]: the arguments of {identity!r} are not an object")
    except (ValueError, KeyError, TypeError) as error:
        found.append(f"messages[{i}]: the arguments of {identity!r}: {error}")
    return found


# One entry per wire protocol; the server chooses by the script's "wire".
STATE_CHECKS = {"openai-chat": check_chat}
