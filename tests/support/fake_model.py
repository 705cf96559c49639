#!/usr/bin/python3
"""A model server that follows a script, fails on demand and judges the requests it gets.

    fake_model.py --script FILE --log FILE [--port 0] [--until-parent-exits]
    fake_model.py --instant text|tools:N [--log FILE]

Prints "PORT n", serves on 127.0.0.1 until its standard input closes or SIGTERM comes, and exits 0 only if every expectation
held, every request obeyed the wire's rules and every turn was played. README.md beside this file describes the script.
"""

import argparse
import base64
import json
import os
import re
import select
import signal
import socket
import sys
import threading
import time

from model_checks import check_bytes, check_expectations, check_head
from model_replies import REASONS, ClientGone, Reply
from model_steps import run
from side_endpoints import SideEndpoints
from wire_common import parse_strict
from wires import WIRES, wire_of


def now_ms():
    """CLOCK_MONOTONIC, so that times compare with those of other processes."""
    return time.monotonic() * 1000


def read_head(connection, buffer):
    """Reads up to the empty line; returns (head, rest), or None at a clean end."""
    while b"\r\n\r\n" not in buffer:
        data = connection.recv(1 << 20)
        if not data:
            return None
        buffer += data
    head, _, rest = buffer.partition(b"\r\n\r\n")
    return head, rest


def read_body(connection, headers, rest):
    """Reads a body of known length or in chunks; returns (body, rest)."""
    fields = {name.lower(): value for name, value in headers}
    if "expect" in fields:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    def at_least(data, size):
        parts, have = [data], len(data)
        while have < size:
            more = connection.recv(1 << 20)
            if not more:
                raise ClientGone("the request ended early")
            parts.append(more)
            have += len(more)
        return b"".join(parts)

    if fields.get("transfer-encoding", "").lower() != "chunked":
        length = int(fields.get("content-length", 0))
        rest = at_least(rest, length)
        return rest[:length], rest[length:]
    body = b""
    while True:
        while b"\r\n" not in rest:
            rest = at_least(rest, len(rest) + 1)
        line, _, rest = rest.partition(b"\r\n")
        size = int(line.split(b";")[0], 16)
        rest = at_least(rest, size + 2)
        body, rest = body + rest[:size], rest[size + 2:]
        if size == 0:
            return body, rest


class Substitute:
    """What a template may take from the request: its number, whether it streams, and {last_tool}, the last tool result,
    or {last_tool/REGEX/}, its first group there."""

    def __init__(self, server, request, wire):
        document = request.get("json") if isinstance(request.get("json"), dict) else {}
        self.number = request["n"]
        self.stream = bool(document.get("stream")) or ":streamGenerateContent" in request["path"]
        self.last_tool = wire.last_tool(document) or ""
        self.fail = server.fail
        self.remember = server.remember

    def from_last_tool(self, place):
        if place.group(1) is None:
            return self.last_tool
        found = re.search(place.group(1), self.last_tool)
        return found.group(1) if found else f"nothing like {place.group(1)}"

    def fill(self, value):
        if isinstance(value, str):
            return re.sub(r"\{last_tool(?:/(.*?)/)?\}", self.from_last_tool, value).replace("{n}", str(self.number))
        if isinstance(value, list):
            return [self.fill(item) for item in value]
        if isinstance(value, dict):
            return {key: self.fill(item) for key, item in value.items()}
        return value


