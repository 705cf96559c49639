#!/usr/bin/python3
"""Many turns against a model on loopback: nothing may grow, and one connection must do.

    soak.py [--bin DIR] [--count N] [--tls] WIRE       the client of the providers alone
    soak.py [--bin DIR] [--count N] [--tls] agent      a run of `rune`, one confined tool call a turn, over openai-chat

What the process holds (RSS, descriptors) is read at the server, between two turns: after a tenth of them, which is the
warm-up, and at the last. Prints one line; exit 1 when memory grew by more than 2 MiB, a descriptor was gained, a second
connection or handshake was made, or a turn failed.
"""

import argparse
import os
import subprocess
import sys
import tempfile

from turn_server import ENDPOINTS, ROOT, TurnServer, make_certificate, response_of

MAX_GROWTH_KIB = 2048
WARM_UP = 10  # the part of the turns that is one
TEXT = "Nothing in particular, said at some length. " * 20


def held_by(pid):
    """(RSS in KiB, descriptors). Only root sees the descriptors of `rune`, which is not dumpable: None for others."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as text:
        pages = int(text.read().split()[1])
    try:
        descriptors = len(os.listdir(f"/proc/{pid}/fd"))
    except PermissionError:
        descriptors = None
    return pages * os.sysconf("SC_PAGESIZE") // 1024, descriptors


class Watch:
    """Reads what a process holds at two turns."""

    def __init__(self, count):
        self.count, self.pid, self.samples = count, None, {}

    def __call__(self, number):
        if number in (self.count // WARM_UP + 1, self.count):
            self.samples[number] = held_by(self.pid)

    def both(self):
        return [self.samples.get(number) for number in (self.count // WARM_UP + 1, self.count)]


def wire_answers(wire, count):
    """By turns a call with its thought, and text; the ids repeat, as they do with careless servers."""
    answers = [{"text": TEXT}, {"reasoning": "So be it.", "tool_calls": [{"name": "execute_cmd", "args": {"cmd": "true"}}]}]
    ready = [response_of(wire, answer, number) for number, answer in enumerate(answers)]
    return lambda number: ready[0 if number == count else number % 2]


def agent_answers(count):
    def answer(number):
        if number == count:
            return response_of("openai-chat", {"text": "DONE"}, number)
        call = {"name": "execute_cmd", "args": {"cmd": f"echo step{number}"}}
        return response_of("openai-chat", {"text": TEXT, "tool_calls": [call]}, number)

    return answer


def settings(folder):
    """A home for `rune`: turns without end, in a window so small that old ones are forgotten soon."""
    home, work = os.path.join(folder, "home"), os.path.join(folder, "work")
    os.makedirs(os.path.join(home, ".rune"))
    os.makedirs(work)
    path = os.path.join(home, ".rune", "rune.toml")
    with open(path, "w", encoding="utf-8") as config:
        config.write('max_steps = 0\ntimeout_secs = 0\ncontext_window = 16000\n[policy]\nallowed_commands = ["echo"]\n')
    os.chmod(path, 0o600)
    return home, work


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=[*ENDPOINTS, "agent"])
    parser.add_argument("--bin", default=os.path.join(ROOT, "build", "dev", "bin"))
    parser.add_argument("--count", type=int, default=10000)
    parser.add_argument("--tls", action="store_true")
    options = parser.parse_args()
    watch = Watch(options.count)
    with tempfile.TemporaryDirectory(prefix="rune-soak.", dir="/var/tmp") as folder:
        os.chmod(folder, 0o755)
        certificate = make_certificate(folder) if options.tls else None
        env = {"PATH": "/usr/bin:/bin", **({"SSL_CERT_FILE": certificate[0]} if options.tls else {})}
        answers = agent_answers(options.count) if options.what == "agent" else wire_answers(options.what, options.count)
        server = TurnServer(answers, watch, certificate)
        if options.what == "agent":
            home, work = settings(folder)
            env |= {"HOME": home, "RUNE_API_KEY": "sk-soak-0123456789", "RUNE_MODEL": "m", "RUNE_BASE_URL": server.origin() + "/v1"}
            command = [os.path.join(options.bin, "rune"), "-p", "go"]
        else:
            work, base = folder, server.origin() + ENDPOINTS[options.what][1]
            command = [os.path.join(options.bin, "soak_client"), options.what, base, str(options.count)]
        said = os.path.join(folder, "stderr")
        with open(said, "wb") as stderr:
            process = subprocess.Popen(command, env=env, cwd=work, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr)
            watch.pid = process.pid
            status = process.wait()
        if status != 0:
            with open(said, encoding="utf-8", errors="replace") as text:
                sys.stderr.write("".join(text.readlines()[-10:]))
    report(options, server, watch, status)


def report(options, server, watch, status):
    what = f"{options.what}{' over TLS' if options.tls else ''}"
    (first, last), found = watch.both(), []
    if status != 0:
        found.append(f"exit code {status}")
    if len(server.turns) != options.count:
        found.append(f"{len(server.turns)} turns instead of {options.count}")
    if first is None or last is None:
        sys.exit(f"soak: {what}: {', '.join(found) or 'no samples'}")
    memory, seen = last[0] - first[0], last[1] is not None
    descriptors = f"{last[1] - first[1]:+d} descriptors to {last[1]}" if seen else "descriptors not seen (needs root)"
    print(f"{what}: {len(server.turns)} turns, {memory:+d} KiB to {last[0]} KiB, {descriptors}, {server.connections} connections, "
          f"{server.handshakes} handshakes")
    if memory > MAX_GROWTH_KIB:
        found.append(f"memory grew by {memory} KiB")
    if seen and last[1] > first[1]:
        found.append(f"{last[1] - first[1]} descriptors were gained")
    if server.connections != 1 or (options.tls and server.handshakes != 1):
        found.append("more than one connection")
    if found:
        sys.exit(f"soak: {what}: {', '.join(found)}")


if __name__ == "__main__":
    main()
