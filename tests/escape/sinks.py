"""The outside's end of the network: listeners that note who reached them, a resolver that notes what it is asked, and
somebody who knocks at doors that must stay shut. Everything that an attempt sends carries its label, "N01-owner"."""
import contextlib
import os
import pathlib
import re
import selectors
import socket
import struct
import threading
import time

LABEL = re.compile(rb"([A-Z]\d\d)-(control|owner|unused|closed)", re.IGNORECASE)
# Laid on the loopback device by who made the environment; without them attempts on them are left out.
FOREIGN = ("169.254.169.254", "10.1.2.3", "93.184.215.14", "fd00:ec2::254")
KNOCKS = 6
# What the outside's resolver knows. good.test and bad.test are neighbours at one address.
PUBLIC = "93.184.215.14"
ZONE = {"metadata.ok.test": "169.254.169.254", "loopback.ok.test": "127.0.0.1", "private.ok.test": "10.1.2.3",
        "mapped.ok.test": "::ffff:127.0.0.1"}
# Where an attempt may arrive: what it wants is to arrive elsewhere.
ALLOWED_AT = {"M28": PUBLIC}
ALIASES = {"alias.ok.test": "private.ok.test"}


def has_foreign_addresses(family: socket.AddressFamily) -> bool:
    for address in FOREIGN:
        if (":" in address) != (family == socket.AF_INET6):
            continue
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((address, 0))
            except OSError:
                return False
    return True


class Sinks:
    def __init__(self, directory: pathlib.Path) -> None:
        self._heard: dict[socket.socket, bytes] = {}
        self.seen: dict[tuple[str, str], list[str]] = {}
        self.knocks: dict[str, int] = {}  # run -> first port
        self.rebound = 0
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._stop = threading.Event()
        directory.mkdir()
        self.variables = {"ESCAPE_SOCKETS": str(directory)}
        self.variables["ESCAPE_PORT"] = str(self._internet(0, "data"))
        self.variables["ESCAPE_DNS_PORT"] = str(self._internet(53, "dns") or self._internet(0, "dns"))
        for port in (80, 443, 8443):
            self._internet(port, "data")
        self.variables["ESCAPE_MDNS_PORT"] = str(self._internet(5353, "dns") or self._internet(0, "dns"))
        tag = f"escape-{os.urandom(4).hex()}"
        for name, kind, path in (("UNIX_STREAM", socket.SOCK_STREAM, f"{directory}/stream"),
                                 ("UNIX_PACKET", socket.SOCK_SEQPACKET, f"{directory}/packet"),
                                 ("UNIX_DATAGRAM", socket.SOCK_DGRAM, f"{directory}/datagram"),
                                 ("ABSTRACT_STREAM", socket.SOCK_STREAM, f"\0{tag}-stream"),
                                 ("ABSTRACT_DATAGRAM", socket.SOCK_DGRAM, f"\0{tag}-datagram")):
            self._add(self._unix(kind, path), "data")
            self.variables[f"ESCAPE_{name}"] = path.lstrip("\0")
        os.chmod(directory, 0o755)
        self._threads = [threading.Thread(target=self._serve, daemon=True), threading.Thread(target=self._knock, daemon=True)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()

    def variables_of(self, run: str) -> dict[str, str]:
        with self._lock:
            first = self.knocks.setdefault(run, 20000 + int.from_bytes(os.urandom(2)) % 10000 // 16 * 16)
        return {**self.variables, "ESCAPE_RUN": run, "ESCAPE_KNOCK": str(first)}

    def reached_by(self, name: str, run: str) -> list[str]:
        with self._lock:
            return list(self.seen.get((name, run), []))

    def settle(self) -> None:
        time.sleep(0.05)  # what was sent is on the loopback device, and read by the thread

    # --- listening ---

    def _internet(self, port: int, kind: str) -> int:
        """A port, TCP and UDP, on every address; 0 when this one cannot be had."""
        for _ in range(20):
            stream, datagram = _dual(socket.SOCK_STREAM), _dual(socket.SOCK_DGRAM)
            try:
                stream.bind(("::", port))
                stream.listen(64)
                chosen = stream.getsockname()[1]
                datagram.bind(("::", chosen))
            except OSError:
                stream.close()
                datagram.close()
                if port:
                    return 0
                continue
            self._add(stream, kind)
            self._add(datagram, kind)
            return chosen
        raise RuntimeError("no free port")

    def _unix(self, kind: int, path: str) -> socket.socket:
        sink = socket.socket(socket.AF_UNIX, kind)
        sink.bind(path)
        if not path.startswith("\0"):
            os.chmod(path, 0o777)
        if kind != socket.SOCK_DGRAM:
            sink.listen(64)
        return sink

    def _add(self, sink: socket.socket, kind: str) -> None:
        sink.setblocking(False)
        self._selector.register(sink, selectors.EVENT_READ, kind)

    def _serve(self) -> None:
        while not self._stop.is_set():
            for key, _ in self._selector.select(0.02):
                sink = key.fileobj
                with contextlib.suppress(OSError):
                    listening = sink.type != socket.SOCK_DGRAM and sink.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
                    if listening:
                        client, _ = sink.accept()
                        self._add(client, key.data)
                        continue
                    data, sender = sink.recvfrom(65536)
                    if not data and sink.type != socket.SOCK_DGRAM:
                        self._selector.unregister(sink)
                        self._heard.pop(sink, None)
                        sink.close()
                        continue
                    if sink.type != socket.SOCK_DGRAM:
                        # What was sent byte by byte may arrive so.
                        self._heard[sink] = self._heard.get(sink, b"")[-4096:] + data
                    self._note(self._heard.get(sink, data), sink)
                    if key.data == "dns" and sink.type == socket.SOCK_DGRAM:
                        sink.sendto(self._answer(data), sender)
                    elif key.data == "dns":
                        answer = self._answer(data[2:])
                        sink.sendall(struct.pack("!H", len(answer)) + answer)
                    elif data.startswith((b"GET", b"POST")):
                        sink.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    def _note(self, data: bytes, sink: socket.socket) -> None:
        at = sink.getsockname()
        where = str(at[0]).removeprefix("::ffff:") if sink.family == socket.AF_INET6 else "a unix socket"
        for match in LABEL.finditer(data):
            key = (match.group(1).decode().upper(), match.group(2).decode().lower())
            if ALLOWED_AT.get(key[0]) == where:
                continue
            with self._lock:
                self.seen.setdefault(key, []).append(f"{len(data)} bytes arrived at {where}")

    def _answer(self, query: bytes) -> bytes:
        """RFC 1035. Every name exists and is public, but for those of ZONE."""
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode(errors="replace").lower())
            at += 1 + query[at]
        question, kind = query[12:at + 5], struct.unpack("!H", query[at + 1:at + 3])[0]
        name = ".".join(labels)
        records = b""
        count = 0
        owner = b"\xc0\x0c"
        if name in ALIASES:
            name = ALIASES[name]
            target = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"
            records += owner + struct.pack("!HHIH", 5, 1, 1, len(target)) + target
            owner, count = target, 1
        address = ZONE.get(name, PUBLIC)
        if name == "rebind.ok.test":
            self.rebound += 1
            address = PUBLIC if self.rebound % 2 else "127.0.0.1"
        if kind == (28 if ":" in address else 1):
            packed = socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
            records += owner + struct.pack("!HHIH", kind, 1, 1, len(packed)) + packed
            count += 1
        return query[:2] + struct.pack("!HHHHH", 0x8580, 1, count, 0, 0) + question + records

    # --- knocking ---

    def _knock(self) -> None:
        while not self._stop.wait(0.02):
            with self._lock:
                doors = list(self.knocks.items())
            for run, first in doors:
                for offset in range(KNOCKS):
                    self._knock_at(run, first + offset, offset)
                with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as door:
                    door.connect(f"\0{self.variables['ESCAPE_ABSTRACT_STREAM']}-U12-{run}")
                    self._got_in("U12", run)

    def _knock_at(self, run: str, port: int, offset: int) -> None:
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as door:
                door.sendto(b"knock", (address, port))
            with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_STREAM) as door:
                door.settimeout(0.2)
                door.connect((address, port))
                self._got_in(f"O2{offset}", run)
                door.sendall(b"knock")

    def _got_in(self, name: str, run: str) -> None:
        with self._lock:
            self.seen.setdefault((name, run), []).append("the outside got in")


