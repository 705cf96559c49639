#!/usr/bin/env python3
"""Runs the attempts in the environment it is started in: outside of the sandbox (the control) and inside, and judges each
by what happened outside. Prints lines of JSON; tests/escape/matrix starts it in every environment and prints the table.

usage: run.py --environment NAME --bin DIR --programs DIR [--only ID,...]
  --bin       holds rune-sandbox
  --programs  holds escape_attempt, readable and executable by everyone; beside it, made by root where there is one: suid, a
              set-user-id copy, and filecap, a copy with a file capability
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading

sys.dont_write_bytecode = True
import profiles
import sinks
import witness

HERE = pathlib.Path(__file__).resolve().parent


def emit(**line: object) -> None:
    print(json.dumps(line), flush=True)


class Environment:
    def __init__(self, arguments: argparse.Namespace) -> None:
        self.name = arguments.environment
        self.sandbox = str(pathlib.Path(arguments.bin).resolve() / "rune-sandbox")
        self.program = str(pathlib.Path(arguments.programs).resolve() / "escape_attempt")
        listed = subprocess.run([self.program, "--list"], check=True, capture_output=True, text=True).stdout
        self.attempts = sorted((json.loads(line) for line in listed.splitlines()), key=lambda a: a["id"])
        for attempt in self.attempts:
            if attempt["layer"] in ("network", "names") and attempt["profile"] == "tool":
                attempt["profile"] = "network"
        if arguments.only:
            self.attempts = [a for a in self.attempts if re.fullmatch(arguments.only.replace(",", "|"), a["id"])]
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="escape-", dir=os.environ.pop("ESCAPE_SCRATCH", "/var/tmp")))
        os.chmod(self.scratch, 0o755)
        self.layers = self._layers()
        self.sinks = sinks.Sinks(self.scratch / "sockets")
        self.foreign = {"addresses": sinks.has_foreign_addresses(socket.AF_INET), "ipv6": sinks.has_foreign_addresses(socket.AF_INET6)}
        self.guarded = "--allow-domain" in subprocess.run([self.sandbox, "--help"], capture_output=True, text=True).stdout
        mechanism = self.layers["landlock"]["mechanism"]
        found = re.search(r"ABI (\d+)", mechanism)
        self.landlock = int(found.group(1)) if found else 0

    def _layers(self) -> dict[str, dict]:
        """What the sandbox itself says of its layers here."""
        report = self.scratch / "report.json"
        done = subprocess.run([self.sandbox, "--system", "--report", report, "--", "/bin/true"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, cwd="/")
        if done.returncode != 0:
            raise SystemExit(f"run.py: rune-sandbox cannot run /bin/true here: {done.stderr}")
        return {layer["layer"]: layer for layer in json.loads(report.read_text())["layers"]}

    def lacks(self, attempt: dict) -> str:
        """Why the attempt means nothing here; empty: it does."""
        needs = attempt["needs"]
        if needs == "landlock" and self.landlock == 0:
            return "no Landlock: " + self.layers["landlock"]["why"]
        if needs.startswith("landlock>=") and self.landlock < int(needs.split("=")[1]):
            return f"Landlock ABI {self.landlock}, it takes {needs.split('=')[1]}"
        if needs == "own pids" and "own process ids" not in self.layers["landlock"]["mechanism"]:
            return "no process ids of its own can be had here"
        if needs == "no own ipc" and "own ipc" in self.layers["landlock"]["mechanism"]:
            return "the run has its own"
        if needs == "sudo" and not shutil.which("sudo"):
            return "no sudo here"
        if not self.foreign.get(needs, True):
            return "foreign addresses are not laid on the loopback device here"
        return ""

    def fixture(self, name: str, attempts: list[dict], writable_by_all: bool) -> witness.Fixture:
        base = self.scratch / f"{name}-{os.urandom(3).hex()}"
        base.mkdir()
        modes = "open" if self.landlock else "private"
        return witness.Fixture(str(base), self.program, attempts, modes, writable_by_all)

    def batches(self, attempts: list[dict], run: str) -> list[tuple[str, list[dict]]]:
        """(profile, attempts) for each start. Outside there are no flags, so only what must be alone is."""
        together: dict[str, list[dict]] = {}
        alone = []
        for attempt in attempts:
            profile = attempt["profile"]
            if profile.startswith("alone-"):
                alone.append((profile, [attempt]))
            else:
                together.setdefault("tool" if run == "control" else profile, []).append(attempt)
        return [*together.items(), *alone]


def parse_results(text: str) -> dict[str, str]:
    results = {}
    for line in text.splitlines():
        if line.startswith('{"id":'):
            entry = json.loads(line)
            results[entry["id"]] = entry["result"]
    return results


_AT_ONCE = threading.Semaphore(2)


def run(environment: Environment, name: str, attempts: list[dict]) -> dict[str, dict]:
    """Every attempt. name: "control" is outside, as who we are; the others are inside: "owner", with a writable directory
    that belongs to who we are, so that root's commands stay uid 0; "unused", where everyone may write it, so that root's
    commands get an unused uid; "closed", with the network closed instead of guarded."""
    fixture = environment.fixture(name, attempts, writable_by_all=name == "unused")
    outcomes: dict[str, dict] = {}
    left: dict[str, list[str]] = {}
    try:
        fixture.start_victims()
        before = fixture.picture()

        def start(batch: tuple[str, list[dict]]) -> None:
            profile, members = batch
            with _AT_ONCE:
                output, status = profiles.start(environment, fixture, profile, members, name)
            ours = {f"esc-{a['id']}-{name}" for a in members}
            for pid, comm in witness.processes_named("esc-", f"-{name}").items():
                if comm in ours:
                    left.setdefault(comm, []).append(f"process left: {pid}")
            results = parse_results(output)
            for attempt in members:
                missing = "limit" if status == 124 else f"SIG{signal.Signals(status - 128).name[3:]}" if 128 < status < 160 else \
                    f"nothing said (exit status {status})"
                outcomes[attempt["id"]] = {"result": results.get(attempt["id"], missing)}

        batches = environment.batches(attempts, name)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            list(pool.map(start, batches))
        environment.sinks.settle()
        after = fixture.picture()
        if name == "control":
            witness.kill_all("esc-", f"-{name}")
    finally:
        fixture.clean()
    for attempt in attempts:
        key = attempt["id"]
        changes = witness.difference(before[key], after[key]) + fixture.tty_changes.get(key, [])
        changes += left.get(f"esc-{key}-{name}", [])[:1]
        changes += sorted(set(environment.sinks.reached_by(key, name)))
        outcomes[key]["changes"] = changes
    return outcomes


def matches(result: str, refused: str) -> bool:
    return any(result == word or (word == "exit" and result.startswith("exit ")) for word in refused.split())


def verdict(attempt: dict, within: dict, without: dict) -> tuple[str, str]:
    """("closed" | "OPEN" | "unexpected" | "absent", why)."""
    result = within["result"]
    if attempt["judge"] == "work":
        if without["result"] != "worked":
            return "absent", "it does not work outside either: " + without["result"]
        arrived = within["changes"] or not without["changes"]
        return ("works", "") if result == "worked" and arrived else ("unexpected", f"{result}, and it should work")
    if within["changes"]:
        return "OPEN", "; ".join(within["changes"][:4])
    if result.startswith("absent: "):
        same = without["result"] == result
        return ("absent" if same else "unexpected"), result.removeprefix("absent: ")
    if attempt["judge"] == "witness":
        # The act may succeed on something that is not the outside, or fail as it likes, but it must have been tried.
        tried = result == "worked" or re.match(r"E[A-Z0-9]+$", result) or matches(result, attempt["refused"])
        return ("closed", result) if tried else ("unexpected", f"{result}, so that nothing was tried")
    if result == "worked":
        return "OPEN", "it worked"
    # An outer filter may answer first, with an error of its own.
    if matches(result, attempt["refused"]) or (result.startswith("E") and result == without["result"]):
        return "closed", result
    return "unexpected", f"{result} instead of {attempt['refused']}"


def control_says(attempt: dict, without: dict) -> tuple[str, str]:
    """("works" | "closed" | "blind" | "not run", why)."""
    result = without["result"]
    if result.startswith("not run: "):
        return "not run", result.removeprefix("not run: ")
    seen = bool(without["changes"])
    if attempt["judge"] in ("effect", "witness") and result == "worked" and not seen:
        return "blind", "it worked, and the witness saw nothing"
    # Where the addresses are laid, nothing outside stands in the way: what fails there is the witness's own end.
    if attempt["judge"] == "witness" and attempt["needs"] in ("addresses", "ipv6") and not seen:
        return "blind", f"the witness saw nothing: {result}"
    if result == "worked" or seen:
        return "works", "; ".join(without["changes"][:2])
    return "closed", result


def judge(environment: Environment) -> None:
    lacking = {a["id"]: environment.lacks(a) for a in environment.attempts}
    attempts = [a for a in environment.attempts if not lacking[a["id"]]]
    without = run(environment, "control", [a for a in attempts if not a["outside"]])
    # On a busy machine a witness may look too early; one that is blind twice is blind.
    blind = [a for a in attempts if not a["outside"] and control_says(a, without[a["id"]])[0] == "blind"]
    if blind:
        without.update(run(environment, "control", blind))
    for attempt in attempts:
        if attempt["outside"]:
            without[attempt["id"]] = {"result": "not run: " + attempt["outside"], "changes": []}
    on_network = [a for a in attempts if a["layer"] in ("network", "names") and a["judge"] != "work"]
    runs = {"owner": attempts}
    if os.getuid() == 0:
        runs["unused"] = attempts
    if environment.guarded:
        runs["closed"] = on_network
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        within = dict(zip(runs, pool.map(lambda name: run(environment, name, runs[name]), runs)))
    for attempt in environment.attempts:
        name = attempt["id"]
        common = {"id": name, "layer": attempt["layer"], "what": attempt["what"]}
        if lacking[name]:
            emit(**common, variant="", verdict="absent", why=lacking[name], control="not run", control_why=lacking[name])
            continue
        says, control_why = control_says(attempt, without[name])
        for variant in runs:
            if name in within[variant]:
                judged, why = verdict(attempt, within[variant][name], without[name])
                emit(**common, variant=variant, verdict=judged, why=why, control=says, control_why=control_why)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--environment", required=True)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--programs", required=True)
    parser.add_argument("--only", default="")
    environment = Environment(parser.parse_args())
    try:
        emit(environment=environment.name, uid=os.getuid(), layers=environment.layers)
        judge(environment)
    finally:
        environment.sinks.stop()
        shutil.rmtree(environment.scratch, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
