#!/usr/bin/env bats
# A thousand turns in which nothing may grow. The whole way, ten thousand, is `soak.py WIRE` by hand.

bats_require_minimum_version 1.5.0

BIN=${RUNE_BIN_DIR:-$BATS_TEST_DIRNAME/../../build/dev/bin}
COUNT=${RUNE_SOAK_COUNT:-1000}

need_client() { [ -x "$BIN/soak_client" ] || skip "needs soak_client beside rune: it is built with the tests"; }
soak() { /usr/bin/python3 -B "$BATS_TEST_DIRNAME/soak.py" --bin "$BIN" --count "$COUNT" "$@"; }

@test "many turns on one connection hold no more memory and no more descriptors, on every wire" {
  local wire
  need_client
  for wire in openai-chat openai-responses anthropic-messages gemini-native; do soak "$wire"; done
}

@test "many turns over TLS make one handshake, on every wire" {
  local wire
  need_client
  command -v openssl >/dev/null || skip 'needs openssl to make a certificate'
  for wire in openai-chat openai-responses anthropic-messages gemini-native; do soak --tls "$wire"; done
}

@test "a long run of the agent with a confined call in every turn holds no more memory and no more descriptors" {
  soak agent
}

@test "whoever is killed, nothing is left: fifty sandboxes at once, and two hundred killed at random moments" {
  [ "$(id -u)" -eq 0 ] || skip 'needs root: without a control group the next start clears nothing'
  [ -d /sys/fs/cgroup/memory ] || [ -e /sys/fs/cgroup/cgroup.controllers ] || skip 'needs control groups'
  /usr/bin/python3 -B "$BATS_TEST_DIRNAME/killed.py" --bin "$BIN" --count "$((COUNT / 5))"
}
