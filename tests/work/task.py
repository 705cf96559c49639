"""A task: a piece of daily work, and the policy that a person would write for it. One TOML file each in tasks/; README.md has the keys."""
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
TASKS, TOOLS = HERE / "tasks", HERE / "tools"
# What was downloaded once, outside of the source tree.
CACHE = pathlib.Path(f"/var/tmp/rune-work-cache.{os.geteuid()}")
# Keys of [policy] in rune.toml, as flags of rune-sandbox.
LISTS = {"allowed_paths_ro": "--ro", "allowed_paths_exec": "--rox", "allowed_paths_rw": "--rw", "allowed_domains": "--allow-domain"}
NUMBERS = {"max_memory_mb": "--memory", "max_pids": "--pids"}
# Programs that are installed beside the tools' PATH.
ELSEWHERE = ("/usr/local/go/bin", "/usr/lib/postgresql/15/bin", str(pathlib.Path.home() / ".cargo/bin"))


@dataclasses.dataclass
class Without:
    """The same work without one entry of the policy: it fails, and the report says which flag would allow it."""
    key: str
    entry: str
    denied: str = ""  # the target that the report names; empty: the entry
    run: str = ""  # empty: the task's own


@dataclasses.dataclass
class Task:
    file: str
    name: str
    run: str
    short: bool = False
    needs: list[str] = dataclasses.field(default_factory=list)
    download: str = ""
    prepare: str = ""
    policy: dict = dataclasses.field(default_factory=dict)
    expect: list[str] = dataclasses.field(default_factory=list)
    same: bool = False
    tolerate: list[str] = dataclasses.field(default_factory=list)
    without: list[Without] = dataclasses.field(default_factory=list)
    files: list[str] = dataclasses.field(default_factory=list)
    connections: int = 0
    agent: bool = False
    unprivileged: bool = False
    seconds: int = 120

    def missing(self) -> str:
        """The first program or Python module of `needs` that is not here."""
        for need in self.needs:
            if need.startswith("python:"):
                found = subprocess.run(["/usr/bin/python3", "-c", f"import {need.removeprefix('python:')}"], capture_output=True).returncode == 0
            elif need.startswith("/"):
                found = pathlib.Path(need).exists()
            else:
                found = shutil.which(need, path=":".join(("/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", *ELSEWHERE))) is not None
            if not found:
                return need
        return ""


def load(path: pathlib.Path) -> Task:
    """A key that is not known is an error: a misspelt one would be a check that is not made."""
    facts = tomllib.loads(path.read_text())
    unknown = set(facts.get("policy", {})) - {*LISTS, *NUMBERS}
    if unknown:
        raise ValueError(f"{path.name}: unknown keys of the policy: {sorted(unknown)}")
    facts["without"] = [Without(**entry) for entry in facts.get("without", [])]
    try:
        return Task(file=path.stem, **facts)
    except TypeError as error:
        raise ValueError(f"{path.name}: {error}") from error


def flags(policy: dict, place) -> list[str]:
    """What `rune-sandbox` is told; `place` expands the variables of a path."""
    words = []
    for key, flag in LISTS.items():
        for entry in policy.get(key, []):
            words += [flag, place(entry) if "paths" in key else entry]
    for key, flag in NUMBERS.items():
        if key in policy:
            words += [flag, f"{policy[key]}M" if key == "max_memory_mb" and policy[key] else str(policy[key])]
    return words


def policy_table(policy: dict, place, writable: list[str], readable: list[str]) -> str:
    """The same in rune.toml, with every program allowed."""
    table = {"allowed_commands": ["*"], **policy}
    for key, entries in (("allowed_paths_rw", ["/tmp", *writable]), ("allowed_paths_ro", ["/usr", "/bin", "/lib", *readable]), ("allowed_paths_exec", [])):
        if entries or key in policy:
            table[key] = entries + [place(entry) for entry in policy.get(key, [])]
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())


def reduced(policy: dict, key: str, entry: str) -> dict:
    left = [other for other in policy.get(key, []) if other != entry]
    if len(left) == len(policy.get(key, [])):
        raise ValueError(f"{key} has no entry {entry}")
    return {**policy, key: left}
