"""The private internet of tests/support/local_services, for a program: started once, and the way into it."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

SERVICES = pathlib.Path(__file__).resolve().parent.parent / "support/local_services"
AUTHORITY = """
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=throw-away -keyout ca.key -out ca.pem -addext keyUsage=critical,keyCertSign
openssl req -newkey rsa:2048 -nodes -subj /CN=good.test -keyout key.pem -out request.pem
echo 'subjectAltName=DNS:good.test,DNS:*.good.test,DNS:neighbour.test,DNS:elsewhere.test' >extensions
openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile extensions -out cert.pem
chmod 644 ca.pem
"""


NAMESPACES = ["--mount", "--net", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"])]


def unavailable() -> str:
    """Why there is none on this machine."""
    made = subprocess.run(["unshare", *NAMESPACES, "true"], capture_output=True)
    return "" if made.returncode == 0 else "needs a network and a mount namespace, for a private internet"


class Internet:
    """`directory` is what the sites serve."""

    def __init__(self) -> None:
        self._made = tempfile.TemporaryDirectory(prefix="rune-world.", dir="/var/tmp")
        self.directory = pathlib.Path(self._made.name)
        self.directory.chmod(0o755)
        self.empty()
        subprocess.run(["sh", "-ec", AUTHORITY], cwd=self.directory, check=True, capture_output=True)
        self._world = subprocess.Popen(["unshare", *NAMESPACES, "/usr/bin/python3", "-B", "-S", SERVICES / "world.py", self.directory],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        if self._world.stdout.readline() != "READY\n":
            raise OSError("the private internet did not start")

    def enter(self, directory: pathlib.Path) -> list[str]:
        """The way in, to be put before a command: as the caller, with no more rights than that."""
        words = ["nsenter", "--target", str(self._world.pid), "--mount", "--net", f"--wd={directory}"]
        if os.geteuid() != 0:
            words += ["--user", "--preserve-credentials", "unshare", "--user", f"--map-user={os.geteuid()}", f"--map-group={os.getegid()}"]
        return words

    def empty(self) -> None:
        """What was served is gone: the next task brings its own."""
        for folder in ("git", "python", "npm", "files"):
            shutil.rmtree(self.directory / folder, ignore_errors=True)
            (self.directory / folder).mkdir()

    def forget(self) -> None:
        (self.directory / "log.jsonl").write_text("")

    def seen(self, target: str) -> list[str]:
        """Lines of its log that tell of a question for, a connection to, or a request to that name or address:port."""
        lines = map(json.loads, (self.directory / "log.jsonl").read_text().splitlines())
        return [json.dumps(line) for line in lines
                if target in (line.get("name"), line.get("host"), line.get("tls"), line.get("at", "").replace(" ", ":"))]

    def close(self) -> None:
        self._world.terminate()
        self._world.wait()
        self._made.cleanup()
