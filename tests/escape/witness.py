"""What a run of attempts may touch, and the picture of the outside before and after.

The witness knows nothing of the attempts: every attempt has directories of its own, so that whatever changed names it.
"""
import ctypes
import glob
import hashlib
import os
import pathlib
import re
import resource
import shutil
import signal
import stat
import subprocess
import time

SECRET = "canary-of-the-caller-4711"


class Fixture:
    """Directories below `base`, and victims. `modes`: "open" where only the kernel's layers hold, "private" where file
    modes must, because there is no Landlock."""

    def __init__(self, base: str, program: str, attempts: list[dict], modes: str, writable_by_all: bool) -> None:
        self.base = pathlib.Path(base)
        self.program = program
        self.attempts = attempts
        self.token = os.path.basename(base).replace(".", "-")
        self.victims: dict[str, subprocess.Popen] = {}
        self.tty_changes: dict[str, list[str]] = {}  # by terminal.py
        private = modes == "private"
        self.file_mode, self.open_mode, self.dir_mode = (0o600, 0o600, 0o700) if private else (0o644, 0o666, 0o777)
        self.work_mode = 0o777 if writable_by_all else 0o755
        for name in ("outside", "work", "home/.ssh", "victims"):
            (self.base / name).mkdir(parents=True, exist_ok=True)
        os.chmod(self.base, 0o755)
        os.chmod(self.base / "work", self.work_mode)
        self._write(self.base / "home/.ssh/id_ed25519", SECRET, self.file_mode)
        os.chmod(self.base / "home", 0o700 if private else 0o755)
        shutil.copy2(program, self.base / "outside/program")
        self.other_tmp = self.base / "victims/other-tmp"
        self._write(self.other_tmp, SECRET, self.file_mode)
        for attempt in attempts:
            if attempt["layer"] == "landlock" or attempt["id"] in ("P04", "S04"):
                self._make_outside(attempt["id"])
                self._make_work(attempt["id"])
            else:
                self._make_directory(self.base / "work" / attempt["id"])
        # A segment that everyone may use; the key is positive and unlikely.
        self.shared_memory = 0x65000000 | int.from_bytes(os.urandom(3))
        self.segment = ctypes.CDLL(None).shmget(self.shared_memory, 4096, 0o3666)  # IPC_CREAT | IPC_EXCL

    @staticmethod
    def _write(path: pathlib.Path, text: str, mode: int) -> None:
        path.write_text(text)
        os.chmod(path, mode)

    def _make_outside(self, name: str) -> None:
        top = self.base / "outside" / name
        (top / "dir/empty").mkdir(parents=True)
        self._write(top / "secret", SECRET, self.file_mode)
        self._write(top / "public", "public", self.open_mode)
        self._write(top / "dir/file", "file", self.open_mode)
        try:
            os.setxattr(top / "public", "user.fixture", b"1")
        except OSError:
            pass  # this file system has none; the control says so
        os.mkfifo(top / "fifo")
        os.chmod(top / "fifo", self.open_mode)
        for directory in (top / "dir/empty", top / "dir", top):
            os.chmod(directory, self.dir_mode)

    def _make_directory(self, path: pathlib.Path) -> None:
        path.mkdir()
        os.chmod(path, self.work_mode)

    def _make_work(self, name: str) -> None:
        top = self.base / "work" / name
        top.mkdir()
        (top / "closed").mkdir()
        (top / ".git/hooks").mkdir(parents=True)
        self._write(top / "closed/gold", SECRET, 0o666)
        self._write(top / "text", "text", 0o666)
        self._write(top / "script", "#!/bin/sh\nexit 0\n", 0o755)
        os.symlink(self.base / "outside" / name / "public", top / "out")
        os.symlink(top / "closed/gold", top / "link")
        if name[0] == "X":
            os.symlink("/usr/bin/touch", top / "touch-link")
            shutil.copy2("/usr/bin/touch", top / "touch-copy")
            shutil.copy2(self.program, top / "program")
        for directory in (top / "closed", top / ".git/hooks", top / ".git", top):
            os.chmod(directory, self.work_mode)
        if self.work_mode == 0o777 and (top / "program").exists():
            os.chmod(top / "program", 0o777)

    # --- victims ---

    def start_victims(self) -> None:
        for attempt in self.attempts:
            if not attempt["victim"]:
                continue
            state = self.base / "victims" / attempt["id"]
            state.unlink(missing_ok=True)
            self.victims[attempt["id"]] = subprocess.Popen(
                [self.program, "--victim", str(state)], start_new_session=True, cwd=self.base, close_fds=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env={"ESCAPE_SECRET_KEY": SECRET})
        deadline = time.monotonic() + 10
        while any(not self._state(name) for name in self.victims):
            if time.monotonic() > deadline:
                raise RuntimeError("a victim did not start")
            time.sleep(0.005)

    def stop_victims(self) -> None:
        for process in self.victims.values():
            process.kill()
            process.wait()
        self.victims.clear()

    def _state(self, name: str) -> str:
        path = self.base / "victims" / name
        return path.read_text() if path.exists() else ""

    def canary(self, name: str) -> str:
        return re.search(r"canary at (\S+)", self._state(name)).group(1)

    def _victim_picture(self, name: str) -> dict:
        pid = self.victims[name].pid
        try:
            with open(f"/proc/{pid}/mem", "rb") as memory:
                memory.seek(int(self.canary(name), 16))
                content = memory.read(9)
        except OSError as error:
            content = error.strerror
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return {"alive": self.victims[name].poll() is None, "heard": self._state(name), "memory": content,
                "nice": fields[16], "policy": fields[38], "files": resource.prlimit(pid, resource.RLIMIT_NOFILE),
                "disk": _ioprio(pid), "processors": os.sched_getaffinity(pid)}

    # --- environment of the attempts ---

    def environment(self) -> dict[str, str]:
        variables = {"ESCAPE_OUTSIDE": self.base / "outside", "ESCAPE_WORK": self.base / "work",
                     "ESCAPE_HOME": self.base / "home", "ESCAPE_TOKEN": self.token, "ESCAPE_OTHER_TMP": self.other_tmp,
                     "ESCAPE_PROGRAMS": os.path.dirname(self.program), "ESCAPE_CALLER": os.getpid(),
                     "ESCAPE_SHM": self.shared_memory}
        for name, process in self.victims.items():
            variables[f"ESCAPE_VICTIM_{name}"] = process.pid
            variables[f"ESCAPE_CANARY_{name}"] = self.canary(name)
        return {key: str(text) for key, text in variables.items()}

    # --- the picture ---

    def picture(self) -> dict[str, dict]:
        """For each attempt what stands in its places: path -> what is true of it."""
        pictures: dict[str, dict] = {}
        for attempt in self.attempts:
            name = attempt["id"]
            pictures[name] = {}
            for top in (self.base / "outside" / name, self.base / "work" / name):
                _walk(top, top.parent.name == "outside", pictures[name])
            for path in glob.glob(f"/tmp/escape-{self.token}-{name}") + glob.glob(f"/dev/shm/escape-{self.token}-{name}") + \
                    glob.glob(f"/var/tmp/escape-{self.token}-{name}") + glob.glob(f"/etc/escape-{self.token}-{name}") + \
                    glob.glob(f"{self.base}/home/new-{name}"):
                pictures[name][path] = "exists"
            if name in self.victims:
                pictures[name]["victim"] = self._victim_picture(name)
        return pictures

    def clean(self) -> None:
        self.stop_victims()
        ctypes.CDLL(None).shmctl(self.segment, 0, None)  # IPC_RMID
        for place in ("/tmp", "/dev/shm", "/var/tmp", "/etc"):
            for path in glob.glob(f"{place}/escape-{self.token}-*"):
                os.unlink(path)


