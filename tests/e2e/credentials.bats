# What holds a user's keys is closed; one file of it opens when the user's list names it, aloud.

load helpers
setup() {
  e2e_setup
  mkdir -p "$HOME/.aws" "$HOME/.docker" "$HOME/xdg/gh" "$HOME/.config/gcloud" "$HOME/.local/share/keyrings" "$HOME/.mozilla" "$HOME/p"
  for name in .npmrc .netrc .git-credentials .pypirc .vault-token .aws/config .aws/credentials .docker/config.json .docker/other \
    xdg/gh/hosts.yml .config/gcloud/db .local/share/keyrings/login .mozilla/cookies p/.npmrc; do
    echo "content of $name" >"$HOME/$name"
  done
  chmod -R a+rX "$HOME"
  export XDG_CONFIG_HOME=$HOME/xdg
}
teardown() { e2e_teardown; }

# may_read NAME [LINE...]: what a command and the file tool, both granted the home, say of a file in it.
may_read() {
  policy 'allowed_commands = ["cat"]' "allowed_paths_ro = [$2]"
  serve "$(turn_cmd "cat $HOME/$1")" "$(turn_tool read_file "{\"path\":\"$HOME/$1\"}")" "$(turn_text 'done')"
  ask_json go --on-denial warn
  results=$(jq -rs '.[-1].body | fromjson | [.messages[] | select(.role == "tool") | .content] | .[]' "$MODEL_LOG")
}
reads() { may_read "$@" && [ "$(grep -c "content of $1" <<<"$results")" -eq 2 ] || explain "$1: $results"; }
reads_not() { may_read "$@" && assert_lacks "$results" "content of $1"; }

@test "credentials of the home stay closed in a home that is granted; a project's own settings do not" {
  need landlock 'a command is held by it'
  for name in p/.npmrc .docker/other; do reads "$name" '"~"'; done
  for name in .npmrc .netrc .git-credentials .pypirc .vault-token .aws/credentials .docker/config.json xdg/gh/hosts.yml \
    .config/gcloud/db .local/share/keyrings/login .mozilla/cookies; do
    reads_not "$name" '"~"'
  done
}

@test "an entry opens one file, and the run says so in one line" {
  need landlock 'a command is held by it'
  for name in .npmrc .aws/config; do
    reads "$name" "\"~\", \"~/$name\""
    [ "$(grep -c "the policy opens $HOME/$name, which holds credentials" <<<"$stderr")" -eq 1 ] || explain 'not said once'
  done
  reads_not .aws/credentials '"~", "~/.aws/config"'
  reads_not .aws/credentials '"~", "~/.aws"'
}

# with_etc TEXT COMMAND...: with a pip.conf of the machine that says TEXT.
with_etc() {
  printf '%s\n' "$1" >"$ROOT/pip.conf"
  chmod 644 "$ROOT/pip.conf"
  shift
  # shellcheck disable=SC2016
  run --separate-stderr unshare -m sh -c 'mount --bind "$0" /etc/pip.conf && exec "$@"' "$ROOT/pip.conf" "$@"
}

@test "a settings file of the system is closed when it holds a credential, and only then" {
  need landlock 'a command is held by it'
  need cap_sys_admin 'it is mounted over the one of the machine'
  [ -f /etc/pip.conf ] || skip 'no /etc/pip.conf to mount over'
  local read=("$RUNE_SANDBOX" --system -- /bin/cat /etc/pip.conf)
  with_etc 'index-url = https://pypi.example.com/simple' "${read[@]}"
  assert_exit 0
  with_etc 'index-url = https://user:hunter2@pypi.example.com/simple' cat /etc/pip.conf
  assert_contains "$output" hunter2
  with_etc 'index-url = https://user:hunter2@pypi.example.com/simple' "${read[@]}"
  [ "$status" -ne 0 ] || explain 'it was read'
  assert_lacks "$output" hunter2

  policy 'allowed_commands = ["cat"]'
  serve "$(turn_cmd 'cat /etc/pip.conf')" "$(turn_text 'done')"
  with_etc 'index-url = https://user:hunter2@pypi.example.com/simple' "$RUNE" -p go --on-denial warn --json
  assert_contains "$stderr" '/etc/pip.conf is closed to tools: it holds credentials'
  assert_lacks "$(cat "$MODEL_LOG")" hunter2
}
