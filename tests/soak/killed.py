#!/usr/bin/python3
"""Kills whoever holds a command, at random moments, and counts what survives.

    killed.py [--bin DIR] [--count N] [--parallel N]

First N sandboxes at once, each with daemons of its command: when they have ended nothing may be left. Then, COUNT times, a
sandbox whose command starts daemons is killed at a random moment: the program that was started, its guardian, or both
(SIGKILL). What is left is counted at once, and again after the next start, which clears what a dead run left where it
had a control group. Prints one line; exit 1 when a process or a control group stands after that.
"""

import argparse
import glob
import os
import random
import signal
import subprocess
import sys
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
WHO = ("caller", "guardian", "both")
PATIENCE = 10.0  # for what is killed to be gone, on a busy machine


def marked(mark):
    """Processes whose command line holds the mark."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as text:
                if mark in text.read():
                    found.append(int(path.split("/")[2]))
        except OSError:
            continue
    return found


def children_of(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as text:
            return [int(word) for word in text.read().split()]
    except OSError:
        return []


def groups(pids):
    return [path for pid in pids for path in glob.glob(f"/sys/fs/cgroup/**/rune-{pid}-*/", recursive=True)]


def lives(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as text:
            return text.read().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


def gone(what):
    """What `what()` lists once it is nothing, or when patience is over."""
    end = time.monotonic() + PATIENCE
    while (left := what()) and time.monotonic() < end:
        time.sleep(0.02)
    return left


class Killing:
    def __init__(self, options):
        self.sandbox = os.path.join(options.bin, "rune-sandbox")
        self.mark = f"6{random.randrange(10**8, 10**9)}"  # seconds: no daemon ends by itself
        self.guardians = []
        self.at_once = {who: 0 for who in WHO}

    def start(self, last):
        daemons = f"for i in 1 2 3; do (setsid sleep {self.mark} &) & done; setsid sh -c 'sleep {self.mark} & sleep {self.mark}' & {last}"
        return subprocess.Popen([self.sandbox, "--system", "--pids", "64", "--", "/bin/sh", "-c", daemons], stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)

    def left(self):
        mine = os.getpid()
        return [pid for pid in marked(self.mark.encode()) if pid != mine]

    def parallel(self, count):
        running = [self.start("sleep 0.2") for _ in range(count)]
        codes = [process.wait(60) for process in running]
        left = self.left()
        if any(codes):
            return f"of {count} at once {sum(code != 0 for code in codes)} failed"
        return f"of {count} at once {len(left)} processes are left" if left else ""

    def once(self, who):
        process = self.start(f"sleep {self.mark}")
        time.sleep(random.uniform(0, 0.12))
        guardian = children_of(process.pid)
        self.guardians += guardian
        victims = {"caller": [process.pid], "guardian": guardian, "both": [*guardian, process.pid]}[who]
        for pid in victims:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if not victims:  # too early for a guardian: the caller it is, or nothing would ever end
            process.kill()
        process.wait(PATIENCE)
        gone(lambda: [pid for pid in victims if lives(pid)])
        # With one of the two alive nothing may be left; without both it is the next start's.
        if who != "both" and gone(self.left):
            return f"{len(self.left())} processes outlived the {who}"
        self.at_once[who] += len(self.left()) > 0
        return ""

    def next_start(self):
        subprocess.run([self.sandbox, "--system", "--", "/bin/true"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=os.path.join(ROOT, "build", "dev", "bin"))
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--parallel", type=int, default=50)
    options = parser.parse_args()
    killing = Killing(options)
    found = [text for text in [killing.parallel(options.parallel)] if text]
    for number in range(options.count):
        who = WHO[number % len(WHO)]
        found += [text for text in [killing.once(who)] if text]
        if who == "both":
            killing.next_start()
            left = gone(killing.left)
            if left:
                found.append(f"{len(left)} processes outlived caller and guardian, and the next start")
                for pid in left:
                    os.kill(pid, signal.SIGKILL)
        if found:
            break
    killing.next_start()
    left = groups(killing.guardians)
    if left:
        found.append(f"{len(left)} control groups are left, {left[0]}")
    print(f"{options.parallel} at once, {options.count} killed, after {killing.at_once['both']} of which something stood until the next start")
    if found:
        sys.exit("soak: " + "; ".join(found))


if __name__ == "__main__":
    main()
