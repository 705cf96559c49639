"""The place where one task is done: a directory of its own below /var/tmp (commands have a private /tmp), and the ways to do it."""
import json
import os
import pathlib
import shutil
import string
import subprocess
import time

import internet
import task as tasks

HERE = pathlib.Path(__file__).resolve().parent
SUPPORT = HERE.parent / "support"
SUPERVISE = ["/usr/bin/python3", "-B", "-S", SUPPORT / "supervise.py"]
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SHELL = ["/bin/bash", "-euo", "pipefail", "-c"]
NAMES = ("WORK", "WORLD", "CACHE", "TOOLS")


class Bench:
    """Each form of a task begins with the same work directory at the same place: what `prepare` left there."""

    def __init__(self, one: tasks.Task, programs: pathlib.Path, world: internet.Internet, root: pathlib.Path) -> None:
        self.task, self.programs, self.world, self.root = one, programs, world, root
        self.work, self.report = root / "work", root / "report.json"
        self.seconds: dict[str, float] = {}
        self.lacking: list[str] = []
        self.variables = {"WORK": str(self.work), "WORLD": str(world.directory), "CACHE": str(tasks.CACHE / one.file), "TOOLS": str(tasks.TOOLS),
                          "HOME": str(root / "home")}
        self._other = one.unprivileged and os.geteuid() == 0
        for path in (self.work, root / "home", root / "tmp"):
            path.mkdir()
        for path in (root, self.work, root / "home", root / "tmp"):
            path.chmod(0o755)
            if self._other:
                shutil.chown(path, "nobody", "nogroup")

    def place(self, text: str) -> str:
        """An entry of the policy that is a path, as the sandbox is told it."""
        return os.path.normpath(os.path.join(self.work, os.path.expanduser(string.Template(text).substitute(self.variables))))

    def prepare(self) -> subprocess.CompletedProcess:
        done = self._do([*SHELL, self.task.prepare])
        self.work.rename(self.root / "prepared")
        return done

    def outside(self) -> subprocess.CompletedProcess:
        return self._timed("outside", [*SHELL, self.task.run])

    def inside(self, policy: dict, script: str) -> subprocess.CompletedProcess:
        names = [word for name in NAMES for word in ("--env", f"{name}={self.variables[name]}")]
        done = self._timed("inside", [self.programs / "rune-sandbox", "--system", "--rw", self.work, "--ro", self.world.directory / "ca.pem",
                                      "--timeout", str(self.task.seconds), "--report", self.report, *names,
                                      *tasks.flags(policy, self.place), "--", *SHELL, script])
        if self.report.exists():
            layers = json.loads(self.report.read_text())["layers"]
            self.lacking = [layer["layer"] for layer in layers if layer["state"] in ("degraded", "missing")]
        return done

    def agent(self) -> subprocess.CompletedProcess:
        """The same by `rune`, which is told to by a scripted model; the policy stands in the user's file. Its output is the tool's result."""
        policy = tasks.policy_table(self.task.policy, self.place, [str(self.work)], [str(self.world.directory / "ca.pem"), str(self.root / "task.sh")])
        settings = self.root / "home/.rune/rune.toml"
        settings.parent.mkdir(exist_ok=True)
        settings.write_text(f"tool_timeout_secs = {self.task.seconds}\n[policy]\n{policy}")
        settings.chmod(0o600)
        exports = "".join(f"export {name}={self.variables[name]}\n" for name in NAMES)
        (self.root / "task.sh").write_text(f"set -euo pipefail\n{exports}{self.task.run}")
        call = {"tool_calls": [{"name": "execute_cmd", "args": {"cmd": f"bash {self.root}/task.sh"}}]}
        (self.root / "script.json").write_text(json.dumps({"turns": [call, {"text": "done"}]}))
        return self._timed("agent", ["/usr/bin/python3", "-B", HERE / "agent.py", self.programs / "rune", self.root])

    def denials(self) -> list[dict]:
        return json.loads(self.report.read_text())["denials"] if self.report.exists() else []

    def connections(self) -> int:
        return sum(entry["connections"] for entry in json.loads(self.report.read_text())["egress"])

    def _timed(self, form: str, command: list) -> subprocess.CompletedProcess:
        shutil.rmtree(self.work, ignore_errors=True)
        subprocess.run(["cp", "-a", self.root / "prepared", self.work], check=True)
        self.report.unlink(missing_ok=True)
        begin = time.monotonic()
        done = self._do(command)
        self.seconds.setdefault(form, time.monotonic() - begin)
        return done

    def _do(self, command: list) -> subprocess.CompletedProcess:
        """With the environment that the sandbox gives a command, and where things are. Root's work is root's, but for programs that refuse to run as root."""
        other = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if self._other else []
        return subprocess.run([*SUPERVISE, "--timeout", str(self.task.seconds + 5), "--report", self.root / "supervised.json", "--stdin", "null",
                               "--", *self.world.enter(self.work), *other, *command], cwd=self.work, capture_output=True, text=True,
                              errors="replace", env={"PATH": PATH, "TMPDIR": str(self.root / "tmp"), **self.variables})
