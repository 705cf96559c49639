#!/usr/bin/python3
"""What a run costs: medians, tails and ratios of one interleaved session on this machine.

    tests/bench/bench.py [--bin DIR] [--count N] [--check] [--json FILE]

--check compares with the bounds that the project promises and exits 1 when one does not hold. Noise of the machine shows in the
column of the floor (a plain posix_spawn of /bin/true), so read the ratios.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
FAKE_MODEL = os.path.join(ROOT, "tests", "support", "fake_model.py")


def p99(samples):
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


class Model:
    """The instant model server around a measurement, and its log afterwards."""

    def __init__(self, mode, folder):
        self.log = os.path.join(folder, "model.log")
        self.process = subprocess.Popen([sys.executable, "-B", FAKE_MODEL, "--instant", mode, "--log", self.log],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])

    def stop(self):
        self.process.communicate()
        with open(self.log, encoding="utf-8") as text:
            return [json.loads(line) for line in text]


class Bench:
    def __init__(self, bin_dir, count, folder):
        self.bin, self.count, self.folder = bin_dir, count, folder
        home = os.path.join(folder, "home")
        os.makedirs(os.path.join(home, ".rune"))
        with open(os.path.join(home, ".rune", "rune.toml"), "w", encoding="utf-8") as config:
            config.write('[policy]\nallowed_commands = ["echo", "true"]\n')
        self.work = os.path.join(folder, "work")
        os.makedirs(self.work)
        self.env = {"PATH": "/usr/bin:/bin", "HOME": home, "RUNE_API_KEY": "sk-bench-0123456789", "RUNE_MODEL": "test-model"}

    def program(self, name):
        return os.path.join(self.bin, name)

    def probe(self, *arguments, **extra):
        done = subprocess.run([self.program("bench_probe"), *map(str, arguments)], env={**self.env, **extra}, cwd=self.work,
                              stdout=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise SystemExit(f"bench: probe {arguments[0]} failed")
        return json.loads(done.stdout)

    def launch(self, resident_mb):
        return self.probe("launch", self.program("rune-sandbox"), self.count * 10, resident_mb)

    def run(self, mode, *arguments):
        """Whole runs against the instant model: wall, to the first request, step gaps, exit tail (ms), memory (MiB), bytes."""
        model = Model(mode, self.folder)
        got = self.probe("run", self.count + 1, "go", *arguments, RUNE_BASE_URL=f"http://127.0.0.1:{model.port}/v1")
        log = model.stop()
        if got["failures"]:
            raise SystemExit(f"bench: {got['failures']} of {self.count + 1} runs failed: {' '.join(arguments)}")
        result = {"wall": [], "first": [], "gap": [], "tail": [], "rss": [], "sent": [], "request": []}
        spans = list(zip(got["start_us"], got["end_us"], got["max_rss_kb"]))[1:]  # the first one warms the caches
        for start, end, rss in spans:
            requests = [entry for entry in log if start <= entry["arrival_ms"] * 1000 <= end]
            result["wall"].append((end - start) / 1000)
            result["rss"].append(rss / 1024)
            if requests:
                result["first"].append(requests[0]["arrival_ms"] - start / 1000)
                result["tail"].append(end / 1000 - requests[-1]["done_ms"])
                result["gap"] += [after["arrival_ms"] - before["done_ms"] for before, after in zip(requests, requests[1:])]
                result["sent"].append(sum(entry["body_bytes"] for entry in requests))
                result["request"].append(requests[0]["body_bytes"])
        return result

    def plain(self, *arguments):
        got = self.probe("run", self.count + 1, "", *arguments)
        wall = [(end - start) / 1000 for start, end in zip(got["start_us"], got["end_us"])][1:]
        return {"wall": wall, "rss": [rss / 1024 for rss in got["max_rss_kb"][1:]]}


def measure(bench):
    """(rows, floor): a row is (what, value, unit, tail value, bound or None)."""
    small, large = bench.launch(0), bench.launch(300)
    median = statistics.median
    spawn, launch = median(small["spawn_us"]), median(small["launch_us"])
    rows = [
        ("plain posix_spawn of /bin/true", spawn / 1000, "ms", p99(small["spawn_us"]) / 1000, None),
        ("confined tool call of /bin/true", launch / 1000, "ms", p99(small["launch_us"]) / 1000, None),
        ("  ratio to posix_spawn", launch / spawn, "x", None, 1.6),
        ("  ratio with 300 MB resident to without", median(large["launch_us"]) / launch, "x", None, 1.25),
        ("  the first call of a process", small["first_us"] / 1000, "ms", None, None),
    ]
    if not os.path.exists(bench.program("rune")):
        return rows, spawn / 1000
    version, floor = bench.plain(bench.program("rune"), "--version"), bench.plain("/bin/true")
    one = bench.run("text", bench.program("rune"))
    three = bench.run("tools:3", bench.program("rune"))
    ten = bench.run("tools:10", bench.program("rune"))

    def row(what, samples, unit, bound):
        rows.append((what, median(samples), unit, p99(samples), bound))

    row("/bin/true as a whole process", floor["wall"], "ms", None)
    row("rune --version", version["wall"], "ms", 3)
    row("  memory", version["rss"], "MiB", None)
    row("one turn, instant model", one["wall"], "ms", 15)
    row("  to the first request", one["first"], "ms", None)
    row("  exit tail", one["tail"], "ms", 2)
    row("  memory", one["rss"], "MiB", 12)
    row("  first request", one["request"], "bytes", 8192)
    row("three confined tool calls", three["wall"], "ms", 40)
    row("  step gap (answer to next request)", three["gap"], "ms", 8)
    row("  exit tail", three["tail"], "ms", None)
    row("  memory", three["rss"], "MiB", None)
    row("  sent", three["sent"], "bytes", 28672)
    row("ten confined tool calls", ten["wall"], "ms", None)
    row("  step gap", ten["gap"], "ms", None)
    row("  memory", ten["rss"], "MiB", None)
    return rows, median(floor["wall"])


def show(rows, floor=None):
    print(f"{'':44} {'median':>10} {'':6} {'p99':>10} {'x floor' if floor else '':>8} {'bound':>8}")
    failed = []
    for what, value, unit, tail, bound in rows:
        holds = bound is None or value <= bound
        failed += [] if holds else [what.strip()]
        print(f"{what:44} {value:10.2f} {unit:6} {'' if tail is None else f'{tail:10.2f}':>10} "
              f"{f'{value / floor:8.1f}' if floor and unit == 'ms' else '':>8} {'' if bound is None else f'{bound:g}':>8} {'' if holds else 'MISSED'}")
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=os.path.join(ROOT, "build", "dev", "bin"))
    parser.add_argument("--count", type=int, default=21, help="whole runs per line; launches are ten times as many")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--json", help="write the rows there, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rune-bench.", dir="/var/tmp") as folder:
        os.chmod(folder, 0o755)
        rows, floor = measure(Bench(os.path.abspath(options.bin), options.count, folder))
    failed = show(rows, floor)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as out:
            json.dump([dict(zip(("what", "median", "unit", "p99", "bound"), row)) for row in rows], out, indent=1)
    if options.check and failed:
        sys.exit(f"bench: over its bound: {', '.join(failed)}")


if __name__ == "__main__":
    main()
