# Shared by the scripts in ci/; sourced by bash, never run.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s\n' "$*"; }

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# quietly LOG COMMAND...: output goes to LOG; when the command fails its last lines are shown and the script ends.
quietly() {
  local log=$1 status=0
  shift
  "$@" >"$log" 2>&1 </dev/null || status=$?
  if [ "$status" -ne 0 ]; then
    tail -n 40 "$log" >&2
    die "failed with status $status: $* (whole log: $log)"
  fi
}

# A precompiled header is told by its contents.
export CCACHE_SLOPPINESS=${CCACHE_SLOPPINESS:-pch_defines,time_macros}

# configure PRESET LOG: makes build/PRESET ready. A tree that was configured for another place is thrown away.
configure() {
  local preset=$1 log=$2 tree="$ROOT/build/$1" launcher=()
  if command -v ccache >/dev/null; then launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DCMAKE_C_COMPILER_LAUNCHER=ccache); fi
  if ! grep -qsxF "CMAKE_HOME_DIRECTORY:INTERNAL=$ROOT" "$tree/CMakeCache.txt"; then rm -rf "$tree"; fi
  (cd "$ROOT" && quietly "$log" cmake --preset "$preset" "${launcher[@]}")
}

# build PRESET LOG [TARGET...]: configures and builds build/PRESET.
build() {
  local preset=$1 log=$2
  shift 2
  configure "$preset" "$log"
  quietly "$log" cmake --build "$ROOT/build/$preset" ${1:+--target "$@"}
}

seconds_since() { echo $(($(date +%s) - $1)); }
