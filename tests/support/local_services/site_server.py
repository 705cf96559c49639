"""One site under every name, HTTP/1.1 with keep-alive, with or without TLS. It counts the bytes of each plain connection.

  /hello                     who was asked, and how
  /bytes/N                   N bytes
  /redirect?URL              302 to URL
  /upload (POST, PUT)        takes a body, says its length
  /files/...                 the files of DIRECTORY/files
  /git/...                   the repositories of DIRECTORY/git, by git http-backend
  /simple/..., /npm/...      package indexes (package_indexes.py)
"""
import http.server
import io
import os
import pathlib
import socket
import socketserver
import ssl
import subprocess
import threading
import urllib.parse

import package_indexes

GIT_BACKEND = "/usr/lib/git-core/git-http-backend"


class CountingReader(io.RawIOBase):
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.total = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        count = self._connection.recv_into(buffer)
        self.total += count
        return count


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    directory: pathlib.Path
    log = None

    def setup(self) -> None:
        self.asked_name = None
        self.log("accept", at=self._local(self.request))
        if isinstance(self.request, ssl.SSLSocket):
            self.request.do_handshake()
            self.asked_name = self.request.asked_name
            self.log("hello", at=self._local(self.request), name=self.asked_name)
        super().setup()
        self._reader = CountingReader(self.connection)
        self.rfile = io.BufferedReader(self._reader)
        self._written = 0
        write = self.wfile.write

        def counted(data) -> int:
            self._written += len(data)
            return write(data)
        self.wfile.write = counted

    def finish(self) -> None:
        super().finish()
        self.log("connection", at=self._local(self.connection), received=self._reader.total, sent=self._written, tls=self.asked_name)

    @staticmethod
    def _local(connection: socket.socket) -> str:
        host, port = connection.getsockname()[:2]
        return f"{host.removeprefix('::ffff:')} {port}"

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:  # the client is gone
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        body = self._body()
        path, _, query = self.path.partition("?")
        self.log("request", method=self.command, host=self.headers.get("Host", ""), path=self.path, body=len(body),
                 at=self._local(self.connection), tls=self.asked_name)
        if path == "/hello":
            self._reply(200, f"hello from {self.headers.get('Host', '')} at {self._local(self.connection)}\n".encode())
        elif path.startswith("/bytes/"):
            self._reply(200, b"x" * int(path.removeprefix("/bytes/")))
        elif path == "/redirect":
            self._reply(302, b"", {"Location": urllib.parse.unquote(query)})
        elif path == "/upload":
            self._reply(200, f"{len(body)}\n".encode())
        elif path.startswith("/files/") and (self.directory / path[1:]).is_file():
            self._reply(200, (self.directory / path[1:]).read_bytes())
        elif path.startswith("/git/"):
            self._git(path.removeprefix("/git"), query, body)
        else:
            scheme = "https" if self.asked_name else "http"
            found = package_indexes.find(self.directory, path, f"{scheme}://{self.headers.get('Host', '')}")
            self._reply(200, found[1], {"Content-Type": found[0]}) if found else self._reply(404, b"nothing here\n")

    do_POST = do_PUT = do_HEAD = do_GET

    def _body(self) -> bytes:
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response_only(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _git(self, path: str, query: str, body: bytes) -> None:
        """RFC 3875, as far as git-http-backend(1) needs it."""
        variables = {"PATH": os.defpath, "GIT_PROJECT_ROOT": str(self.directory / "git"), "GIT_HTTP_EXPORT_ALL": "1",
                     "PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": self.command,
                     "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
                     "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                     "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""), "REMOTE_ADDR": "127.0.0.1",
                     "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
        done = subprocess.run([GIT_BACKEND], input=body, env=variables, stdout=subprocess.PIPE, check=True)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self._reply(int(headers.pop("Status", "200").split()[0]), content, headers)


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    address_family = socket.AF_INET6
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        socketserver.TCPServer.server_bind(self)

    def handle_error(self, *_: object) -> None:  # a client that leaves in the middle
        pass


# The port of TLS that answers every first hello with a HelloRetryRequest.
ASKS_AGAIN = 8443


def start(port: int, directory: pathlib.Path, log, tls: bool = False) -> None:
    handler = type("SiteHandler", (Handler,), {"directory": directory, "log": staticmethod(log)})
    server = Server(("::", port), handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(directory / "cert.pem", directory / "key.pem")
        if port == ASKS_AGAIN:
            context.set_ecdh_curve("secp521r1")  # for which no client has a key share at once (RFC 8446 4.1.4)

        def note_name(connection: ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
            connection.asked_name = name
        context.sni_callback = note_name
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
