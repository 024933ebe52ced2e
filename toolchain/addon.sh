#!/usr/bin/env bash
# Compiles the native addon: native/build/Release/srs.node.
# Usage: addon.sh [folder of binding.gyp [gyp defines...]], e.g. addon.sh objs/asan/native -Dsanitize=1
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

directory=${1:-native}
shift || true
mkdir -p "$OBJS"
log=$OBJS/addon-${directory//\//-}.log

# Two builds of one folder at a time would write over each other.
exec 9>"$log.lock"
flock 9

headers=/usr
if [[ -f $NODE_HOME/include/node/node.h ]]; then
  headers=$NODE_HOME
fi

say ADDON "$directory"
{
  node-gyp configure --directory "$directory" --nodedir "$headers" -- "$@" &&
    node-gyp build --directory "$directory" --jobs "$JOBS"
} >"$log" 2>&1 || {
  grep -E '(error|warning|note):' "$log" >&2 || tail -n 40 "$log" >&2
  die "the addon does not compile, the whole output is in ${log#"$ROOT"/}"
}
test -f "$directory/build/Release/srs.node" || die "node-gyp made no $directory/build/Release/srs.node"
