"""usage: wheel.py DIRECTORY NAME      A wheel (PEP 427) with one module and one entry point of that name."""
import sys
import zipfile

directory, name = sys.argv[1:]
info = f"{name}-1.0.dist-info/"
files = {f"{name}.py": f"def word():\n    return '{name}'\ndef main():\n    print(word())\n",
         info + "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
         info + "entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n",
         info + "WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
files[info + "RECORD"] = "".join(f"{file},,\n" for file in [*files, info + "RECORD"])
with zipfile.ZipFile(f"{directory}/{name}-1.0-py3-none-any.whl", "w") as wheel:
    for file, text in files.items():
        wheel.writestr(file, text)
