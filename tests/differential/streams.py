#!/usr/bin/python3
"""Streams of every wire, one JSON object per line: {"wire", "name", "base64"}. They come from the fake model server, so that its
words are judged, too; and from damage that servers are known for."""

import base64
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from model_replies import Reply  # noqa: E402
from wires import WIRES  # noqa: E402

ANSWERS = {
    "text": {"text": "Hello, w\u00f6rld \u2713 \U0001f600", "chunk": 2},
    "no text": {"text": ""},
    "one call": {"tool_calls": [{"name": "f", "args": {"x": 1, "y": ["\u00e9\n\"", None]}}], "chunk": 3},
    "two calls": {"text": "I look", "tool_calls": [{"name": "f", "args": {"x": 1}}, {"name": "g", "args": {}}]},
    "thoughts": {"reasoning": "so it is", "text": "yes", "chunk": 4},
    "thoughts and a call": {"reasoning": "so it is", "tool_calls": [{"name": "f", "args": {"x": 1}}]},
    "long": {"text": "word " * 5000, "chunk": 700},
}
LENGTH = {"openai-chat": "length", "openai-responses": "max_output_tokens", "anthropic-messages": "max_tokens", "gemini-native": "MAX_TOKENS"}
# Dialects that the provider's own library must read, too.
DIALECTS = {"openai-chat": ["openai", "deepseek"], "openai-responses": ["openai"]}


def main():
    for name, wire in WIRES.items():
        for dialect in DIALECTS.get(name, [wire.DIALECTS[0]]):
            frame = Reply(None, wire, dialect, None).frame
            for title, answer in {**ANSWERS, "cut by length": {"text": "par", "finish": LENGTH[name]}}.items():
                events = list(wire.events(answer, 1, dialect))
                streams = {title: events, title + ", without an end": [event for event in events if not wire.is_end(event)]}
                if title == "text":
                    streams["an error in the middle"] = events[:3] + [wire.stream_error("no")]
                for case, listed in streams.items():
                    data = b"".join(frame(event) for event in listed)
                    print(json.dumps({"wire": name, "name": f"{case} ({dialect})", "base64": base64.b64encode(data).decode()}))


if __name__ == "__main__":
    main()
