#!/bin/bash
# usage: node_package.sh DIRECTORY NAME JSON INDEX CLI      A package for a registry: what its package.json says besides, index.js and cli.js.
set -euo pipefail
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
mkdir "$made/package"
jq -cn --arg name "$2" --argjson more "$3" '{name: $name, version: "1.0.0", main: "index.js"} + $more' >"$made/package/package.json"
echo "$4" >"$made/package/index.js"
printf '#!/usr/bin/env node\n%s\n' "$5" >"$made/package/cli.js"
chmod +x "$made/package/cli.js"
tar -czf "$1/$2-1.0.0.tgz" -C "$made" package