def _dual(kind: int) -> socket.socket:
    sink = socket.socket(socket.AF_INET6, kind)
    sink.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    if kind == socket.SOCK_STREAM:
        sink.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sink.setsockopt(socket.IPPROTO_TCP, 23, 5) if kind == socket.SOCK_STREAM else None  # TCP_FASTOPEN
    return sink


def lay_addresses() -> None:
    """Brings the loopback device up and lays the foreign addresses on it: for a network namespace of one's own."""
    import fcntl
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for index, address in enumerate(("127.0.0.1",) + tuple(a for a in FOREIGN if ":" not in a)):
            name = b"lo" if index == 0 else f"lo:{index}".encode()
            request = struct.pack("16sHH4s8x", name, socket.AF_INET, 0, socket.inet_aton(address))
            fcntl.ioctl(control, 0x8916, request)  # SIOCSIFADDR
            fcntl.ioctl(control, 0x8914, struct.pack("16sH", name, 0x41))  # SIOCSIFFLAGS: up, running
            mask = "255.0.0.0" if index == 0 else "255.255.255.255"
            fcntl.ioctl(control, 0x891C, struct.pack("16sHH4s8x", name, socket.AF_INET, 0, socket.inet_aton(mask)))
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as control:
        for address in (a for a in FOREIGN if ":" in a):
            packed = socket.inet_pton(socket.AF_INET6, address)
            fcntl.ioctl(control, 0x8916, struct.pack("16sIi", packed, 128, socket.if_nametoindex("lo")))
    with contextlib.suppress(OSError):
        pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").write_text("0")
