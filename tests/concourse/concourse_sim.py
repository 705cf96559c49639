#!/usr/bin/python3
"""A Concourse made of one file: runs check, in and out as the web node and its workers do, and keeps what they would keep.

    concourse_sim.py STATE configure [--resource-dir DIR] < pipeline-resource.json     {"source": ...} of the resource
    concourse_sim.py STATE check [--from JSON]
    concourse_sim.py STATE get [--worker NAME] [--version JSON] [--params JSON] [--to DIR]
    concourse_sim.py STATE put [--params JSON] [--no-get] [--get-params JSON] [--inputs DIR] [--worker NAME] [--env NAME=VALUE]...
    concourse_sim.py STATE versions
    common: [--abort-when FILE] [--timeout S] [--stdin-raw FILE]

Every verb prints one JSON object: {"status": "succeeded" | "failed" | "errored", "exit", "message", "stdout", "stderr", "ms",
"leftovers": [...]} and what the verb has to say. The exit code is 0 when the step succeeded, 1 otherwise.

What is imitated (Concourse 8, sources atc/resource, atc/db, atc/exec, worker/runtime):
- stdin: one object as Go's encoder writes it (<, >, & and U+2028/9 escaped, keys sorted), no newline, then end of file;
  `version` and `params` are left out when empty, `source` is null when there is none;
- argv[0] is the full path, cwd is /, no terminal, an environment without HOME; BUILD_* for get and put only;
- stdout counts after exit 0 only; its first JSON value is taken, text before it is an error; versions are flat maps of strings;
- versions are told apart by the hash of the whole map; known ones change nothing, a new one moves all returned ones to the end;
- `in` is cached per worker, version and params; a put is followed by a get of the version that it made;
- abort and timeout send SIGTERM to the one process that was started, then SIGKILL ten seconds later; afterwards every process
  that is still there is a leftover.
"""

import argparse
import contextlib
import ctypes
import hashlib
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PR_SET_CHILD_SUBREAPER = 36
GRACE_S = 10.0  # between SIGTERM and SIGKILL
SETTLE_S = 0.3  # what a killed tree may take to be gone after the step


class ProtocolError(Exception):
    """Concourse would call the step errored."""


def go_json(value):
    """Text as encoding/json writes it."""
    text = json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def first_json(text):
    """The first JSON value; None for nothing but blanks, as Go's decoder gives io.EOF."""
    stripped = text.lstrip(" \t\r\n")
    if not stripped:
        return None
    try:
        return json.JSONDecoder().raw_decode(stripped)[0]
    except ValueError as error:
        raise ProtocolError(f"invalid JSON on stdout: {error}") from error


