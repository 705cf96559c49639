"""usage: crate.py DIRECTORY NAME LIB BUILD      A registry (Cargo's sparse index) with one crate: lib.rs, and build.rs."""
import hashlib
import io
import json
import pathlib
import sys
import tarfile

directory, name, library, build = pathlib.Path(sys.argv[1]), *sys.argv[2:]
files = {"Cargo.toml": f'[package]\nname = "{name}"\nversion = "1.0.0"\nedition = "2021"\nbuild = "build.rs"\n[lib]\n', "src/lib.rs": library, "build.rs": build}
packed = io.BytesIO()
with tarfile.open(fileobj=packed, mode="w:gz") as archive:
    for path, text in files.items():
        entry = tarfile.TarInfo(f"{name}-1.0.0/{path}")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text.encode()))
index = directory / "index" / name[:2] / name[2:4]
index.mkdir(parents=True)
(directory / "crates").mkdir()
(directory / "crates" / f"{name}-1.0.0.crate").write_bytes(packed.getvalue())
(directory / "index/config.json").write_text(json.dumps({"dl": "https://good.test/files/cargo/crates/{crate}-{version}.crate"}))
(index / name).write_text(json.dumps({"name": name, "vers": "1.0.0", "deps": [], "features": {}, "yanked": False,
                                      "cksum": hashlib.sha256(packed.getvalue()).hexdigest()}) + "\n")
