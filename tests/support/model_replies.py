"""The bytes that a model server sends: one writer with faults, and high-level answers for each wire."""

import base64
import json
import re
import select
import socket
import struct
import time


class ClientGone(Exception):
    """The client closed the connection, or the script did."""


def unescape(text):
    """Text of a script to bytes: UTF-8, with \\xNN for any byte."""
    out = bytearray()
    for piece in re.split(r"(\\x[0-9a-fA-F]{2})", text):
        out += bytes([int(piece[2:], 16)]) if re.fullmatch(r"\\x[0-9a-fA-F]{2}", piece) else piece.encode("utf-8", "surrogatepass")
    return bytes(out)


class Reply:
    """One HTTP response, written step by step. A response without a status step is a chunked event stream."""

    def __init__(self, connection, wire, substitute):
        self.connection = connection
        self.wire = wire
        self.substitute = substitute
        self.sent = 0
        self.head_sent = False
        self.chunked = True
        self.keep_alive = True
        self.pacing = None  # (bytes, seconds)
        self.cuts = []      # offsets of the stream where a packet must end

    def send(self, data):
        """Writes to the socket, in the packets and at the pace that the script asked for."""
        while data:
            size = len(data)
            if self.pacing:
                size = min(size, self.pacing[0])
            for cut in self.cuts:
                if self.sent < cut < self.sent + size:
                    size = cut - self.sent
            try:
                self.connection.sendall(data[:size])
            except OSError as error:
                raise ClientGone(str(error)) from error
            self.sent += size
            data = data[size:]
            if self.pacing and data:
                time.sleep(self.pacing[1])

    def head(self, status, reason, headers):
        names = [name.lower() for name, _ in headers]
        if "content-length" in names or "transfer-encoding" in names or status in (204, 304):
            self.chunked = False
        if self.chunked:
            headers = headers + [["Transfer-Encoding", "chunked"]]
        elif "content-length" not in names and "transfer-encoding" not in names:
            self.keep_alive = False
            headers = headers + [["Connection", "close"]]
        lines = [f"HTTP/1.1 {status} {reason}"] + [f"{name}: {value}" for name, value in headers]
        self.head_sent = True
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def body(self, data):
        if not self.head_sent:
            self.head(200, "OK", [["Content-Type", "text/event-stream"]])
        self.send(b"%x\r\n%s\r\n" % (len(data), data) if self.chunked and data else data)

    def finish(self):
        if self.head_sent and self.chunked:
            self.send(b"0\r\n\r\n")

    def sse(self, event):
        data = event["data"] if isinstance(event["data"], str) else json.dumps(event["data"], ensure_ascii=False)
        lines = [f"event: {event['event']}"] if "event" in event else []
        lines += [f"data: {line}" for line in data.split("\n")]
        self.body(("\n".join(lines) + "\n\n").encode("utf-8", "surrogatepass"))

    def document(self, status, value, headers=()):
        """A whole response of known length."""
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        data = unescape(text)
        kinds = [] if any(name.lower() == "content-type" for name, _ in headers) else [
            ["Content-Type", "application/json" if not isinstance(value, str) else "text/plain"]]
        self.head(status, REASONS.get(status, "Status"), kinds + [list(pair) for pair in headers] + [["Content-Length", str(len(data))]])
        self.send(data)

    def run(self, steps):
        for step in steps:
            for name, value in step.items():
                STEPS[name](self, value, step)
                break  # the first key names the step, the others are its arguments

    def wait_client(self, seconds):
        """True when the client closed within the time (None: for ever)."""
        end = None if seconds is None else time.monotonic() + seconds
        while True:
            left = None if end is None else max(0, end - time.monotonic())
            ready, _, _ = select.select([self.connection], [], [], left)
            if not ready:
                return False
            try:
                if not self.connection.recv(65536):
                    return True
            except OSError:
                return True


REASONS = {200: "OK", 204: "No Content", 301: "Moved Permanently", 307: "Temporary Redirect", 400: "Bad Request", 401: "Unauthorized",
           403: "Forbidden", 404: "Not Found", 408: "Request Timeout", 413: "Payload Too Large", 429: "Too Many Requests",
           500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 529: "Overloaded"}


def openai_error(status, message=None):
    kind = {401: "invalid_request_error", 429: "rate_limit_error"}.get(status, "invalid_request_error" if status < 500 else "server_error")
    code = {401: "invalid_api_key", 429: "rate_limit_exceeded"}.get(status)
    return {"error": {"message": message or f"the scripted server answers {status}", "type": kind, "param": None, "code": code}}


