#!/usr/bin/python3
"""What talking to a model costs: per wire the decoding of a stream and the encoding of a long history, each against simdjson
on the same bytes, then whole runs of `rune` with a confined call in each turn.

    tests/bench/provider_bench.py [--bin DIR] [--count N] [--check] [--json FILE]

Every pair that makes a ratio is measured alternately, so that the noise of the machine meets both. The time between an answer
and the next request is taken at the server, from the last byte sent to the first one received, less the wall time of the
tool as the trace has it. Without simdjson (libsimdjson-dev at build time) the wires are left out, and that is said.
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
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(ROOT, "tests", "soak"))
from bench import p99, show  # noqa: E402
from turn_server import ENDPOINTS, TurnServer, response_of, stream_of  # noqa: E402

median = statistics.median
WORDS = "The quick answer, as \"they\" say, is né à Zürich: {}\n"
TURNS, FEW = 60, 10
# What was measured (7 to 14, and 4 to 6, as the caches of the machine are shared with others), and about a half more.
MOST_DECODE, MOST_ENCODE = 20, 9


def corpus(wire):
    """A long answer in pieces of a token or two, a thought before it and calls behind it."""
    text = "".join(WORDS.format(k) for k in range(800))
    calls = [{"name": "write_file", "args": {"path": f"/tmp/{k}", "content": text[:8000]}} for k in range(4)]
    return b"".join(stream_of(wire, {"reasoning": text[:8000], "text": text, "tool_calls": calls, "chunk": 8}, 1))


class ProviderBench:
    def __init__(self, bin_dir, count, folder):
        self.bin, self.count, self.folder = bin_dir, count, folder

    def measured(self, *arguments):
        done = subprocess.run([os.path.join(self.bin, "provider_bench"), *map(str, arguments)], stdout=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise SystemExit(f"bench: provider_bench {arguments[0]} {arguments[1]} failed")
        return json.loads(done.stdout)

    def decode(self, wire, stream, count):
        path = os.path.join(self.folder, wire)
        with open(path, "wb") as out:
            out.write(stream)
        return self.measured("decode", wire, path, count)

    def growth(self, wire):
        """What twice as many pieces of nothing but blanks cost, which some models send without end: 2 when all is well."""
        once, twice = (median(self.decode(wire, b"".join(stream_of(wire, {"text": " " * size + "x", "chunk": 8}, 1)), 5)["decode_ms"])
                       for size in (16000, 32000))
        return twice / once

    def wire(self, wire):
        stream = self.decode(wire, corpus(wire), self.count)
        request = self.measured("encode", wire, 200, self.count)
        megabytes, body = stream["bytes"] / 1e6, request["bytes"] / 1e6
        decode, floor = median(stream["decode_ms"]), median(stream["simdjson_ms"])
        encode, read = median(request["encode_ms"]), median(request["simdjson_ms"])
        return [(f"{wire}: decode a MB of stream", decode / megabytes, "ms", p99(stream["decode_ms"]) / megabytes, None),
                ("  simdjson on its events", floor / megabytes, "ms", p99(stream["simdjson_ms"]) / megabytes, None),
                ("  ratio", decode / floor, "x", None, MOST_DECODE),
                ("  ratio of twice as many blank pieces", self.growth(wire), "x", None, 3),
                ("  encode 200 turns", encode, "ms", p99(request["encode_ms"]), None),
                ("  normalise them before", median(request["normalise_ms"]), "ms", p99(request["normalise_ms"]), None),
                ("  request", request["bytes"] / 1024, "KiB", None, None),
                ("  ratio of encode to simdjson reading it", encode / read, "x", None, MOST_ENCODE),
                ("  encode a MB of request", encode / body, "ms", None, None)]

    def run(self, wire, turns):
        """One run of `rune`: (CPU of the agent alone in ms, sent bytes of each request, gaps beyond the tool in ms)."""

        def answer(number):
            if number > turns:
                return response_of(wire, {"text": "DONE"}, number)
            return response_of(wire, {"text": "On.", "tool_calls": [{"name": "execute_cmd", "args": {"cmd": f"echo {number}"}}]}, number)

        place = tempfile.mkdtemp(dir=self.folder)
        os.chmod(place, 0o755)
        home, work, traces = (os.path.join(place, name) for name in ("home", "work", "traces"))
        os.makedirs(os.path.join(home, ".rune"))
        os.makedirs(work)
        path = os.path.join(home, ".rune", "rune.toml")
        with open(path, "w", encoding="utf-8") as config:
            config.write('max_steps = 0\n[policy]\nallowed_commands = ["echo"]\n')
        os.chmod(path, 0o600)
        ready = [answer(number) for number in range(1, turns + 2)]
        server = TurnServer(lambda number: ready[number - 1])
        provider, base = ENDPOINTS[wire]
        env = {"PATH": "/usr/bin:/bin", "HOME": home, "RUNE_API_KEY": "sk-bench-0123456789", "RUNE_MODEL": "m", "RUNE_PROVIDER": provider,
               "RUNE_WIRE": wire, "RUNE_BASE_URL": server.origin() + base, "RUNE_TRACE": "1", "RUNE_TRACE_DIR": traces}
        process = subprocess.Popen([os.path.join(self.bin, "rune"), "-p", "go"], env=env, cwd=work, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        with open(f"/proc/{process.pid}/schedstat", encoding="ascii") as text:  # its one thread, without guardian and tools
            cpu = int(text.read().split()[0]) / 1e6
        if process.wait() != 0 or len(server.turns) != turns + 1:
            raise SystemExit(f"bench: a run of {turns} turns over {wire} failed")
        with open(os.path.join(traces, os.listdir(traces)[0]), encoding="utf-8") as lines:
            tools = [event["wall_us"] / 1000 for event in map(json.loads, lines) if "wall_us" in event and "tool" in event]
        gaps = [after[0] - before[1] - tool for before, after, tool in zip(server.turns, server.turns[1:], tools, strict=False)]
        return cpu, [turn[2] for turn in server.turns], gaps

    def runs(self, wire):
        spent, sent, first, gaps = [], [], [], []
        for _ in range(max(3, self.count // 10)):
            few, _, _ = self.run(wire, FEW)
            many, bodies, between = self.run(wire, TURNS)
            spent.append((many - few) / (TURNS - FEW))
            sent, first, gaps = bodies, first + between[:1], gaps + between[1:]
        return [(f"{wire}: CPU of the agent, a turn of {TURNS}", median(spent), "ms", max(spent), 2),
                ("  first request", sent[0], "bytes", None, None),
                ("  sent more with each turn", (sent[-1] - sent[0]) / TURNS, "bytes", None, 1024),
                ("  sent in a turn, on average", sum(sent) / len(sent), "bytes", None, None),
                ("  answer to next request, less the tool", median(gaps), "ms", p99(gaps), 1),
                ("  at the first call, with the guardian's start", median(first), "ms", max(first), None)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=os.path.join(ROOT, "build", "dev", "bin"))
    parser.add_argument("--count", type=int, default=41)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--json")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="rune-bench.", dir="/var/tmp") as folder:
        os.chmod(folder, 0o755)
        bench = ProviderBench(os.path.abspath(options.bin), options.count, folder)
        if os.path.exists(os.path.join(bench.bin, "provider_bench")):
            rows += [row for wire in ENDPOINTS for row in bench.wire(wire)]
        else:
            print("skipped: decoding and encoding, for provider_bench was built without libsimdjson-dev")
        rows += [row for wire in ENDPOINTS for row in bench.runs(wire)]
    failed = show(rows)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as out:
            json.dump([dict(zip(("what", "median", "unit", "p99", "bound"), row)) for row in rows], out, indent=1)
    if options.check and failed:
        sys.exit(f"bench: over its bound: {', '.join(failed)}")


if __name__ == "__main__":
    main()