class Scripted:
    def __init__(self, script, log):
        self.wire = script.get("wire", "openai-chat")
        self.dialect = script.get("dialect")
        self.side = SideEndpoints(script)
        self.sent = []  # provider state that must come back
        self.turns = script.get("turns", [])
        self.loop = script.get("loop")
        self.extra = script.get("on_extra_request", "fail")
        self.validate = script.get("validate", True)
        self.must_play_all = script.get("must_play_all", True)
        self.log = open(log, "w", encoding="utf-8") if log else None
        self.lock = threading.Lock()
        self.idle = threading.Condition()
        self.busy = 0
        self.count = 0
        self.previous = None
        self.failures = []

    def fail(self, text):
        with self.lock:
            self.failures.append(text)

    def remember(self, records):
        with self.lock:
            self.sent += records

    def dialect_of(self, wire):
        return self.dialect if self.dialect in wire.DIALECTS else wire.DIALECTS[0]

    def turn_for(self, number):
        if number <= len(self.turns):
            return self.turns[number - 1]
        if self.loop is not None:
            return self.loop
        if self.extra == "repeat_last" and self.turns:
            return self.turns[-1]
        if self.extra != "500":
            self.failures.append(f"request {number}: the script has only {len(self.turns)} turns")
        return {"reply": [{"fault": "500", "message": "the script is over"}]}

    def admit(self, request):
        """Numbers the request, checks it, and returns the steps of its answer."""
        with self.lock:
            self.count += 1
            request["n"] = self.count
            turn, previous = self.turn_for(self.count), self.previous
            wire = WIRES[request["wire"]]
            dialect = self.dialect_of(wire)
            findings = check_bytes(request["raw_body"]) + check_head(request, wire, dialect)
            try:
                request["json"] = parse_strict(request["raw_body"].decode("utf-8", "replace"))
                rules = wire.check(request["json"], dialect, self.sent) if request["method"] == "POST" else []
            except ValueError as error:
                rules = [f"the body is not JSON: {error}"]
            findings = (findings + rules) if self.validate and turn.get("validate", True) else []
            expected = check_expectations(turn.get("expect", {}), request, previous, wire)
            self.failures += [f"request {self.count}: {text}" for text in findings + expected]
            request["findings"] = findings + expected
            self.previous = request
        if findings:
            return [{"fault": "400", "message": findings[0]}]
        return steps_of(turn)

    def answer(self, connection, request):
        with self.idle:
            self.busy += 1
        try:
            request["wire"] = wire_of(request["path"], self.wire)
            with self.lock:
                aside = self.side.answer(request["method"], request["path"])
            if aside is not None:
                return self.answer_aside(connection, request, aside)
            return self.play(connection, request, self.admit(request))
        finally:
            with self.idle:
                self.busy -= 1
                self.idle.notify_all()

    def answer_aside(self, connection, request, aside):
        status, headers, body = aside
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers]
        request.update(side=True, done_ms=now_ms(), sent_bytes=len(body))
        self.write_log(request)  # first: whoever has the answer may look at once
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body)
        return True

    def play(self, connection, request, steps):
        wire = WIRES[request["wire"]]
        reply = Reply(connection, wire, self.dialect_of(wire), Substitute(self, request, wire))
        try:
            run(reply, steps)
            reply.finish()
            keep = reply.keep_alive
        except ClientGone as gone:
            request["ended"], keep = str(gone), False
        except (KeyError, TypeError, ValueError) as error:
            self.fail(f"request {request['n']}: the script is wrong: {error!r}")
            keep = False
        request["done_ms"], request["sent_bytes"] = now_ms(), reply.sent
        self.write_log(request)
        return keep

    def write_log(self, request):
        if self.log is None:
            return
        entry = {key: value for key, value in request.items() if key not in ("raw_body", "json")}
        try:
            entry["body"] = request["raw_body"].decode("utf-8")
        except UnicodeDecodeError:
            entry["body_base64"] = base64.b64encode(request["raw_body"]).decode()
        entry["body_bytes"] = len(request["raw_body"])
        with self.lock:
            self.log.write(json.dumps(entry) + "\n")
            self.log.flush()

    def finish(self):
        with self.idle:  # an answer that the client has read may still be on its way into the log
            self.idle.wait_for(lambda: self.busy == 0, timeout=0.5)
        if self.must_play_all and self.count < len(self.turns):
            self.failures.append(f"only {self.count} of {len(self.turns)} turns were played")
        return self.failures


