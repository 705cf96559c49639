"""usage: go_module.py DIRECTORY MODULE SOURCE      What a module proxy serves of one module, v1.0.0 (go.dev/ref/mod#goproxy-protocol)."""
import json
import pathlib
import sys
import zipfile

directory, module, source = sys.argv[1:]
versions = pathlib.Path(directory, module, "@v")
versions.mkdir(parents=True)
(versions / "list").write_text("v1.0.0\n")
(versions / "v1.0.0.info").write_text(json.dumps({"Version": "v1.0.0", "Time": "2020-01-01T00:00:00Z"}))
(versions / "v1.0.0.mod").write_text(f"module {module}\n")
with zipfile.ZipFile(versions / "v1.0.0.zip", "w") as archive:
    archive.writestr(f"{module}@v1.0.0/go.mod", f"module {module}\n")
    archive.writestr(f"{module}@v1.0.0/{module.rpartition('/')[2]}.go", source + "\n")