# What an attempt may do in its own writable directory on the way.
_OWN = re.compile(r"/work/\w+(/(link|mine|core|s))?$")


def _walk(top: pathlib.Path, outside: bool, into: dict) -> None:
    for directory, _, files in os.walk(top):
        for path in [directory] + [os.path.join(directory, name) for name in files]:
            if not _OWN.search(path):
                into[path] = _fingerprint(path, outside)


def _fingerprint(path: str, outside: bool) -> tuple:
    info = os.lstat(path)
    content = ""
    if stat.S_ISREG(info.st_mode) and os.access(path, os.R_OK):
        with open(path, "rb") as file:
            content = hashlib.sha256(file.read(4096)).hexdigest()[:16]
    if stat.S_ISDIR(info.st_mode) and not outside:
        return ("directory", info.st_mode, info.st_uid)
    try:
        attributes = tuple(os.listxattr(path, follow_symlinks=False))
    except OSError:
        attributes = ()
    return (info.st_mode, info.st_uid, info.st_gid, info.st_nlink, info.st_size, info.st_mtime_ns,
            info.st_ctime_ns if outside else 0, content, attributes)


def difference(before: dict, after: dict) -> list[str]:
    changes = []
    for key in sorted(before.keys() | after.keys()):
        if before.get(key) == after.get(key):
            continue
        if key == "victim":
            changes += [f"its victim's {part}" for part, was in before[key].items() if after[key].get(part) != was]
        else:
            changes.append(("appeared: " if key not in before else "gone: " if key not in after else "changed: ") + key)
    return changes


def processes_named(prefix: str, suffix: str) -> dict[int, str]:
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            comm = pathlib.Path(f"/proc/{entry}/comm").read_text().strip()
            state = pathlib.Path(f"/proc/{entry}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if comm.startswith(prefix) and comm.endswith(suffix) and state not in "ZX":
            found[int(entry)] = comm
    return found


def kill_all(prefix: str, suffix: str) -> None:
    """Until none is left: some fork while they are killed."""
    deadline = time.monotonic() + 10
    while (found := processes_named(prefix, suffix)) and time.monotonic() < deadline:
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass


def _ioprio(pid: int) -> int:
    return ctypes.CDLL(None).syscall({"x86_64": 252, "aarch64": 31}[os.uname().machine], 1, pid)
