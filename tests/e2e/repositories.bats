#!/usr/bin/env bats
# What would make git run programs later: not by the file tools, and not by commands for longer than they run.

load helpers

setup() {
  e2e_setup "$RUNE_SANDBOX"
  export GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@x GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@x
  mkdir -p granted
  git init -q granted/repo
  git -C granted/repo commit -q --allow-empty -m first
  printf '#!/bin/sh\ntouch %s/ran\n' "$ROOT" >"$ROOT/evil"
  chmod 755 "$ROOT/evil"
  ln -s .git granted/repo/g
}
teardown() { e2e_teardown; }

# sandboxed FLAG... : with the tree above the repository for writing, as a build has it.
sandboxed() { run --separate-stderr "${DROP[@]}" "$RUNE_SANDBOX" --system --rw "$WORK/granted" --chdir "$WORK/granted/repo" --report "$ROOT/r.json" "$@"; }
refused() { jq -r '.denials[] | select(.what == "run later") | .target' "$ROOT/r.json"; }
# use: what a person does next, outside. True when what was planted has run.
use() {
  rm -f "$ROOT/ran"
  git -C granted/repo -c safe.directory='*' status >/dev/null 2>&1 || true
  git -C granted/repo -c safe.directory='*' commit -q --allow-empty -m next >/dev/null 2>&1 || true
  [ -e "$ROOT/ran" ]
}

@test "file tools write no settings and no hooks, by whatever name" {
  local settings place
  settings="[core]"$'\n'"fsmonitor = $ROOT/evil"$'\n'
  for place in .git/config g/config ./g/../.git/config .git/config.worktree .git/commondir .git/modules/m/config .git/hooks/pre-commit g/hooks/post-commit \
    ../other/.git/config .gitmodules ../new/.git; do
    sandboxed --builtin -- write "$place" <<<"$settings"
    [ "$status" -eq 78 ] || explain "$place"
    [ -n "$(refused)" ] || explain "$place is not in the report"
  done
  run use
  [ "$status" -ne 0 ]
  # With the flag that the report names it is written, and runs.
  [ "$(jq -c '.denials[0].allow' "$ROOT/r.json")" = '["--git-config","open"]' ]
  sandboxed --git-config open --builtin -- write g/config <<<"$settings"
  [ "$status" -eq 0 ] || explain open
  use
}

@test "file tools make no repository of a directory, and edit none" {
  mkdir -p granted/bare/objects granted/bare/refs
  sandboxed --builtin -- write ../bare/HEAD <<<'ref: refs/heads/main'
  [ "$status" -eq 78 ] || explain HEAD
  sandboxed --builtin -- write ../bare/README <<<text
  [ "$status" -eq 0 ] || explain README
  sandboxed --builtin -- edit g/config <<<$'4\ncore[core]\n\tfsmonitor = x'
  [ "$status" -eq 78 ] || explain edit
}

@test "file tools write ordinary files, and what people write into .git" {
  local place
  for place in src/new/file.txt .gitignore .gitattributes .git/COMMIT_EDITMSG .git/info/exclude .github/workflows/x.yml; do
    sandboxed --builtin -- write "$place" <<<text
    [ "$status" -eq 0 ] || explain "$place"
    [ "$(cat "granted/repo/$place")" = text ]
  done
}

@test "other start files are opened by the name that the report gives" {
  sandboxed --builtin -- write ../.envrc <<<x
  [ "$status" -eq 78 ] || explain envrc
  mapfile -t words < <(jq -r '.denials[0].allow[]' "$ROOT/r.json")
  : >granted/.envrc
  sandboxed "${words[@]}" --builtin -- write ../.envrc <<<x
  [ "$status" -eq 0 ] || explain "${words[@]}"
}