def steps_of(turn):
    """A turn's reply; {"text"}, {"tool_calls"} and {"fault"} stand for the usual one-step replies."""
    if "reply" in turn:
        return turn["reply"]
    plain = {key: value for key, value in turn.items() if key not in ("expect", "validate")}
    return [plain] if "fault" in plain else [{"template": plain}]


class Instant:
    """Answers from ready-made bytes as fast as it can: text, or N rounds of one call each and then text."""

    def __init__(self, mode, command, log):
        self.calls = int(mode.split(":")[1]) if mode.startswith("tools:") else 0
        self.log, self.times = log, []
        wire = WIRES["openai-chat"]
        frame = Reply(None, wire, "openai", None)

        def render(answer, number):
            data = b"".join(frame.frame(event) for event in wire.events(answer, number))
            return b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n%s" % (len(data), data)

        self.replies = [render({"tool_calls": [{"name": "execute_cmd", "args": {"cmd": command.replace("{n}", str(k))}}]}, k)
                        for k in range(self.calls)]
        self.replies.append(render({"text": "DONE"}, self.calls))

    def answer(self, connection, request):
        # The history shows how far the run is, so that any number of runs can share the server.
        played = min(request["raw_body"].count(b'"role":"tool"'), self.calls)
        # Noted before it is sent: the client may end this program as soon as it has read the answer.
        entry = [request["arrival_ms"], now_ms(), len(request["raw_body"])]
        self.times.append(entry)
        connection.sendall(self.replies[played])
        entry[1] = now_ms()
        return True

    def finish(self):
        if self.log:
            with open(self.log, "w", encoding="utf-8") as out:
                for arrival, done, size in self.times:
                    out.write(json.dumps({"arrival_ms": arrival, "done_ms": done, "body_bytes": size}) + "\n")
        return []


def serve_connection(connection, number, server):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    rest = b""
    try:
        while True:
            found = read_head(connection, rest)
            if found is None:
                return
            head, rest = found
            lines = head.decode("latin-1").split("\r\n")
            headers = [[part.strip() for part in line.split(":", 1)] for line in lines[1:]]
            body, rest = read_body(connection, headers, rest)
            method, path = lines[0].split(" ")[:2]
            request = {"connection": number, "arrival_ms": now_ms(), "method": method, "path": path, "headers": headers, "raw_body": body}
            if not server.answer(connection, request):
                return
    except (OSError, ClientGone):
        return
    finally:
        connection.close()


def wait_for_the_end(listener, server, options):
    """Accepts connections until standard input closes, SIGTERM comes or the parent is gone."""
    wake_read, wake_write = os.pipe()
    signal.signal(signal.SIGTERM, lambda *_: os.write(wake_write, b"x"))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent, number = os.getppid(), 0
    watched = [listener, wake_read] + ([] if options.until_parent_exits else [0])
    while True:
        ready, _, _ = select.select(watched, [], [], 1.0)
        if wake_read in ready or (0 in ready and not os.read(0, 4096)) or os.getppid() != parent:
            return
        if listener in ready:
            connection, _ = listener.accept()
            number += 1
            threading.Thread(target=serve_connection, args=(connection, number, server), daemon=True).start()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--script")
    parser.add_argument("--log")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--instant", help="text, or tools:N")
    parser.add_argument("--instant-cmd", default="echo step{n}")
    parser.add_argument("--until-parent-exits", action="store_true", help="leave standard input alone")
    options = parser.parse_args()
    if options.instant:
        server = Instant(options.instant, options.instant_cmd, options.log)
    elif options.script:
        with open(options.script, encoding="utf-8") as script:
            server = Scripted(json.load(script), options.log)
    else:
        parser.error("--script or --instant is needed")
    listener = socket.create_server(("127.0.0.1", options.port), backlog=64)
    print(f"PORT {listener.getsockname()[1]}", flush=True)
    wait_for_the_end(listener, server, options)
    failures = server.finish()
    for text in failures:
        print(f"fake model: {text}", file=sys.stderr)
    sys.stderr.flush()
    os._exit(1 if failures else 0)  # not sys.exit: threads may hang on purpose


if __name__ == "__main__":
    main()
