#!/usr/bin/env python3
"""A small internet on the loopback device of a network namespace of its own: names, sites, a git server, package indexes.

usage: unshare --mount --net [--user --map-root-user] world.py DIRECTORY      (services.bash does it)

Nothing of the machine's network is there, so nothing can leave it, and ports below 1024 are free. /etc/hosts and
/etc/resolv.conf are bind-mounted from DIRECTORY. DIRECTORY holds cert.pem and key.pem, repositories in git/, Python packages
in python/, node packages in npm/, anything else in files/; log.jsonl gets one line for each query, request and connection. Says READY, and ends when
its parent does.
"""
import ctypes
import fcntl
import json
import os
import pathlib
import signal
import socket
import struct
import sys
import threading

import dns_server
import site_server

PUBLIC = ("93.184.215.14", "93.184.215.15", "169.254.169.254", "10.1.2.3")
PUBLIC_V6 = "2606:2800:21f::14"
# What every name means that is not here: the second public address.
ZONE = {
    "good.test": ["93.184.215.14", PUBLIC_V6],
    "neighbour.test": ["93.184.215.14"],
    "www.good.test": ["93.184.215.14"],
    "deaf.test": ["93.184.215.16", "93.184.215.14"],
    "half.test": ["93.184.215.14", "2606:2800:21f::99"],
    "inward.test": ["127.0.0.1"],
    "nowhere.test": [],
    "private.test": ["10.1.2.3"],
    "metadata.test": ["169.254.169.254"],
}
PLAIN_PORTS = (80, 8080)
TLS_PORTS = (443, 8443)
SIOCSIFFLAGS, SIOCSIFADDR, SIOCGIFINDEX = 0x8914, 0x8916, 0x8933


class Log:
    def __init__(self, path: pathlib.Path) -> None:
        self._file = path.open("a", buffering=1)
        self._lock = threading.Lock()

    def __call__(self, kind: str, **facts: object) -> None:
        with self._lock:
            self._file.write(json.dumps({"kind": kind, **facts}) + "\n")


def raise_loopback() -> None:
    """netdevice(7): the device up, one alias for each public IPv4 address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", 0x41))
        for number, address in enumerate(PUBLIC):
            sockaddr = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))
            fcntl.ioctl(control, SIOCSIFADDR, struct.pack("16s16s", f"lo:{number}".encode(), sockaddr))
        index = struct.unpack("16sI", fcntl.ioctl(control, SIOCGIFINDEX, struct.pack("16sI", b"lo", 0)))[1]
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sIi", socket.inet_pton(socket.AF_INET6, PUBLIC_V6), 128, index)
        fcntl.ioctl(control, SIOCSIFADDR, request)


def mount_over(source: pathlib.Path, target: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(os.fsencode(source), target.encode(), None, 0x1000, None) != 0:  # MS_BIND
        raise OSError(ctypes.get_errno(), f"mount over {target}")


def main() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
    directory = pathlib.Path(sys.argv[1])
    for name, text in (("hosts", f"127.0.0.1 localhost {socket.gethostname()} inner.test\n::1 localhost\n{PUBLIC[0]} hosted.test\n"),
                       ("resolv.conf", "nameserver 127.0.0.1\n")):
        path = directory / name
        if not path.exists():
            path.write_text(text)
        mount_over(path, f"/etc/{name}")
    raise_loopback()
    log = Log(directory / "log.jsonl")
    dns_server.start(ZONE, PUBLIC[1], log)
    for port in PLAIN_PORTS:
        site_server.start(port, directory, log)
    for port in TLS_PORTS:
        site_server.start(port, directory, log, tls=True)
    print("READY", flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
