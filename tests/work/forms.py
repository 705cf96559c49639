"""What must hold of a task: it works outside, it works inside, and it fails without what was granted for it, with a refusal that names that."""
import dataclasses
import fnmatch
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import internet
import task as tasks
from bench import SHELL, Bench


class Failed(Exception):
    """What did not hold, in lines."""


@dataclasses.dataclass
class Outcome:
    problems: list[str] = dataclasses.field(default_factory=list)
    skip: str = ""
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)
    lacking: list[str] = dataclasses.field(default_factory=list)  # layers that are not in force here


def tell(form: str, done: subprocess.CompletedProcess, *more: str) -> list[str]:
    return [f"{form}: exit {done.returncode}", *more, *("out: " + line for line in done.stdout.splitlines()[-10:]),
            *("err: " + line for line in done.stderr.splitlines()[-12:])]


def refusals(bench: Bench) -> list[str]:
    return [f"refused: {json.dumps(denial)}" for denial in bench.denials()]


def check(form: str, bench: Bench, done: subprocess.CompletedProcess) -> None:
    if done.returncode != 0:
        raise Failed(*tell(form, done), *refusals(bench))
    for wanted in bench.task.expect:
        if not re.search(wanted, done.stdout, re.MULTILINE):
            raise Failed(*tell(form, done, f"not in its output: {wanted}"), *refusals(bench))


def tree(bench: Bench) -> dict[str, str]:
    """The files of `files`, and the digest of each."""
    return {str(path.relative_to(bench.work)): hashlib.sha256(path.read_bytes()).hexdigest()
            for name in bench.task.files for path in [bench.work / name, *(bench.work / name).rglob("*")] if path.is_file()}


def check_inside(bench: Bench, control: subprocess.CompletedProcess, made: dict[str, str]) -> None:
    one, done = bench.task, bench.inside(bench.task.policy, bench.task.run)
    check("inside", bench, done)
    unwanted = [line for line in refusals(bench) if not any(word in line for word in one.tolerate)]
    if unwanted:
        raise Failed("inside: works, but the report has refusals", *unwanted)
    if one.same and done.stdout != control.stdout:
        raise Failed(*tell("inside", done, *("outside it says: " + line for line in control.stdout.splitlines()[-10:])))
    if tree(bench) != made:
        raise Failed("inside: other files than outside", *(f"{path}" for path in set(made.items()) ^ set(tree(bench).items())))
    if one.connections and bench.connections() != one.connections:
        raise Failed(f"inside: {bench.connections()} connections in the report, expected {one.connections}")


def check_without(bench: Bench, less: tasks.Without) -> None:
    bench.world.forget()
    done = bench.inside(tasks.reduced(bench.task.policy, less.key, less.entry), less.run or bench.task.run)
    target = less.denied or less.entry
    named = any(denial["allow"][:1] == [tasks.LISTS[less.key]] and
                any(fnmatch.fnmatch(denial["target"], name) for name in (target, bench.place(target))) for denial in bench.denials())
    if done.returncode == 0 or not named:
        raise Failed(*tell(f"without {less.key} {less.entry}", done, "it must fail, and its report must name that"), *refusals(bench))
    if less.key == "allowed_domains" and (seen := bench.world.seen(less.entry)):
        raise Failed(f"without {less.entry}: it was reached all the same", *seen)


def try_forms(bench: Bench) -> None:
    done = bench.prepare()
    if done.returncode != 0:
        raise Failed(*tell("prepare", done))
    control = bench.outside()
    check("outside", bench, control)
    check_inside(bench, control, tree(bench))
    if bench.task.agent:
        done = bench.agent()
        check("agent", bench, done)
        for name in bench.task.policy.get("allowed_domains", []):
            if f"egress {name}" not in done.stdout.splitlines():
                raise Failed(*tell("agent", done, f"its result does not tell of {name}"))
    for less in bench.task.without:
        check_without(bench, less)


def download(one: tasks.Task) -> str:
    """What a task needs from a registry, fetched once for good, with this machine's own settings. Returns why it cannot be had."""
    directory, digest = tasks.CACHE / one.file, hashlib.sha256(one.download.encode()).hexdigest()
    mark = tasks.CACHE / f"{one.file}.sha256"
    if not one.download or (mark.exists() and mark.read_text() == digest):
        return ""
    tasks.CACHE.mkdir(exist_ok=True)
    if tasks.CACHE.is_symlink() or tasks.CACHE.stat().st_uid != os.geteuid():
        return f"{tasks.CACHE} is somebody else's"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    done = subprocess.run([*SHELL, one.download], cwd=directory, env={**os.environ, "TOOLS": str(tasks.TOOLS)}, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True)
    (tasks.CACHE / f"{one.file}.log").write_text(done.stdout + done.stderr)
    if done.returncode != 0:
        return f"what {one.file} needs cannot be downloaded"
    mark.write_text(digest)
    return ""


def try_task(one: tasks.Task, programs: pathlib.Path, world: internet.Internet, keep: bool) -> Outcome:
    if missing := one.missing():
        return Outcome(skip=f"no {missing} here")
    if why := download(one):
        return Outcome(skip=why)
    world.empty()
    root = pathlib.Path(tempfile.mkdtemp(prefix="rune-work.", dir="/var/tmp"))
    bench = Bench(one, programs, world, root)
    try:
        try_forms(bench)
        return Outcome(seconds=bench.seconds, lacking=bench.lacking)
    except Failed as failed:
        return Outcome([*failed.args, *([f"left in {root}"] if keep else [])], seconds=bench.seconds, lacking=bench.lacking)
    finally:
        if not keep:
            shutil.rmtree(root, ignore_errors=True)
