"""The outside's name server on 127.0.0.1 port 53, UDP and TCP (RFC 1035): answers A and AAAA from a zone and notes every question."""
import contextlib
import socket
import struct
import threading

A, AAAA = 1, 28


def start(zone: dict[str, list[str]], otherwise: str, log) -> None:
    def answer(query: bytes, transport: str) -> bytes:
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode(errors="replace").lower())
            at += 1 + query[at]
        kind = struct.unpack("!H", query[at + 1:at + 3])[0]
        name = ".".join(labels)
        log("dns", name=name, type=kind, transport=transport)
        records = b""
        count = 0
        for address in zone.get(name, [otherwise]):
            family, wanted = (socket.AF_INET6, AAAA) if ":" in address else (socket.AF_INET, A)
            if kind == wanted:
                packed = socket.inet_pton(family, address)
                records += struct.pack("!HHHIH", 0xC00C, kind, 1, 60, len(packed)) + packed
                count += 1
        return query[:2] + struct.pack("!HHHHH", 0x8580, 1, count, 0, 0) + query[12:at + 5] + records

    def datagrams() -> None:
        while True:
            query, peer = udp.recvfrom(4096)
            with contextlib.suppress(IndexError, struct.error):
                udp.sendto(answer(query, "udp"), peer)

    def streams() -> None:
        while True:
            client, _ = tcp.accept()
            with client, contextlib.suppress(IndexError, struct.error, OSError):
                reply = answer(client.recv(4096)[2:], "tcp")
                client.sendall(struct.pack("!H", len(reply)) + reply)

    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 53))
    tcp = socket.create_server(("127.0.0.1", 53))
    for serve in (datagrams, streams):
        threading.Thread(target=serve, daemon=True).start()