@test "a command's settings and hooks are taken back and said" {
  need root "an ordinary user's mounts cannot be taken away here"
  DROP=(setpriv --bounding-set -sys_admin)
  sandboxed -- sh -c "git config core.fsmonitor $ROOT/evil; git config user.name me; cp $ROOT/evil .git/hooks/pre-commit 2>/dev/null || printf '#!/bin/sh\n$ROOT/evil\n' >.git/hooks/pre-commit; chmod 755 .git/hooks/pre-commit"
  [ "$status" -eq 0 ] || explain
  refused | grep -qF '/.git/config: core.fsmonitor'
  refused | grep -qF '/.git/hooks/pre-commit'
  run use
  [ "$status" -ne 0 ]
  [ "$(git config -f granted/repo/.git/config user.name)" = me ]
  # What is refused runs where it is allowed.
  sandboxed --git-config open -- sh -c "git config core.fsmonitor $ROOT/evil"
  [ "$(jq '.denials | length' "$ROOT/r.json")" = 0 ] || explain
  use
}

@test "where mounts can be had, hooks and where git looks are not there to be changed, not even for a moment" {
  sandboxed -- /bin/true
  grep -q 'private /tmp' "$ROOT/r.json" || skip "needs a mount namespace"
  mkdir -p granted/repo/.git/info
  git init -q --bare granted/repo/.git/modules/m
  : >granted/repo/.git/info/attributes
  local act
  for act in 'cp ../../evil .git/hooks/pre-commit' 'mv .git/hooks .git/h' 'rm -r .git/hooks' 'mv .git .g' 'rm -rf .git/hooks && ln -s /tmp .git/hooks' \
    'ln .git/config .git/hooks/post-merge' 'echo "* filter=x" >.git/info/attributes' 'mv -f f .git/info/attributes' 'cp f .git/modules/m/hooks/post-checkout' \
    'cd .. && mv repo/.git/hooks h'; do
    : >granted/repo/f
    sandboxed --ro "$ROOT/evil" -- sh -c "$act"
    [ "$status" -ne 0 ] || explain "$act"
    [ -d granted/repo/.git/hooks ] && [ ! -e granted/repo/.git/hooks/pre-commit ] && [ ! -L granted/repo/.git/hooks ] || explain "$act"
  done
  # The same is done outside.
  (cd granted/repo && cp ../../../evil .git/hooks/pre-commit && echo '* x' >.git/info/attributes && mv .git .g && mv .g .git)
  use
  rm granted/repo/.git/hooks/pre-commit
  sandboxed --git-config open -- sh -c 'echo "* y" >.git/info/attributes && mv .git .g && mv .g .git'
  [ "$status" -eq 0 ] || explain open
  # Settings stay writable, unless nothing of them may change.
  sandboxed -- git config user.name me
  [ "$status" -eq 0 ] || explain guarded
  sandboxed --git-config readonly -- git config user.name you
  [ "$status" -ne 0 ] || explain readonly
  [ "$(git config -f granted/repo/.git/config user.name)" = me ]
}

@test "a command's settings are taken back and said where mounts can be had, too" {
  sandboxed -- sh -c "git config core.fsmonitor $ROOT/evil; git config user.name me"
  [ "$status" -eq 0 ] || explain
  refused | grep -qF '/.git/config: core.fsmonitor'
  run use
  [ "$status" -ne 0 ]
  [ "$(git config -f granted/repo/.git/config user.name)" = me ]
}

@test "ordinary work with a repository goes on without a word" {
  sandboxed --env GIT_AUTHOR_NAME=a --env GIT_AUTHOR_EMAIL=a@x --env GIT_COMMITTER_NAME=a --env GIT_COMMITTER_EMAIL=a@x -- sh -ec '
    echo 1 >f; git add f; git commit -qm f; git checkout -q -b b; git remote add o https://h.test/x; git config user.name me
    git branch m2; echo 2 >f; git stash -q; git stash pop -q; git commit -qam g; git rebase -q HEAD~1; git worktree add -q ../wt m2; git gc -q
    git clone -q . ../clone; git init -q ../mine; git -C ../mine config core.fsmonitor true'
  [ "$status" -eq 0 ] || explain
  [ "$(jq '.denials | length' "$ROOT/r.json")" = 0 ] || explain
}
