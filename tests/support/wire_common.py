"""What the wires have in common: small pieces of answers, and rules that all servers share."""

import base64
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


# --- answers ---


def cut(text, size=None):
    size = size or 24
    return [text[start:start + size] for start in range(0, len(text or ""), size)]


def args_text(call):
    args = call.get("args", {})
    return args if isinstance(args, str) else json.dumps(args, ensure_ascii=False)


def args_value(call):
    return json.loads(args_text(call) or "{}")


def call_id(call, number, index, prefix="call_"):
    return call.get("id", f"{prefix}{number}_{index}")


def seal(number):
    """What only the server understands, and wants back as it is."""
    return base64.b64encode(f"sealed by the server, {number} \u2713".encode()).decode()


def canonical(text):
    """Arguments as they compare: without blanks and order. Text that is no JSON is itself."""
    try:
        return json.dumps(json.loads(text or "{}"), sort_keys=True)
    except (ValueError, TypeError):
        return text


# --- rules ---


def unknown(value, keys, what):
    return [f"unknown {what} {key!r}" for key in value if key not in keys]


def duplicates(identities):
    return [f"call id {identity!r} is used twice" for identity in sorted({i for i in identities if i and identities.count(i) > 1})]


def check_call_id(where, identity, longest=64):
    if isinstance(identity, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,%d}" % longest, identity):
        return []
    return [f"{where}: call id {identity!r}"]


def check_arguments(where, identity, text):
    try:
        if not isinstance(parse_strict(text), dict):
            return [f"{where}: the arguments of {identity!r} are not an object"]
    except (ValueError, TypeError) as error:
        return [f"{where}: the arguments of {identity!r}: {error}"]
    return []


MAGIC = {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8\xff", "image/gif": b"GIF8", "image/webp": b"RIFF"}


def check_image(where, media, data):
    """Base64 that decodes to a picture of the type that it says it is."""
    try:
        raw = base64.b64decode(data or "", validate=True)
    except (ValueError, TypeError):
        return [f"{where}: a picture that is not base64"]
    if media not in MAGIC or not raw.startswith(MAGIC[media]):
        return [f"{where}: the bytes of a picture are not {media!r}"]
    return []


def check_image_url(where, url):
    found = re.fullmatch(r"data:([a-z/+]+);base64,(.*)", url or "", re.S)
    if found:
        return check_image(where, found.group(1), found.group(2))
    return [] if re.match(r"https?://", url or "") else [f"{where}: a picture without bytes and URL"]


def check_echo(where, sent, call, on_message, on_call):
    """`call` is (id, name, arguments text) of a call in the history; `sent` what servers gave with calls."""
    identity, name, arguments = call
    found = []
    for record in sent:
        same = record["id"] == identity if record["id"] else (record["name"], record["args"]) == (name, canonical(arguments))
        if not same:
            continue
        for place, wanted in ((on_message, record.get("message", {})), (on_call, record.get("call", {}))):
            for key, value in wanted.items():
                if place.get(key) != value:
                    found.append(f"{where}: {key!r} must be passed back as it came, beside call {identity!r}; it is {place.get(key)!r}")
    return found
