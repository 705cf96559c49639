#!/usr/bin/python3
"""What confinement costs: medians and ratios of one interleaved session, beside bubblewrap and a chain of one-layer helpers.

    tests/bench/sandbox_bench.py [--bin DIR] [--count N] [--check] [--json FILE]

Every pair that makes a ratio is measured alternately, so that the noise of the machine meets both.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
from bench import p99, show  # noqa: E402

median = statistics.median


class Server:
    """Takes connections on loopback and closes them."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            self.socket.accept()[0].close()


class SandboxBench:
    def __init__(self, bin_dir, count, folder):
        self.bin, self.count, self.folder = bin_dir, count, folder
        self.sandbox = [self.program("rune-sandbox"), "--system", "--rox", self.bin]

    def program(self, name):
        return os.path.join(self.bin, name)

    def json(self, *command):
        done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, cwd=self.folder, check=False)
        if done.returncode != 0:
            raise SystemExit(f"bench: {' '.join(map(str, command))} failed with {done.returncode}")
        return json.loads(done.stdout)

    def probe(self, *arguments):
        return self.json(self.program("bench_probe"), *arguments)

    def commands(self, named):
        """Wall time of whole commands, one of each in turn."""
        samples = {name: [] for name in named}
        for _ in range(self.count):
            for name, command in named.items():
                begin = time.perf_counter()
                subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder, check=True)
                samples[name].append((time.perf_counter() - begin) * 1000)
        return samples

    def inner(self, arguments, flags=(), rounds=5):
        """The same measurement bare and confined, alternately."""
        bare, confined = [], []
        for _ in range(rounds):
            bare += self.json(self.program("bench_inner"), *arguments)
            confined += self.json(*self.sandbox, *flags, "--", self.program("bench_inner"), *arguments)
        return bare, confined


def launches(bench):
    small = bench.probe("launch", bench.program("rune-sandbox"), bench.count * 10, 0)
    large = bench.probe("launch", bench.program("rune-sandbox"), bench.count * 5, 300)
    spawn, launch = small["spawn_us"], small["launch_us"]
    many = bench.probe("many", bench.program("rune-sandbox"), bench.count * 20, 50)
    leak = bench.probe("leak", bench.program("rune-sandbox"), 1000)
    print(f"layers: {small['layers']}")
    return [
        ("plain posix_spawn of /bin/true", median(spawn) / 1000, "ms", p99(spawn) / 1000, None),
        ("confined call, five layers and listener", median(launch) / 1000, "ms", p99(launch) / 1000, None),
        ("  ratio to posix_spawn", median(launch) / median(spawn), "x", None, 1.6),
        ("  p99 over that of posix_spawn", (p99(launch) - p99(spawn)) / 1000, "ms", None, 2),
        ("  ratio with 300 MB resident to without", median(large["launch_us"]) / median(launch), "x", None, 1.25),
        ("50 calls at once, per call", many["many_us"] / 1000, "ms", None, None),
        ("  ratio to one at a time", many["many_us"] / many["single_us"], "x", None, 1.1),
        ("1,000 calls: descriptors gained", leak["fds_after"] - leak["fds_before"], "", None, 0),
        ("  memory gained by the guardian", leak["kb_after"] - leak["kb_before"], "KiB", None, 64),
    ]


def peers(bench):
    true = "/bin/true"
    named = {"bare": [true], "rune": [*bench.sandbox, "--", true],
             "chain": [bench.program("rune-net-guard"), "--net", "none", "--", bench.program("rune-seccomp"), "--",
                       bench.program("rune-landlock"), "--system", "--", true]}
    if shutil.which("bwrap"):
        named["bwrap"] = ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--unshare-all",
                          "--new-session", "--die-with-parent", true]
    samples = bench.commands(named)
    floor = median(samples["bare"])
    rows = []
    for name, what in (("bare", "whole process: /bin/true"), ("rune", "whole process: rune-sandbox by hand"),
                       ("chain", "whole process: chain of three one-layer helpers"), ("bwrap", "whole process: bubblewrap")):
        if name in samples:
            rows.append((what, median(samples[name]), "ms", p99(samples[name]), None))
            rows.append(("  ratio to bare", median(samples[name]) / floor, "x", None, None))
    return rows


def system_calls(bench):
    server = Server()
    rule = ["--allow-domain", f"127.0.0.1:{server.port}"]
    bare, confined = bench.inner(["connect", "127.0.0.1", str(server.port), "400"], rule)
    rows = [("socket + connect, bare", median(bare), "us", p99(bare), None),
            ("socket + connect, allowed loopback address", median(confined), "us", p99(confined), None),
            ("  over bare", median(confined) - median(bare), "us", None, 50),
            ("  p99 over bare", p99(confined) - p99(bare), "us", None, 250)]
    bare, confined = bench.inner(["open", "/etc/hostname", "20000"])
    rows += [("open + close, bare", median(bare), "us", None, None), ("open + close, confined", median(confined), "us", None, None),
             ("  ratio", median(confined) / median(bare), "x", None, 1.5)]
    return rows


def git_status(bench):
    tree = os.path.join(bench.folder, "tree")
    for folder in range(100):
        os.makedirs(f"{tree}/{folder}")
        for name in range(100):
            with open(f"{tree}/{folder}/{name}", "w", encoding="ascii") as out:
                out.write("x\n")
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=b", "-c", "user.email=b@b", "commit", "-qm", "b"]):
        subprocess.run(["git", *command], cwd=tree, check=True)
    # Many in one sandbox: the question is what git's own system calls cost, not the launch.
    loop = os.path.join(bench.folder, "loop.py")
    with open(loop, "w", encoding="ascii") as out:
        out.write("import json, subprocess, time\nsamples = []\nfor _ in range(15):\n    begin = time.perf_counter()\n"
                  "    subprocess.run(['git', '-c', 'safe.directory=*', 'status', '--porcelain'], check=True)\n"
                  "    samples.append((time.perf_counter() - begin) * 1000)\nprint(json.dumps(samples))\n")
    bare, confined = [], []
    for _ in range(4):
        bare += bench.json("/usr/bin/env", "-C", tree, "python3", loop)
        confined += bench.json(*bench.sandbox, "--ro", bench.folder, "--rw", tree, "--chdir", tree, "--", "python3", loop)
    return [("git status of 10,000 files, bare", median(bare), "ms", p99(bare), None),
            ("git status of 10,000 files, confined", median(confined), "ms", p99(confined), None),
            ("  ratio", median(confined) / median(bare), "x", None, 1.05)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=os.path.join(ROOT, "build", "dev", "bin"))
    parser.add_argument("--count", type=int, default=41)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rune-bench.", dir="/var/tmp") as folder:
        os.chmod(folder, 0o755)
        bench = SandboxBench(os.path.abspath(options.bin), options.count, folder)
        rows = [*launches(bench), *peers(bench), *system_calls(bench), *git_status(bench)]
    failed = show(rows, rows[0][1])
    if options.json:
        with open(options.json, "w", encoding="utf-8") as out:
            json.dump([dict(zip(("what", "median", "unit", "p99", "bound"), row)) for row in rows], out, indent=1)
    if options.check and failed:
        sys.exit(f"bench: over its bound: {', '.join(failed)}")


if __name__ == "__main__":
    main()
