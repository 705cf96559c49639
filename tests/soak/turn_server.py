"""A model server for many turns: one persistent connection after the other, every wire, with or without TLS, and notes of
when and how much. What it says is written by the modules of the scripted server (tests/support/wire_*.py)."""

import os
import socket
import ssl
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
from model_replies import Reply  # noqa: E402
from wires import WIRES  # noqa: E402

# What leads `rune` to each wire: its provider, and what follows the origin in base_url.
ENDPOINTS = {"openai-chat": ("openai", "/v1"), "openai-responses": ("openai", "/v1"), "anthropic-messages": ("anthropic", "/v1"),
             "gemini-native": ("gemini", "/v1beta")}


def stream_of(wire, answer, number):
    """An answer as the bytes of an event stream, one piece per event."""
    frame = Reply(None, WIRES[wire], WIRES[wire].DIALECTS[0], None).frame
    return [frame(event) for event in WIRES[wire].events(answer, number)]


def response_of(wire, answer, number):
    """The same as an HTTP response in chunks."""
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in stream_of(wire, answer, number))
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n%s0\r\n\r\n" % chunks


def make_certificate(folder):
    """A key and a certificate of this machine that is its own authority; returns the paths (certificate, key)."""
    certificate, key = os.path.join(folder, "ca.pem"), os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj",
                    "/CN=throw-away", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return certificate, key


class TurnServer:
    """Answers request N (from 1 on) with `answer(N)`, the bytes of a whole response. `on_request(N)` runs before that."""

    def __init__(self, answer, on_request=None, certificate=None):
        self.answer, self.on_request = answer, on_request
        self.tls = None
        if certificate:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*certificate)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.connections = self.handshakes = 0
        self.turns = []  # (first byte of the request, last byte of the answer handed over, bytes of the body), in ms
        threading.Thread(target=self.serve, daemon=True).start()

    def origin(self):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def serve(self):
        while True:
            connection, _ = self.listener.accept()
            self.connections += 1
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                if self.tls:
                    connection = self.tls.wrap_socket(connection, server_side=True)
                    self.handshakes += 1
                self.converse(connection)
            except (OSError, EOFError) as error:
                if not isinstance(error, EOFError):
                    print(f"turn server: {error}", file=sys.stderr)
            finally:
                connection.close()

    def converse(self, connection):
        while True:
            arrival, size = self.read_request(connection)
            number = len(self.turns) + 1
            if self.on_request:
                self.on_request(number)
            data = self.answer(number)
            entry = [arrival, 0, size]
            self.turns.append(entry)  # before the answer: the client may be gone right after it
            sending = time.monotonic()
            entry[1] = sending * 1000
            connection.sendall(data)
            entry[1] = time.monotonic() * 1000

    @staticmethod
    def read_request(connection):
        data, arrival = b"", None
        while b"\r\n\r\n" not in data:
            piece = connection.recv(1 << 18)
            if not piece:
                raise EOFError
            arrival = arrival or time.monotonic() * 1000
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        have = len(body)
        while have < length:
            piece = connection.recv(1 << 18)
            if not piece:
                raise EOFError
            have += len(piece)
        return arrival, length
