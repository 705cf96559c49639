#!/bin/bash
# Words that must not occur where they must not occur, files that grew too long, and shellcheck of every shell script.
# Prints file:line and the reason for each finding; exit 1 when there is one.
set -euo pipefail
# shellcheck source=ci/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$ROOT"
findings=0

# Everything that is ours: tracked, or new and not ignored. Without git (in an image) every file outside build/.
all=$({ git ls-files -co --exclude-standard 2>/dev/null || find . -path ./build -prune -o -type f -printf '%P\n'; } | sort)

# ban REASON PATTERN WHERE [EXCEPT]: PATTERN must not occur in files whose path matches WHERE and not EXCEPT (all extended regexes).
ban() {
  local reason=$1 pattern=$2 where=$3 except=${4:-^$} hits
  hits=$(grep -E "$where" <<<"$all" | grep -vE "$except|^ci/check_words\.sh$" | tr '\n' '\0' | xargs -0 -r grep -snHIE -e "$pattern" --) || true
  [ -n "$hits" ] || return 0
  printf '%s\n' "$hits" | cut -c1-200
  printf '  ^ %s\n' "$reason"
  findings=$((findings + $(wc -l <<<"$hits")))
}

code='^(sandbox|agent|resource)/.*\.(h|cc)$'
header='^(sandbox|agent|resource)/.*\.h$'

ban 'a shell between us and the command: use Sandbox::Launch' '\b(system|popen)\(' "$code"
ban 'stdout belongs to the protocol: one writer, at the end' 'std::cout' "$code"
ban 'the environment is read in one place, before it is cleaned' '\bgetenv\(' "$code" \
  '^(agent/config/.*|agent/http/network_settings\.cc|agent/(process|runtime)\.cc|agent/policy/environment\.cc|agent/cli/(main|options)\.cc|resource/main\.cc|sandbox/guardian/main\.cc)$'
ban 'these throw or guess: use std::from_chars' '\b(sto(i|l|ll|ul|ull|f|d)|ato(i|l|ll|f)|strtou?ll?)\(' "$code"
ban 'RapidJSON is dangerous on hostile text: only agent/json holds it right' 'rapidjson' "$code" '^agent/json/'
ban 'toml++ throws and is slow to compile' 'include <toml|toml::' "$code" '^agent/config/toml\.cc$'
ban 'libcurl lives behind agent/http' 'curl/curl\.h' "$code" '^agent/http/'
ban 'one thread: nothing runs beside the loop' '\bdetach\(\)|std::(thread|jthread|async)\b' "$code"
ban 'leaks into every file that includes it' '^\s*using namespace' "$header"
ban 'a bool at a call site says nothing: use an enum or an options struct' '[(,]\s*(const )?bool\s+\w+\s*[,)=]' "$header" \
  '^agent/json/json\.h$' # writing a bool is its subject
ban 'a lower floor never names a higher one' '\b[Tt]he agent|agent/|agent::|Concourse|\bLLM\b|language model' '^sandbox/.*\.(h|cc)$'
ban 'a lower floor never names a higher one' 'Concourse|"resource/' '^agent/'
ban 'unfinished work is not left behind' '\b(TODO|FIXME|XXX|HACK)\b' '.'
ban 'a name that only its author can follow' '\.\./shared|/work/(main|shared)|\b[Ii]ssue #?[0-9]+|\bseeds/' '.'

while read -r file; do
  lines=$(wc -l <"$file")
  if [ "$lines" -gt 400 ]; then
    printf '%s: %s lines\n  ^ more than 400 lines are two files\n' "$file" "$lines"
    findings=$((findings + 1))
  fi
done < <(grep -E '\.(h|cc|py|sh|bash|bats)$|CMakeLists\.txt$|^ci/[a-z-]+$' <<<"$all")

if command -v shellcheck >/dev/null; then
  mapfile -t scripts < <(grep -E '\.(sh|bash|bats)$|^\.ci/run$|^ci/[a-z-]+$' <<<"$all")
  # Names of bats ("$output") are not assigned, and "done" is a word that models say.
  shellcheck -x --severity=warning --exclude SC1010,SC2154 "${scripts[@]}" || findings=$((findings + 1))
fi

[ "$findings" -eq 0 ] || die "$findings findings"
say 'words: clean'
