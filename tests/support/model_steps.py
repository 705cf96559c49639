"""The steps of a script, and the faults of real servers in one word each."""

import base64
import gzip
import json
import re
import socket
import struct
import time

from model_replies import REASONS, ClientGone, unescape


def run(reply, steps):
    for step in steps:
        for name, value in step.items():
            STEPS[name](reply, value, step)
            break  # the first key names the step, the others are its arguments


def answer_of(step, otherwise):
    return step.get("template", otherwise)


def step_template(reply, answer, _):
    answer, number = reply.substitute.fill(answer), reply.substitute.number
    reply.content_type = answer.get("content_type", reply.content_type)
    reply.substitute.remember(reply.wire.echoes(answer, number, reply.dialect))
    if not reply.substitute.stream:
        reply.document(200, reply.wire.document(answer, number, reply.dialect))
        return
    for event in reply.wire.events(answer, number, reply.dialect):
        reply.sse(event)


# --- faults ---


def fault_status(reply, step, status):
    extra = [[name, str(step[key])] for key, name in (("retry_after", "Retry-After"), ("retry_after_ms", "retry-after-ms"),
                                                      ("location", "Location")) if key in step]
    reply.document(status, step.get("body") or reply.wire.error(status, step.get("message")), extra)


def fault_html(reply, step):
    reply.document(step.get("status", 200), "<html><head><title>Sign in to the network</title></head><body>no API here</body></html>",
                   [["Content-Type", "text/html"]])


def fault_cut(reply, step):
    """Ends after `bytes` of the stream, in the middle of an event, or right behind the first `inside` in it."""
    step_template(Truncated(reply, step), answer_of(step, {"text": "x" * 4000}), step)
    reply.substitute.fail("the stream was over before it could be cut")


def fault_no_end(reply, step):
    """Everything but the terminal marker, and a proper end of the response."""
    answer = answer_of(step, {"text": "as if it were whole"})
    for event in reply.wire.events(reply.substitute.fill(answer), reply.substitute.number, reply.dialect):
        if not reply.wire.is_end(event):
            reply.sse(event)


def fault_stream_error(reply, step):
    """An error after a piece of text, in a response that began with 200."""
    for event in reply.wire.events(reply.substitute.fill(answer_of(step, {"text": "par"})), reply.substitute.number, reply.dialect):
        if reply.wire.is_end(event):
            break
        reply.sse(event)
    reply.sse(reply.wire.stream_error(step.get("message", "mid-stream failure")))


def fault_bad_chunk(reply, _step):
    reply.head(200, "OK", [["Content-Type", "text/event-stream"]])
    reply.send(b"zz\r\nnot a chunk\r\n")
    raise ClientGone("bad chunk")


def fault_comments(reply, step):
    """Keeps the line busy without saying anything."""
    while True:
        reply.body(b": keep-alive\n\n")
        time.sleep(step.get("every_ms", 50) / 1000)


def fault_slow_head(reply, step):
    reply.pacing = (1, step.get("every_ms", 100) / 1000)
    step_template(reply, answer_of(step, {"text": "slow"}), step)


def fault_whole(reply, step):
    """One document although a stream was asked for, as buffering proxies do."""
    answer = reply.substitute.fill(answer_of(step, {"text": "in one piece"}))
    reply.substitute.remember(reply.wire.echoes(answer, reply.substitute.number, reply.dialect))
    reply.document(200, reply.wire.document(answer, reply.substitute.number, reply.dialect))


def fault_gzip(reply, step):
    """Compressed although nobody offered to take that."""
    answer = reply.substitute.fill(answer_of(step, {"text": "squeezed"}))
    data = gzip.compress(b"".join(reply.frame(event) for event in reply.wire.events(answer, reply.substitute.number, reply.dialect)), mtime=0)
    reply.head(200, "OK", [["Content-Type", "text/event-stream"], ["Content-Encoding", "gzip"], ["Content-Length", str(len(data))]])
    reply.send(data)


def fault_trailers(reply, step):
    reply.trailers = [["X-Checksum", "none"]]
    step_template(reply, answer_of(step, {"text": "with a tail"}), step)


