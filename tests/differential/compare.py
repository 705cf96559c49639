#!/usr/bin/python3
"""Our decoders beside the providers' own libraries, on the same bytes.

    compare.py STREAMS SDK_RESULTS CODEC_PROBE

Prints every difference and a count; exits 1 when there is one. Where a library gives up, ours must not find an answer."""

import base64
import json
import subprocess
import sys

KEYS = ("text", "stop", "input", "cached", "output")


def lines(path):
    with open(path, encoding="utf-8") as text:
        return [json.loads(line) for line in text]


def calls(found):
    return [(call["name"], json.loads(call["args"] or "{}")) for call in found["calls"]]


def main():
    streams, theirs, probe = lines(sys.argv[1]), lines(sys.argv[2]), sys.argv[3]
    if len(streams) != len(theirs):
        sys.exit(f"{len(streams)} streams, but {len(theirs)} results of the libraries")
    different = agreed = refused = 0
    for stream, their in zip(streams, theirs):
        ran = subprocess.run([probe, "decode", stream["wire"]], input=base64.b64decode(stream["base64"]), capture_output=True, check=True)
        ours, problems = json.loads(ran.stdout), []
        if "error" in their:
            refused += 1
            problems = [] if ours["fault"] else [f"the library refuses it ({their['error']}), ours does not"]
        elif ours["fault"]:
            problems = ["ours refuses it, the library does not"]
        else:
            agreed += 1
            problems = [f"{key}: {ours[key]!r}, theirs {their.get(key)!r}" for key in KEYS if ours[key] != their.get(key)]
            if calls(ours) != calls(their):
                problems.append(f"calls: {calls(ours)!r}, theirs {calls(their)!r}")
        different += bool(problems)
        for problem in problems:
            print(f"{stream['wire']}, {stream['name']}: {problem[:400]}")
    print(f"{len(streams)} streams: {agreed} read alike, {refused} refused by both, {different} different")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
