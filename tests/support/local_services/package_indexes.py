"""Package indexes made of a directory: Python's "simple" one (PEP 503) over python/*.whl, npm's over npm/NAME-VERSION.tgz."""
import base64
import hashlib
import json
import pathlib

Found = tuple[str, bytes]  # content type, body


def find(directory: pathlib.Path, path: str, origin: str) -> Found | None:
    if path.startswith("/simple/"):
        return _python(directory / "python", path.removeprefix("/simple/").strip("/"))
    if path.startswith("/npm/"):
        return _npm(directory / "npm", path.removeprefix("/npm/"), origin)
    return None


def _python(wheels: pathlib.Path, wanted: str) -> Found | None:
    if wanted.endswith(".whl"):
        file = wheels / pathlib.PurePath(wanted).name
        return ("application/octet-stream", file.read_bytes()) if file.exists() else None
    links = "".join(f'<a href="/simple/{file.name}#sha256={hashlib.sha256(file.read_bytes()).hexdigest()}">{file.name}</a>\n'
                    for file in sorted(wheels.glob(f"{wanted.replace('-', '_')}-*.whl")))
    return ("text/html", f"<!DOCTYPE html><html><body>{links}</body></html>".encode()) if links else None


def _npm(packages: pathlib.Path, wanted: str, origin: str) -> Found | None:
    if wanted.endswith(".tgz"):
        file = packages / pathlib.PurePath(wanted).name
        return ("application/octet-stream", file.read_bytes()) if file.exists() else None
    versions = {}
    for file in sorted(packages.glob(f"{wanted}-*.tgz")):
        version = file.stem.removeprefix(f"{wanted}-")
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(file.read_bytes()).digest()).decode()
        versions[version] = {"name": wanted, "version": version,
                             "dist": {"tarball": f"{origin}/npm/{file.name}", "integrity": integrity}}
    if not versions:
        return None
    document = {"name": wanted, "dist-tags": {"latest": max(versions)}, "versions": versions}
    return "application/json", json.dumps(document).encode()
