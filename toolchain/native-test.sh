#!/usr/bin/env bash
# Builds each test/native/*_test.cc with the engine as a plain program under ASAN, UBSAN and LeakSanitizer, and runs it.
# A program passes by its exit status; a last line "N passed, N failed" is counted instead.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
shopt -s nullglob

out=$OBJS/native-test
result=$OBJS/test-results/native
mkdir -p "$out" "$OBJS/test-results"
rm -f "$result"

tests=(test/native/*_test.cc)
if ((${#tests[@]} == 0)); then
  say NATIVE "no test yet"
  echo "0 0 0" >"$result"
  exit 0
fi
say NATIVE "${#tests[@]} programs"
make --no-print-directory -s -j "$JOBS" -f toolchain/native-test.mk OUT="$out"

passed=0
failed=0
for source in "${tests[@]}"; do
  name=$(basename "$source" .cc)
  status=0
  ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 "$out/$name" >"$out/$name.log" 2>&1 || status=$?
  if [[ $(tail -n 1 "$out/$name.log") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed ]]; then
    passed=$((passed + BASH_REMATCH[1]))
    failed=$((failed + BASH_REMATCH[2]))
    ((status == 0 || BASH_REMATCH[2] > 0)) || failed=$((failed + 1))
  elif ((status == 0)); then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
  fi
  if ((status)); then
    cat "$out/$name.log"
    say FAILED "$name, exit status $status"
  else
    say OK "$name"
  fi
done
echo "$passed $failed 0" >"$result"
((failed == 0))