def chat_events(answer, number):
    """An answer {text, tool_calls, usage, finish, chunk} as chat.completion.chunk objects, as api.openai.com cuts them."""
    base = {"id": f"chatcmpl-{number}", "object": "chat.completion.chunk", "created": 1700000000, "model": answer.get("model", "test-model")}

    def chunk(delta, finish=None):
        return {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], "usage": None}

    text, calls = answer.get("text"), answer.get("tool_calls") or []
    yield chunk({"role": "assistant", "content": "" if text is not None or not calls else None})
    size = answer.get("chunk") or 24
    for start in range(0, len(text or ""), size):
        yield chunk({"content": text[start:start + size]})
    for index, call in enumerate(calls):
        args = call.get("args", {})
        args = args if isinstance(args, str) else json.dumps(args, ensure_ascii=False)
        identity = call.get("id", f"call_{number}_{index}")
        yield chunk({"tool_calls": [{"index": index, "id": identity, "type": "function", "function": {"name": call["name"], "arguments": ""}}]})
        for start in range(0, len(args), 4096):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": args[start:start + 4096]}}]})
    yield chunk({}, answer.get("finish") or ("tool_calls" if calls else "stop"))
    if answer.get("usage", True):
        usage = answer.get("usage") or {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
        yield {**base, "choices": [], "usage": usage}


def chat_document(answer, number):
    """The same answer to a request without `stream`."""
    calls = [{"id": call.get("id", f"call_{number}_{i}"), "type": "function",
              "function": {"name": call["name"],
                           "arguments": call["args"] if isinstance(call.get("args"), str) else json.dumps(call.get("args", {}))}}
             for i, call in enumerate(answer.get("tool_calls") or [])]
    message = {"role": "assistant", "content": answer.get("text"), **({"tool_calls": calls} if calls else {})}
    return {"id": f"chatcmpl-{number}", "object": "chat.completion", "created": 1700000000, "model": answer.get("model", "test-model"),
            "choices": [{"index": 0, "message": message, "finish_reason": answer.get("finish") or ("tool_calls" if calls else "stop")}],
            "usage": answer.get("usage") or {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}}


# One entry per wire protocol: how an answer is cut into events, its closing event, its whole form, its error body.
WIRES = {"openai-chat": {"events": chat_events, "done": "[DONE]", "document": chat_document, "error": openai_error}}


def step_template(reply, answer, _):
    wire = WIRES[reply.wire]
    answer = reply.substitute.fill(answer)
    if not reply.substitute.stream:
        reply.document(200, wire["document"](answer, reply.substitute.number))
        return
    for event in wire["events"](answer, reply.substitute.number):
        reply.sse({"data": event})
    if wire["done"]:
        reply.sse({"data": wire["done"]})


def step_fault(reply, kind, step):
    """The faults of real servers in one word."""
    error = WIRES[reply.wire]["error"]
    if re.fullmatch(r"\d{3}", str(kind)):
        status = int(kind)
        extra = [[name, str(step[key])] for key, name in (("retry_after", "Retry-After"), ("retry_after_ms", "retry-after-ms"),
                                                          ("location", "Location")) if key in step]
        reply.document(status, step.get("body") or error(status, step.get("message")), extra)
    elif kind == "html":
        reply.document(step.get("status", 200), "<html><head><title>Sign in to the network</title></head><body>no API here</body></html>",
                       [["Content-Type", "text/html"]])
    elif kind == "error_200":
        reply.document(200, error(500, step.get("message")))
    elif kind == "cut":  # ends after `bytes` of the stream, in the middle of an event
        step_template(Truncated(reply, step.get("bytes", 400)), step.get("template", {"text": "x" * 4000}), step)
    elif kind == "stream_error":
        reply.sse({"data": {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "par"}, "finish_reason": None}]}})
        reply.sse({"data": error(500, step.get("message", "mid-stream failure"))})
    elif kind == "bad_chunk":
        reply.head(200, "OK", [["Content-Type", "text/event-stream"]])
        reply.send(b"zz\r\nnot a chunk\r\n")
        raise ClientGone("bad chunk")
    elif kind == "comments":  # keeps the line busy without saying anything
        while True:
            reply.body(b": keep-alive\n\n")
            time.sleep(step.get("every_ms", 50) / 1000)
    elif kind == "slow_head":
        reply.pacing = (1, step.get("every_ms", 100) / 1000)
        step_template(reply, step.get("template", {"text": "slow"}), step)
    else:
        raise ValueError(f"unknown fault {kind!r}")


class Truncated:
    """A reply that dies after a number of bytes."""

    def __init__(self, reply, limit):
        self.reply, self.limit = reply, limit
        self.wire, self.substitute = reply.wire, reply.substitute

    def sse(self, event):
        data = (b"data: " + json.dumps(event["data"]).encode() + b"\n\n")[:self.limit]
        self.limit -= len(data)
        self.reply.body(data)
        if self.limit <= 0:
            raise ClientGone("cut by the script")

    def document(self, status, value, headers=()):
        self.reply.head(status, "OK", [["Content-Type", "application/json"], ["Content-Length", "100000"]])
        self.reply.send(json.dumps(value).encode()[:self.limit])
        raise ClientGone("cut by the script")


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
        reply.run([rule["step"]])


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
