"""Package indexes made of a directory: Python's "simple" one (PEP 503) over python/*.whl, npm's over npm/NAME-VERSION.tgz, where the
slash of a scoped name is written as a plus."""
import base64
import functools
import hashlib
import json
import pathlib
import tarfile
import urllib.parse

Found = tuple[str, bytes]  # content type, body


def find(directory: pathlib.Path, path: str, origin: str) -> Found | None:
    if path.startswith("/simple/"):
        return _python(directory / "python", path.removeprefix("/simple/").strip("/"))
    if path.startswith("/npm/"):
        return _npm(directory / "npm", urllib.parse.unquote(path.removeprefix("/npm/")), origin)
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
    for file in sorted(packages.glob(f"{wanted.replace('/', '+')}-*.tgz")):
        manifest, integrity = _packed(file, file.stat().st_mtime_ns)
        if manifest["name"] == wanted:
            versions[manifest["version"]] = {**manifest, "dist": {"tarball": f"{origin}/npm/{file.name}", "integrity": integrity}}
    if not versions:
        return None
    document = {"name": wanted, "dist-tags": {"latest": max(versions)}, "versions": versions}
    return "application/json", json.dumps(document).encode()


@functools.cache
def _packed(file: pathlib.Path, _: int) -> tuple[dict, str]:
    """What a registry copies out of a package: its package.json, and the digest of the file, as it was at that time."""
    with tarfile.open(file) as archive:
        manifest = json.load(archive.extractfile("package/package.json"))
    return manifest, "sha512-" + base64.b64encode(hashlib.sha512(file.read_bytes()).digest()).decode()
