"""The bytes that a model server sends: one writer, which also writes what no library would."""

import json
import re
import select
import time

import wires


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

    def __init__(self, connection, wire, dialect, substitute):
        self.connection = connection
        self.wire = wire  # the module
        self.dialect = dialect
        self.substitute = substitute
        self.sent = 0
        self.head_sent = False
        self.chunked = True
        self.keep_alive = True
        self.content_type = "text/event-stream"
        self.trailers = []
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
            self.head(200, "OK", [["Content-Type", self.content_type]])
        self.send(b"%x\r\n%s\r\n" % (len(data), data) if self.chunked and data else data)

    def finish(self):
        if self.head_sent and self.chunked:
            self.send(("0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in self.trailers) + "\r\n").encode("latin-1"))

    def frame(self, event):
        """{"comment"}, or {"event"?, "data"}, as bytes."""
        if "comment" in event:
            lines = [f": {event['comment']}"]
        else:
            data = event["data"] if isinstance(event["data"], str) else json.dumps(event["data"], ensure_ascii=False)
            lines = [f"event: {event['event']}"] if "event" in event else []
            lines += [f"data: {line}" for line in data.split("\n")]
        end = wires.newline(self.wire)
        return (end.join(lines) + end + end).encode("utf-8", "surrogatepass")

    def sse(self, event):
        self.body(self.frame(event))

    def document(self, status, value, headers=()):
        """A whole response of known length."""
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        data = unescape(text)
        kinds = [] if any(name.lower() == "content-type" for name, _ in headers) else [
            ["Content-Type", "application/json" if not isinstance(value, str) else "text/plain"]]
        self.head(status, REASONS.get(status, "Status"), kinds + [list(pair) for pair in headers] + [["Content-Length", str(len(data))]])
        self.send(data)

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
