"""usage: agent.py RUNE ROOT      Serves ROOT/script.json, lets `rune` ask for it, and prints what the tool answered and how the run ended."""
import json
import os
import pathlib
import subprocess
import sys
import time

SUPPORT = pathlib.Path(__file__).resolve().parent.parent / "support"
rune, root = sys.argv[1], pathlib.Path(sys.argv[2])
model = subprocess.Popen(["/usr/bin/python3", "-B", "-S", SUPPORT / "fake_model.py", "--script", root / "script.json", "--port", "0",
                          "--log", root / "model.jsonl", "--until-parent-exits"], stdout=subprocess.PIPE, text=True)
port = model.stdout.readline().split()[1]
variables = {**os.environ, "RUNE_API_KEY": "sk-0123456789abcdefghijklmn", "RUNE_MODEL": "test-model", "RUNE_BASE_URL": f"http://127.0.0.1:{port}/v1"}
done = subprocess.run([rune, "--json"], input="go", env=variables, capture_output=True, text=True)
# A request stands in the log a moment after it was answered.
log, until = root / "model.jsonl", time.monotonic() + 10
while len(log.read_text().splitlines()) < 2 and done.returncode == 0 and time.monotonic() < until:
    time.sleep(0.02)
model.terminate()
last = json.loads(log.read_text().splitlines()[-1])
for message in json.loads(last["body"])["messages"]:
    if message["role"] == "tool":
        print(message["content"])
if done.stdout:
    for entry in json.loads(done.stdout).get("egress", []):
        print(f"egress {entry['target']}", f"egress {entry['target']}:{entry['port']}", sep="\n")
print(done.stdout, file=sys.stderr)
print(done.stderr, file=sys.stderr)
outcome = json.loads(done.stdout)["outcome"] if done.returncode == 0 else f"exit {done.returncode}"
print(f"outcome {outcome}", file=sys.stderr)
sys.exit(0 if outcome == "answered" else done.returncode or 1)
