#!/usr/bin/python3
"""Runs one command as a strict supervisor would and reports what became of it.

    supervise.py [--report FILE] [--timeout S] [--stdin FILE|open|null] [--when FILE --signal NAME [--to parent|group]] -- COMMAND...

The command leads its own process group. Every descendant is adopted (prctl(2) PR_SET_CHILD_SUBREAPER), so whatever outlives the
command is seen, reported as a leftover and killed. `--when FILE` sends the signal as soon as FILE exists and is not empty.
Exit code: the command's, 128 + signal when a signal ended it, 124 when the time ran out.
The report: {"exit", "wall_ms", "signal_to_exit_ms", "max_rss_kb", "timed_out", "leftovers": [command lines], "core": bool}.
"""

import argparse
import ctypes
import json
import os
import signal
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
GRACE_S = 0.5  # what a dying tree may take to be gone after the command


def children():
    """(pid, command line) of every living child, zombies reaped."""
    found = []
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as text:
        pids = text.read().split()
    for pid in map(int, pids):
        if os.waitpid(pid, os.WNOHANG)[0] == 0:
            with open(f"/proc/{pid}/cmdline", "rb") as line:
                found.append((pid, line.read().replace(b"\0", b" ").decode("utf-8", "replace").strip()))
    return found


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--report")
    parser.add_argument("--timeout", type=float, default=30)
    parser.add_argument("--stdin")
    parser.add_argument("--when")
    parser.add_argument("--signal", default="TERM")
    parser.add_argument("--to", choices=["parent", "group"], default="parent")
    parser.add_argument("command", nargs="+")
    return parser.parse_args()


def start(options):
    """Forks and execs; returns the pid. An open standard input is a pipe whose writing end this process keeps."""
    if options.stdin == "open":
        read_end, write_end = os.pipe()
        os.set_inheritable(write_end, False)
    elif options.stdin:
        read_end = os.open("/dev/null" if options.stdin == "null" else options.stdin, os.O_RDONLY)
    else:
        read_end = 0
    pid = os.fork()
    if pid:
        try:
            os.setpgid(pid, pid)  # both sides do it: neither may come too late
        except PermissionError:
            pass                  # it has done its own and runs the command already
        return pid
    os.setpgid(0, 0)
    os.dup2(read_end, 0)
    for name in (signal.SIGPIPE, signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_DFL)
    try:
        os.execvp(options.command[0], options.command)
    except OSError as error:
        os.write(2, f"supervise: {options.command[0]}: {error}\n".encode())
        os._exit(127)


def main():
    options = parse()
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        sys.exit("supervise: prctl failed")
    began = time.monotonic()
    pid = start(options)
    waiting_for, signalled, timed_out = options.when, None, False
    while True:
        gone, status, usage = os.wait4(pid, os.WNOHANG)
        if gone:
            break
        if waiting_for and os.path.exists(waiting_for) and os.path.getsize(waiting_for):
            waiting_for, signalled = None, time.monotonic()
            number = getattr(signal, "SIG" + options.signal)
            (os.killpg if options.to == "group" else os.kill)(pid, number)
        if time.monotonic() - began > options.timeout and not timed_out:
            timed_out = True
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)
    ended = time.monotonic()
    left = children()
    while left and time.monotonic() - ended < GRACE_S:
        time.sleep(0.01)
        left = children()
    leftovers = left
    while left:  # killing one hands its children to us
        for child, _ in left:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.005)
        left = children()
    code = 124 if timed_out else os.waitstatus_to_exitcode(status)
    code = 128 - code if code < 0 else code
    if options.report:
        with open(options.report, "w", encoding="utf-8") as out:
            json.dump({"exit": code, "wall_ms": round((ended - began) * 1000, 1), "timed_out": timed_out,
                       "signal_to_exit_ms": round((ended - signalled) * 1000, 1) if signalled else None,
                       "max_rss_kb": usage.ru_maxrss, "core": os.WCOREDUMP(status), "leftovers": [line for _, line in leftovers]}, out)
    if timed_out:
        os.write(2, f"supervise: killed after {options.timeout} s\n".encode())
    os._exit(code)


if __name__ == "__main__":
    main()
