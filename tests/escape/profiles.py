"""How attempts are started: outside as they are, inside under the flags of a profile. The profiles called alone-... run
each attempt in a sandbox of its own, because it may end the whole command or because the terminal is looked at after it."""
import os
import pathlib
import subprocess

import terminal
import witness

# How much slower than a real machine this one may be.
PATIENCE = float(os.environ.get("ESCAPE_PATIENCE", "1"))
TIME = int(120 * PATIENCE)
LIMITS = {"alone-pids": ["--pids", "24"], "alone-bomb": ["--pids", "24", "--timeout", "3"], "alone-memory": ["--memory", "64M"],
          "alone-file": ["--max-file", "1M"], "alone-cpu": ["--cpu", "1"], "alone-wall": ["--timeout", "0.3"],
          "alone-output": ["--max-output", "64k"], "alone-disk": ["--disk", "24M"], "alone-upload": ["--max-upload", "16k"], "alone-tree": [], "alone-terminal": []}
ALLOWED_NAMES = ["*.ok.test", "good.test"]


# What a caller has around it when it starts the sandbox: none of it may arrive inside.
def caller_environment() -> dict[str, str]:
    return {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "ESCAPE_SECRET_KEY": witness.SECRET, "BASH_ENV": "/nonexistent",
            "LD_LIBRARY_PATH": "/nonexistent", "NODE_OPTIONS": "--no-warnings", "http_proxy": "http://user:pass@127.0.0.1:9"}


def flags(environment, profile: str, fixture: "witness.Fixture", attempts: list[dict], run: str) -> list[str]:
    work = str(fixture.base / "work")
    programs = ["--rox", os.path.dirname(fixture.program)]
    if profile == "bare":
        return programs
    if profile == "readonly":
        return ["--system", "--ro", work, *programs]
    if profile == "list":
        # Like a policy that allows one program: system files for reading, one for executing.
        libraries = [flag for path in ("/usr/lib", "/lib", "/lib64") if os.path.exists(path) for flag in ("--rox", path)]
        return ["--ro", "/proc", "--ro", "/usr/share", "--rw", "/dev/null", *libraries, "--rox", os.path.realpath("/bin/sh"),
                "--rw", work, *programs]
    tool = ["--system", "--rw", work, *programs, *LIMITS.get(profile, [])]
    if profile == "nosocket":
        tool += ["--deny-syscall", "socket"]
    if profile == "deny":
        for attempt in attempts:
            for path in ("closed", ".git/hooks", ".rune/rune.toml", "deploy.key", "later/deploy.key"):
                tool += ["--deny", f"{work}/{attempt['id']}/{path}"]
    if run == "closed":
        tool += ["--net", "none"]
    elif environment.guarded and profile in ("network", "alone-upload"):
        tool += ["--net", "guarded"]
        for name in ALLOWED_NAMES:
            tool += ["--allow-domain", name]
    if not {"--timeout", "--pids"} & set(tool):
        tool += ["--timeout", str(TIME), "--pids", "200"]
    return tool


def _command(environment, fixture, profile: str, attempts: list[dict], variables: dict[str, str]) -> list[str]:
    command = [environment.sandbox, *flags(environment, profile, fixture, attempts, variables["ESCAPE_RUN"])]
    for name, text in variables.items():
        command += ["--env", f"{name}={text}"]
    return [*command, "--", fixture.program, "--run", *[a["id"] for a in attempts]]


def start(environment, fixture: "witness.Fixture", profile: str, attempts: list[dict], run: str) -> tuple[str, int]:
    """What the attempts say, and the exit status. `run` is "control", outside, or the name of a run inside."""
    variables = {**fixture.environment(), **environment.sinks.variables_of(run)}
    name = attempts[0]["id"] if len(attempts) == 1 else profile
    if run == "control":
        command = [fixture.program, "--run", *[a["id"] for a in attempts]]
        around = {**caller_environment(), **variables}
    else:
        command, around = _command(environment, fixture, profile, attempts, variables), caller_environment()
    if profile == "alone-terminal":
        return terminal.start(command, around, fixture, attempts[0]["id"], run)
    # A directory that the caller has open: it must not arrive.
    keep = os.open(fixture.base / "outside", os.O_RDONLY | os.O_DIRECTORY)
    output = pathlib.Path(fixture.base) / f"{name}.out"
    try:
        with open(output, "wb") as file, open(fixture.base / f"{name}.err", "wb") as errors:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=file, stderr=errors, env=around, cwd="/",
                                  pass_fds=[keep], timeout=70 * PATIENCE if profile.startswith("alone-") else TIME + 20, start_new_session=True, check=False)
    finally:
        os.close(keep)
    return output.read_text(errors="replace"), done.returncode
