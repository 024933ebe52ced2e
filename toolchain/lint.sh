#!/usr/bin/env bash
# Runs every linter and format check, all of them even when an early one fails.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

failed=()

# check <name> <command...>
check() {
  say LINT "$1"
  "${@:2}" || failed+=("$1")
}

# need <program>: a missing tool is a failure, not a check that passed.
need() {
  command -v "$1" >/dev/null && return 0
  say LINT "$1 is missing: run toolchain/test-packages.sh"
  failed+=("$1")
  return 1
}

# Only net/binding.ts loads the addon, by process.dlopen.
addon_has_one_door() {
  ! grep -rln --include='*.ts' 'dlopen' src | grep -v '^src/net/binding.ts$'
}

# The engine builds and is tested without node.
engine_is_plain() {
  ! grep -nE '#include [<"](nan|node|v8|uv)' native/engine/*
}

# No note to self without a reader: TODO and FIXME belong into an issue.
no_open_notes() {
  ! grep -srnwE --include='*.ts' --include='*.cc' --include='*.h' --include='*.c' 'TODO|FIXME|XXX' \
    src native/engine native/*.cc test bench
}

# clang-tidy counts on stderr what it found in the system's headers and does not show.
engine_is_tidy() {
  printf '%s\0' native/engine/*.cc |
    xargs -0 -P "$JOBS" -I{} clang-tidy --quiet {} -- -std=gnu++20 -Inative \
      2> >(grep -v 'warnings\? generated' >&2)
}

mapfile -t cxx < <(find native test/native bench \( -name build -prune \) -o \
  \( -name '*.cc' -o -name '*.h' -o -name '*.c' \) -print)
mapfile -t scripts < <(find toolchain bench test packaging .ci -name '*.sh' -print)
scripts+=(configure .ci/run etc/init.d/srs)

# It takes as long as all others together: it runs beside them.
mkdir -p "$OBJS"
eslint --max-warnings 0 . >"$OBJS/eslint.log" 2>&1 </dev/null &
eslint=$!

check prettier prettier --check --log-level warn .
check dependency-cruiser depcruise src --config .dependency-cruiser.cjs --output-type err
check knip knip --no-progress
check addon-door addon_has_one_door
check engine-plain engine_is_plain
check open-notes no_open_notes
if need shellcheck; then
  check shellcheck shellcheck -x -P toolchain "${scripts[@]}"
fi
if need clang-format; then
  check clang-format clang-format --dry-run -Werror "${cxx[@]}"
fi
if need clang-tidy; then
  check clang-tidy engine_is_tidy
fi

say LINT eslint
if ! wait "$eslint"; then
  cat "$OBJS/eslint.log"
  failed+=(eslint)
fi

if ((${#failed[@]})); then
  die "lint failed: ${failed[*]}"
fi
say LINT "clean"
