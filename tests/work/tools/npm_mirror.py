"""usage: npm_mirror.py NODE_MODULES DIRECTORY      Packs what npm installed as the packages that a registry serves, nested ones too."""
import json
import pathlib
import sys
import tarfile

source, target = map(pathlib.Path, sys.argv[1:])


def pack(package: pathlib.Path) -> None:
    facts = json.loads((package / "package.json").read_text())
    # What runs at install time was decided when it was fetched, and its files are here.
    facts = {key: value for key, value in facts.items() if key not in ("scripts", "devDependencies")}
    (package / "package.json").write_text(json.dumps(facts))
    name = f"{facts['name'].replace('/', '+')}-{facts['version']}.tgz"
    with tarfile.open(target / name, "w:gz", compresslevel=1) as archive:
        archive.add(package, "package", filter=lambda entry: None if "/node_modules" in entry.name else entry)


target.mkdir(exist_ok=True)
for manifest in source.glob("**/package.json"):
    place = manifest.parent
    name = place.parent.name + "/" + place.name if place.parent.name.startswith("@") else place.name
    above = place.parent.parent if "/" in name else place.parent
    if above.name == "node_modules":
        pack(place)
