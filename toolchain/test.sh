#!/usr/bin/env bash
# Everything that CI runs, from a fresh clone on. A failing step hides no later one; the last line counts all.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

mkdir -p "$OBJS/test-results"
rm -f "$OBJS"/test-results/*
passed=0
failed=0
skipped=0
failures=()

# fail <what>: a failure which is no test's own.
fail() {
  failed=$((failed + 1))
  failures+=("$1")
}

# step <name> <command...>: adds the counts that the step left, or one failure when it failed without any.
step() {
  local name=$1 status=0 began=$SECONDS counts=(0 0 0)
  shift
  printf '\n== %s\n' "$name"
  "$@" </dev/null || status=$?
  if [[ -f $OBJS/test-results/$name ]]; then
    read -r -a counts <"$OBJS/test-results/$name"
  fi
  passed=$((passed + counts[0]))
  failed=$((failed + counts[1]))
  skipped=$((skipped + counts[2]))
  if ((counts[1])); then
    failures+=("$name: ${counts[1]} tests")
    if [[ -f $OBJS/test-results/$name.failed ]]; then
      local line
      while IFS= read -r line; do failures+=("  $line"); done <"$OBJS/test-results/$name.failed"
    fi
  elif ((status)); then
    fail "$name: exit status $status"
  fi
  printf '== %s: %s in %d s\n' "$name" "$( ((status)) && echo failed || echo ok)" $((SECONDS - began))
}

# suite <name> <command...>: a step that must execute tests.
suite() {
  step "$@"
  local counts=(0 0 0)
  if [[ -f $OBJS/test-results/$1 ]]; then
    read -r -a counts <"$OBJS/test-results/$1"
    if ((counts[0] + counts[1] == 0)); then
      fail "$1: executed no test"
    fi
  fi
}

# closing: what failed, then the one line that counts.
closing() {
  local failure line
  printf '\n'
  for failure in "${failures[@]}"; do
    say FAILED "$failure"
  done
  line="$passed passed, $failed failed"
  if ((skipped)); then
    line+=", $skipped skipped"
  fi
  echo "$line"
}

configure_once() {
  [[ -f $OBJS/configure.mk ]] || ./configure
}

step packages toolchain/test-packages.sh
step deps toolchain/deps.sh
if [[ ! -d node_modules/mocha ]]; then
  closing
  exit 1
fi
# What deps.sh brought comes first from here on.
source toolchain/env.sh
step configure configure_once
step typecheck toolchain/typecheck.sh
step lint toolchain/lint.sh
suite native toolchain/native-test.sh
step build make --no-print-directory
suite unit toolchain/unit.sh
suite integration toolchain/integration.sh
step coverage toolchain/coverage.sh
suite e2e toolchain/e2e.sh
suite asan toolchain/asan.sh
suite fuzz toolchain/fuzz.sh
closing
((failed == 0))