FAULTS = {
    "html": fault_html,
    "error_200": lambda reply, step: reply.document(200, reply.wire.error(500, step.get("message"))),
    "cut": fault_cut,
    "no_end": fault_no_end,
    "stream_error": fault_stream_error,
    "bad_chunk": fault_bad_chunk,
    "comments": fault_comments,
    "slow_head": fault_slow_head,
    "whole": fault_whole,
    "gzip": fault_gzip,
    "trailers": fault_trailers,
}


def step_fault(reply, kind, step):
    if re.fullmatch(r"\d{3}", str(kind)):
        fault_status(reply, step, int(kind))
    elif kind in FAULTS:
        FAULTS[kind](reply, step)
    else:
        raise ValueError(f"unknown fault {kind!r}")


class Truncated:
    """A reply that dies after a number of bytes, or behind a text."""

    def __init__(self, reply, step):
        self.reply, self.inside = reply, step.get("inside", "").encode()
        self.limit = None if self.inside else step.get("bytes", 400)
        self.wire, self.dialect, self.substitute = reply.wire, reply.dialect, reply.substitute
        self.content_type = reply.content_type

    def cut(self, data):
        """What of these bytes still goes out; then `limit` is 0 when they were the last."""
        if self.inside:
            at = data.find(self.inside)
            self.limit = None if at < 0 else at + len(self.inside)
        data = data[:self.limit]
        if self.limit is not None:
            self.limit -= len(data)
        return data

    def sse(self, event):
        self.reply.body(self.cut(self.reply.frame(event)))
        if self.limit == 0:
            raise ClientGone("cut by the script")

    def document(self, status, value, headers=()):
        self.reply.head(status, "OK", [["Content-Type", "application/json"], ["Content-Length", "100000"]])
        self.reply.send(self.cut(json.dumps(value).encode()))
        raise ClientGone("cut by the script")


# --- steps ---


def step_status(reply, status, step):
    reply.chunked = step.get("chunked", reply.chunked)
    reply.head(status, step.get("reason", REASONS.get(status, "Status")), [list(pair) for pair in step.get("headers", [])])


def step_split(reply, rule, _):
    if "every" in rule:
        reply.pacing = (rule["every"], 0)
    reply.cuts = rule.get("at", [])


def step_raw(reply, text, _):
    data = unescape(text)
    if reply.head_sent:
        reply.body(data)
    else:
        reply.send(data)


def step_rst(reply, _value, _step):
    reply.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise ClientGone("reset by the script")


def step_close(_reply, _value, _step):
    raise ClientGone("closed by the script")


def step_hang(reply, _value, _step):
    reply.wait_client(None)
    raise ClientGone("the client gave up")


def step_wait_client_close(reply, milliseconds, _):
    if not reply.wait_client(milliseconds / 1000):
        reply.substitute.fail(f"the client did not close within {milliseconds} ms")
    raise ClientGone("closed by the client")


def step_touch(_reply, path, _step):
    with open(path, "w", encoding="ascii") as cue:
        cue.write("now")


def step_repeat(reply, rule, _):
    for _n in range(rule["n"]):
        run(reply, [rule["step"]])


STEPS = {
    "status": step_status,
    "sse": lambda reply, event, _: reply.sse(event),
    "raw": step_raw,
    "raw_base64": lambda reply, text, _: (reply.body if reply.head_sent else reply.send)(base64.b64decode(text)),
    "document": lambda reply, value, step: reply.document(step.get("status", 200), value, step.get("headers", [])),
    "sleep_ms": lambda reply, value, _: time.sleep(value / 1000),
    "drip": lambda reply, rule, _: setattr(reply, "pacing", (rule["bytes"], rule["every_ms"] / 1000)),
    "split": step_split,
    "chunked": lambda reply, value, _: setattr(reply, "chunked", value),
    "close": step_close,
    "rst": step_rst,
    "half_close": lambda reply, _value, _step: reply.connection.shutdown(socket.SHUT_WR),
    "hang": step_hang,
    "wait_client_close": step_wait_client_close,
    "repeat": step_repeat,
    "touch": step_touch,
    "template": step_template,
    "fault": step_fault,
}
