#!/usr/bin/env python3
"""Hostile commands against the network guard, one sandbox each; see hostile.c. Prints TAP.

usage: hostile.py --bin DIR --hostile FILE [--seconds S] [--only ACT,...]

Witnesses, all outside: what arrived at the forbidden listener (nothing may), that an allowed address that does not change is
never refused, that the sandbox ends soon after the command and leaves no process, and what the guard's processes hold.
"""
import argparse
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time

ACTS = {"connect": "flips the port under connect", "sendto": "flips the port under sendto", "sendmsg": "flips the port under sendmsg",
        "sendmmsg": "flips the port under sendmmsg", "steady": "connects to what is allowed, and nothing flips",
        "flood": "connects 10,000 times, from ten processes", "churn": "makes and closes 4,000 sockets", "hoard": "makes sockets until none can be had",
        "threads": "connects from a thousand threads", "hidden": "connects while it is not dumpable",
        "vfork": "connects in children that share its memory", "storm": "connects while signals rain",
        "killed": "is killed in the middle of a connect"}
RACES = ("connect", "sendto", "sendmsg", "sendmmsg")


class Listener:
    """TCP and UDP on one port of loopback; counts what arrives."""

    def __init__(self) -> None:
        self.arrived = 0
        while True:
            self.stream, self.datagram = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.stream.bind(("127.0.0.1", 0))
            self.port = self.stream.getsockname()[1]
            try:
                self.datagram.bind(("127.0.0.1", self.port))
                break
            except OSError:
                self.stream.close()
                self.datagram.close()
        self.stream.listen(1024)
        for work in (self._accept, self._receive):
            threading.Thread(target=work, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.stream.accept()
            except OSError:
                continue
            self.arrived += 1
            client.close()

    def _receive(self) -> None:
        while True:
            try:
                self.datagram.recv(64)
            except OSError:
                continue
            self.arrived += 1


def descendants(pid: int) -> dict[int, dict]:
    """Descriptors and memory (kB) of every process below `pid` that is the sandbox's own program."""
    found, level = {}, [pid]
    while level:
        current = level.pop()
        try:
            for task in os.listdir(f"/proc/{current}/task"):
                level += [int(c) for c in pathlib.Path(f"/proc/{current}/task/{task}/children").read_text().split()]
            comm = pathlib.Path(f"/proc/{current}/comm").read_text().strip()
            if comm.startswith("rune-sandbox"):
                status = pathlib.Path(f"/proc/{current}/status").read_text()
                memory = int(status.split("VmHWM:")[1].split()[0])
                found[current] = {"descriptors": len(os.listdir(f"/proc/{current}/fd")), "memory": memory}
        except (OSError, IndexError, ValueError):
            continue
    return found


def run(arguments: argparse.Namespace, act: str, allowed: Listener, forbidden: Listener, scratch: str) -> list[str]:
    """What is wrong; empty: nothing."""
    program, seconds = str(pathlib.Path(arguments.hostile).resolve()), arguments.seconds
    before = forbidden.arrived
    command = [str(pathlib.Path(arguments.bin).resolve() / "rune-sandbox"), "--system", "--rox", program, "--net", "guarded", "--allow-domain",
               f"127.0.0.1:{allowed.port}", "--pids", "2000", "--memory", "1G", "--timeout", str(seconds + 60), "--env", f"ESCAPE_ALLOWED={allowed.port}",
               "--env", f"ESCAPE_FORBIDDEN={forbidden.port}", "--", program, act, str(seconds)]
    output = pathlib.Path(scratch) / f"{act}.out"
    began, most = time.monotonic(), {"descriptors": 0, "memory": 0}
    with open(output, "wb") as file:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, cwd="/", start_new_session=True)
        limit = began + seconds + 45
        while process.poll() is None and time.monotonic() < limit:
            for held in descendants(process.pid).values():
                most = {key: max(most[key], held[key]) for key in most}
            time.sleep(0.05)
    wrong = []
    if process.poll() is None:
        process.kill()
        process.wait()
        wrong.append(f"it hangs: not over after {seconds + 45:.0f} s")
    time.sleep(0.05)
    text = output.read_text(errors="replace")
    said = next((json.loads(line) for line in text.splitlines() if line.startswith("{")), None)
    if said is None:
        wrong.append(f"the command said nothing (exit status {process.returncode}): {text[-300:]}")
        said = {}
    if forbidden.arrived != before:
        wrong.append(f"{forbidden.arrived - before} arrived at the forbidden listener")
    if act not in RACES and said.get("passed", 0) and act != "steady":
        wrong.append(f"{said['passed']} connected")
    if act == "steady" and (said.get("refused", 1) or not said.get("passed")):
        wrong.append(f"what is allowed was refused: {said}")
    if act == "storm" and said.get("allowed", 0) < said.get("tries", 1):
        wrong.append(f"what is allowed was refused while signals rained: {said}")
    if said.get("unmade") or (act == "churn" and said.get("made") != said["tries"]):
        wrong.append(f"sockets could not be made: {said}")
    left = [pid for pid in os.listdir("/proc") if pid.isdigit() and _runs(pid, program)]
    if left:
        wrong.append(f"processes left: {left}")
    print(f"# {act}: {json.dumps(said)}, {time.monotonic() - began:.1f} s; the sandbox held at most {most['descriptors']} descriptors "
          f"and {most['memory']} kB", flush=True)
    return wrong


def _runs(pid: str, program: str) -> bool:
    try:
        return os.readlink(f"/proc/{pid}/exe") == program
    except OSError:
        return False


def race_is_real(arguments: argparse.Namespace, allowed: Listener, forbidden: Listener) -> list[str]:
    """The control: outside, flipping reaches the forbidden listener by each of the four calls."""
    wrong = []
    for act in RACES:
        before = forbidden.arrived
        subprocess.run([arguments.hostile, act, "0.3"], stdout=subprocess.DEVNULL, check=True,
                       env={"ESCAPE_ALLOWED": str(allowed.port), "ESCAPE_FORBIDDEN": str(forbidden.port)})
        time.sleep(0.05)
        if forbidden.arrived == before:
            wrong.append(f"{act}: nothing arrived outside either")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--hostile", required=True)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--only", default=",".join(ACTS))
    arguments = parser.parse_args()
    allowed, forbidden = Listener(), Listener()
    acts = arguments.only.split(",")
    print(f"1..{len(acts) + 1}")
    failed = False

    def report(number: int, what: str, wrong: list[str]) -> bool:
        print(f"{'not ok' if wrong else 'ok'} {number} {what}")
        for line in wrong:
            print(f"# {line}", flush=True)
        return bool(wrong)

    failed |= report(1, "outside, flipping a port reaches what is forbidden", race_is_real(arguments, allowed, forbidden))
    with tempfile.TemporaryDirectory(dir="/var/tmp") as scratch:
        for number, act in enumerate(acts, 2):
            failed |= report(number, f"a command that {ACTS[act]}", run(arguments, act, allowed, forbidden, scratch))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
