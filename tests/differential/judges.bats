#!/usr/bin/env bats
# Judges of our codecs that were written by others: the rules of the fake model server, and the providers' own libraries, which
# judge that server, too. The libraries are optional: they need Node and, once, the npm registry. They are kept in RUNE_SDK_DIR
# (default: ~/.cache/rune-sdks-VERSIONS); none of their install scripts runs.

set -o pipefail
HERE=$BATS_TEST_DIRNAME
PROBE=$(cd "${RUNE_BIN_DIR:-$HERE/../../build/dev/bin}" && pwd)/codec_probe
WIRES=(openai-chat openai-responses anthropic-messages gemini-native)

sdk_dir() { echo "${RUNE_SDK_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/rune-sdks-$(sha256sum "$HERE/package.json" | head -c 12)}"; }

# Leaves the libraries and our scripts in $SDK_DIR, or skips.
get_libraries() {
  command -v node >/dev/null && command -v npm >/dev/null || skip "needs node and npm: the providers' own libraries are written for them"
  [ -x "$PROBE" ] || skip "needs codec_probe: build it first"
  SDK_DIR=$(sdk_dir)
  mkdir -p "$SDK_DIR"
  cp "$HERE/package.json" "$HERE"/*.mjs "$SDK_DIR"
  if [ ! -e "$SDK_DIR/installed" ]; then
    (cd "$SDK_DIR" && timeout 240 npm install --ignore-scripts --no-audit --no-fund --fetch-retries 1 >install.log 2>&1) ||
      skip "needs the npm registry, once: $(grep -m1 'npm error' "$SDK_DIR/install.log")"
    touch "$SDK_DIR/installed"
  fi
}

@test "the rules of every wire take whatever history is sent" {
  local wire
  [ -x "$PROBE" ] || skip "needs codec_probe: build it first"
  for wire in "${WIRES[@]}"; do
    "$PROBE" encode "$wire" 3000 | /usr/bin/python3 -B "$HERE/rules.py" "$wire"
    # The control: they do refuse.
    run /usr/bin/python3 -B "$HERE/rules.py" "$wire" < <("$PROBE" encode "$wire" 1 | sed 's/^{/{"frobnicate":1,/')
    [ "$status" -eq 1 ]
  done
}

@test "the providers' own libraries read every stream as we do, and their types take every request of ours" {
  get_libraries
  local wire
  /usr/bin/python3 -B "$HERE/streams.py" >"$BATS_TEST_TMPDIR/streams"
  node "$SDK_DIR/sdks.mjs" <"$BATS_TEST_TMPDIR/streams" >"$BATS_TEST_TMPDIR/theirs"
  /usr/bin/python3 -B "$HERE/compare.py" "$BATS_TEST_TMPDIR/streams" "$BATS_TEST_TMPDIR/theirs" "$PROBE"
  for wire in "${WIRES[@]}"; do
    "$PROBE" encode "$wire" 1000 | node "$SDK_DIR/schemas.mjs" "$wire" "$SDK_DIR"
    # The control: they do object.
    run node "$SDK_DIR/schemas.mjs" "$wire" "$SDK_DIR" < <("$PROBE" encode "$wire" 1 | sed 's/^{/{"frobnicate":1,/')
    [ "$status" -eq 1 ]
  done
}
