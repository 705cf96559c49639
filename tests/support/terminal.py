#!/usr/bin/python3
"""Runs a program on a terminal of its own, as a person would: waits for what it shows, and types.

terminal.py [--timeout SECONDS] STEP... -- PROGRAM...
STEP: `see:TEXT` waits until TEXT is shown (after what the step before has seen), `type:TEXT` types it, `key:TEXT` types it
without a newline, `file:PATH` waits for a file. Prints what was shown; exit code of the program, 124 when a wait was in vain.
"""
import os
import pty
import select
import sys
import time


class Terminal:
    def __init__(self, program: list[str], timeout: float):
        self.shown = b""
        self.seen = 0
        self.end = time.monotonic() + timeout
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvp(program[0], program)

    def pump(self, wait: float) -> bool:
        """False: the program has closed its terminal."""
        if not select.select([self.fd], [], [], wait)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.shown += data
        return bool(data)

    def until(self, done) -> None:
        while not done():
            if time.monotonic() > self.end or not (self.pump(0.02) or done()):
                raise TimeoutError

    def see(self, text: bytes) -> None:
        self.until(lambda: self.shown.find(text, self.seen) >= 0)
        self.seen = self.shown.find(text, self.seen) + len(text)

    def step(self, step: str) -> None:
        kind, _, text = step.partition(":")
        if kind == "see":
            self.see(text.encode())
        elif kind == "file":
            self.until(lambda: os.path.exists(text))
        elif kind in ("type", "key"):
            os.write(self.fd, text.encode() + (b"\n" if kind == "type" else b""))
        else:
            raise ValueError(step)

    def finish(self) -> int:
        while time.monotonic() < self.end and self.pump(0.1):
            pass
        if time.monotonic() >= self.end:
            raise TimeoutError
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def main() -> int:
    arguments = sys.argv[1:]
    timeout = 30.0
    if arguments[0] == "--timeout":
        timeout, arguments = float(arguments[1]), arguments[2:]
    at = arguments.index("--")
    terminal = Terminal(arguments[at + 1:], timeout)
    try:
        for step in arguments[:at]:
            current = step
            terminal.step(step)
        current = "its end"
        status = terminal.finish()
    except TimeoutError:
        os.kill(terminal.pid, 9)
        print(f"[in vain: {current}]", file=sys.stderr)
        status = 124
    sys.stdout.buffer.write(terminal.shown)
    return status


sys.exit(main())
