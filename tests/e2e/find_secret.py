#!/usr/bin/python3
"""find_secret.py SECRET PATH...: exits 1 and names the place when SECRET occurs in any file below the paths: plain, in base64 at
any alignment (both alphabets), percent-encoded, hexadecimal, JSON-escaped or reversed."""

import base64
import json
import os
import sys


def forms(secret):
    raw = secret.encode()
    yield "plain", raw
    yield "reversed", raw[::-1]
    yield "hex", raw.hex().encode()
    yield "HEX", raw.hex().upper().encode()
    yield "percent", "".join(f"%{byte:02X}" for byte in raw).encode()
    yield "percent (lower case)", "".join(f"%{byte:02x}" for byte in raw).encode()
    yield "percent (reserved only)", "".join(chr(b) if chr(b).isalnum() or chr(b) in "-._~" else f"%{b:02X}" for b in raw).encode()
    yield "JSON", json.dumps(secret)[1:-1].encode()
    yield "JSON \\u", "".join(f"\\u{byte:04x}" for byte in raw).encode()
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw)
        start, stop = (shift * 8 + 5) // 6, len((b"\0" * shift + raw)) * 8 // 6
        core = encoded[start:stop]
        yield f"base64 at {shift}", core
        yield f"base64url at {shift}", core.translate(bytes.maketrans(b"+/", b"-_"))


def files(path):
    if not os.path.isdir(path):
        yield path
    for folder, _, names in os.walk(path):
        for name in names:
            yield os.path.join(folder, name)


def main():
    secret, found = sys.argv[1], False
    for root in sys.argv[2:]:
        for path in files(root):
            # A named path may be a pipe (a process substitution); in a tree only files count. A missing one holds nothing.
            if not os.path.exists(path) or (path != root and not os.path.isfile(path)):
                continue
            with open(path, "rb") as text:
                data = text.read()
            for kind, form in forms(secret):
                if form in data:
                    at = data.index(form)
                    print(f"{path}: {kind} at byte {at}: {data[max(0, at - 40):at + 60]!r}", file=sys.stderr)
                    found = True
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
