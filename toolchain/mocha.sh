#!/usr/bin/env bash
# Runs one mocha suite and writes its counts to objs/test-results/<suite>.
# Usage: mocha.sh <suite> <timeout in ms> <spec pattern>...
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

suite=$1
timeout_ms=$2
shift 2
shopt -s globstar nullglob

result=$OBJS/test-results/$suite
mkdir -p "$OBJS/test-results"
rm -f "$result"

files=()
for pattern in "$@"; do
  # shellcheck disable=SC2206 # the pattern is to be expanded here
  files+=($pattern)
done
if ((${#files[@]} == 0)); then
  say TEST "$suite: no test yet"
  echo "0 0 0" >"$result"
  exit 0
fi

say TEST "$suite: ${#files[@]} files"
SRS_TEST_RESULT=$result node node_modules/mocha/bin/mocha.js --timeout "$timeout_ms" \
  --reporter "$ROOT/toolchain/counting-reporter.cjs" "${files[@]}"
