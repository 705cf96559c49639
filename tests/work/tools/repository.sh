#!/bin/bash
# usage: repository.sh DIRECTORY NAME      A bare repository with two commits on main that may be pushed to.
set -euo pipefail
export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@test GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@test
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
git init -q -b main "$made"
seq 1 5000 >"$made/numbers"
git -C "$made" add . && git -C "$made" commit -qm first
echo two >"$made/second"
git -C "$made" add . && git -C "$made" commit -qm second
git clone -q --bare "$made" "$1/$2.git"
git -C "$1/$2.git" config http.receivepack true