def string_map(value, what):
    """What Go makes of a JSON value that should be a map[string]string."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ProtocolError(f"{what}: cannot unmarshal {type(value).__name__} into a map")
    for key, member in value.items():
        if member is not None and not isinstance(member, str):
            raise ProtocolError(f"{what}.{key}: cannot unmarshal {type(member).__name__} into string")
    return {key: member or "" for key, member in value.items()}


def saved(version):
    """Raises when the database would not take it."""
    if not version:
        raise ProtocolError("version is empty (and the check is repeated every ten seconds)")
    if any("\0" in key + value for key, value in version.items()):
        raise ProtocolError("unsupported Unicode escape sequence (and the check is repeated every ten seconds)")
    return version


def children():
    """(pid, command line) of every living child; the dead are reaped."""
    found = []
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as text:
        pids = [int(pid) for pid in text.read().split()]
    for pid in pids:
        with contextlib.suppress(ChildProcessError, FileNotFoundError):
            if os.waitpid(pid, os.WNOHANG)[0] == 0:
                with open(f"/proc/{pid}/cmdline", "rb") as line:
                    found.append((pid, line.read().replace(b"\0", b" ").decode("utf-8", "replace").strip()))
    return found


def sweep():
    """Command lines of the processes that outlived the step. They are killed."""
    end = time.monotonic() + SETTLE_S
    left = children()
    while left and time.monotonic() < end:
        time.sleep(0.02)
        left = children()
    lines = [line for _, line in left]
    while left:
        for pid, _ in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
        left = children()
    return lines


class Step:
    """One run of check, in or out."""

    def __init__(self, options, path, argument, env):
        self.options = options
        self.argv = [path] + ([argument] if argument else [])
        self.env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", **env}
        self.aborted = False

    def run(self, request):
        start = time.monotonic()
        process = subprocess.Popen(self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/",
                                   env=self.env)
        stdout, stderr = self.talk(process, request)
        result = {"exit": process.wait(), "stdout": stdout.decode("utf-8", "replace"),
                  "stderr": stderr.decode("utf-8", "replace"), "ms": int((time.monotonic() - start) * 1000)}
        if result["exit"] < 0:
            result["exit"] = 128 - result["exit"]
        result["leftovers"] = sweep()
        result["status"] = "succeeded" if result["exit"] == 0 else "failed"
        result["message"] = "" if result["exit"] == 0 else f"exit status {result['exit']}"
        if self.aborted:
            result["stop_ms"] = int((time.monotonic() - self.term_at) * 1000)
        return result

    def talk(self, process, request):
        """Feeds stdin, collects the two outputs, aborts on cue. Ends when the process has ended, whoever holds the pipes."""
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(request)
            process.stdin.close()
        outputs = {process.stdout: b"", process.stderr: b""}
        deadline = time.monotonic() + self.options.timeout
        with selectors.DefaultSelector() as selector:
            for stream in outputs:
                os.set_blocking(stream.fileno(), False)
                selector.register(stream, selectors.EVENT_READ)
            while selector.get_map():
                for key, _ in selector.select(0.02):
                    data = key.fileobj.read() or b""
                    outputs[key.fileobj] += data
                    if not data:
                        selector.unregister(key.fileobj)
                if process.poll() is not None and not any(selector.select(0)):
                    break
                self.stop_if_told(process, deadline)
        return outputs[process.stdout], outputs[process.stderr]

    def stop_if_told(self, process, deadline):
        cue = self.options.abort_when
        if not self.aborted and ((cue and os.path.exists(cue)) or time.monotonic() > deadline):
            self.aborted = True
            self.term_at = time.monotonic()
            process.send_signal(signal.SIGTERM)
        elif self.aborted and time.monotonic() > self.term_at + GRACE_S:
            process.kill()


class Simulator:
    def __init__(self, options):
        self.options = options
        self.path = os.path.join(options.state, "state.json")
        self.state = {"versions": [], "cache": []}
        if os.path.exists(self.path):
            with open(self.path, encoding="utf-8") as text:
                self.state = json.load(text)

    def save(self):
        with open(self.path, "w", encoding="utf-8") as text:
            json.dump(self.state, text)

    # --- versions

    @staticmethod
    def digest(version):
        return hashlib.sha256(go_json(version).encode()).hexdigest()

    def remember(self, versions):
        """Upserts; when one is new, all move to the end in the returned order. Returns how many were new."""
        known = {self.digest(version) for version in self.state["versions"]}
        new = {self.digest(version) for version in versions} - known
        if new:
            for version in versions:
                if version in self.state["versions"]:
                    self.state["versions"].remove(version)
                self.state["versions"].append(version)
        return len(new)

    def latest(self):
        return self.state["versions"][-1] if self.state["versions"] else None

    # --- steps

    def request(self, version=None, params=None):
        if self.options.stdin_raw:
            with open(self.options.stdin_raw, "rb") as raw:
                return raw.read()
        request = {"source": self.state.get("source")}
        if version:
            request["version"] = version
        if params:
            request["params"] = params
        return go_json(request).encode()

    def step(self, verb, argument=None, env=None):
        return Step(self.options, os.path.join(self.state["resource_dir"], verb), argument, env or {})

    def build_env(self):
        env = {"BUILD_ID": "1234", "BUILD_NAME": "7", "BUILD_JOB_NAME": "job", "BUILD_PIPELINE_NAME": "pipeline",
               "BUILD_TEAM_NAME": "main", "ATC_EXTERNAL_URL": "http://concourse.example", "BUILD_URL":
               "http://concourse.example/builds/1234"}
        env.update(pair.split("=", 1) for pair in self.options.env)
        return env

    def check(self):
        given = json.loads(self.options.given) if self.options.given else self.latest()
        result = self.step("check").run(self.request(given))
        result["new"] = 0
        if result["exit"] == 0:
            try:
                value = first_json(result["stdout"])
                if value is not None and not isinstance(value, list):
                    raise ProtocolError("cannot unmarshal object into a list of versions")
                result["versions"] = [saved(string_map(entry, "version")) for entry in value or []]
                result["new"] = self.remember(result["versions"])
            except ProtocolError as error:
                result.update(status="errored", message=str(error))
        return result

    def version_result(self, result, where):
        """Version and metadata of in and out, or an error."""
        value = first_json(result["stdout"])
        if value is not None and not isinstance(value, dict):
            raise ProtocolError("cannot unmarshal into a version result")
        version = string_map((value or {}).get("version"), "version")
        if version is None:
            raise ProtocolError(f"{where} output a null version")
        metadata = (value or {}).get("metadata") or []
        for pair in metadata:
            string_map(pair, "metadata")
        result["version"] = version
        result["metadata"] = {pair["name"]: pair["value"] for pair in metadata}

    def get(self, version, params, worker, target):
        key = [worker, self.digest(version or {}), go_json(params or {}), self.digest(self.state.get("source") or {})]
        for entry in self.state["cache"]:
            if entry["key"] == key:
                return {"status": "succeeded", "exit": 0, "cached": True, "version": version, "metadata": entry["metadata"],
                        "directory": entry["directory"], "leftovers": [], "message": "", "stderr": ""}
        directory = target or tempfile.mkdtemp(prefix="get.", dir=self.options.state)
        result = self.step("in", directory, self.build_env()).run(self.request(version, params))
        result.update(cached=False, directory=directory)
        if result["exit"] == 0:
            try:
                self.version_result(result, "in")
                entry = {"key": key, "metadata": result["metadata"], "directory": directory}
                self.state["cache"].append(entry)
            except ProtocolError as error:
                result.update(status="errored", message=str(error))
        elif not target:
            # A failed get leaves no artifact; what a test wants to see is what was written.
            result["files"] = sorted(os.listdir(directory))
            shutil.rmtree(directory)
        return result

    def put(self):
        inputs = self.options.inputs or tempfile.mkdtemp(prefix="put.", dir=self.options.state)
        params = json.loads(self.options.params) if self.options.params else None
        result = self.step("out", inputs, self.build_env()).run(self.request(None, params))
        if result["exit"] != 0:
            return result
        try:
            self.version_result(result, "out")
            result["new"] = self.remember([saved(result["version"])])
        except ProtocolError as error:
            result.update(status="errored", message=str(error))
            return result
        if not self.options.no_get:
            get_params = json.loads(self.options.get_params) if self.options.get_params else None
            result["get"] = self.get(result["version"], get_params, self.options.worker, None)
            if result["get"]["status"] != "succeeded":
                result["status"] = result["get"]["status"]
        return result

    def wanted_version(self):
        """Of a get: the newest version that has what the pin says (JSON containment), else the latest."""
        if not self.options.version:
            return self.latest()
        pin = json.loads(self.options.version)
        for version in reversed(self.state["versions"]):
            if pin.items() <= version.items():
                return version
        return pin


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("state")
    parser.add_argument("verb", choices=["configure", "check", "get", "put", "versions"])
    parser.add_argument("--resource-dir", default="/opt/resource")
    parser.add_argument("--from", dest="given")
    parser.add_argument("--version")
    parser.add_argument("--params")
    parser.add_argument("--get-params")
    parser.add_argument("--no-get", action="store_true")
    parser.add_argument("--worker", default="w1")
    parser.add_argument("--inputs")
    parser.add_argument("--to")
    parser.add_argument("--env", action="append", default=[])
    parser.add_argument("--abort-when")
    parser.add_argument("--timeout", type=float, default=60)
    parser.add_argument("--stdin-raw")
    return parser.parse_args()


def main():
    options = parse()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    simulator = Simulator(options)
    if options.verb == "configure":
        source = json.load(sys.stdin).get("source")
        if source != simulator.state.get("source"):
            simulator.state["versions"] = []  # another source is another history, a rotated key included
        simulator.state["source"] = source
        simulator.state["resource_dir"] = os.path.abspath(options.resource_dir)
        result = {"status": "succeeded"}
    elif options.verb == "check":
        result = simulator.check()
    elif options.verb == "get":
        params = json.loads(options.params) if options.params else None
        result = simulator.get(simulator.wanted_version(), params, options.worker, options.to)
    elif options.verb == "put":
        result = simulator.put()
    else:
        result = {"status": "succeeded", "versions": simulator.state["versions"]}
    simulator.save()
    print(json.dumps(result, ensure_ascii=False))
    return 0 if result["status"] == "succeeded" else 1


if __name__ == "__main__":
    sys.exit(main())
