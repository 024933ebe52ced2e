#!/usr/bin/env bash
# Runs the tests of net and the integration tests with an addon built for AddressSanitizer and UBSAN.
# The tree is copied to objs/asan, so that the ordinary addon stays as it is. Leaks are native-test.sh's matter:
# V8 keeps memory until the end.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

tree=$OBJS/asan
say ASAN "objs/asan"
mkdir -p "$tree/native"
find "$tree" -mindepth 1 -maxdepth 1 ! -name native -exec rm -rf {} +
find "$tree/native" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
tar -cf - --exclude=./.git --exclude=./objs --exclude=./node_modules --exclude=./coverage --exclude=./native/build . | tar -xf - -C "$tree"
ln -s "$ROOT/node_modules" "$tree/node_modules"
toolchain/addon.sh "objs/asan/native" -Dsanitize=1

runtime=$(g++ -print-file-name=libasan.so)
cd "$tree"
shopt -s globstar nullglob
specs=(test/unit/net/**/*.test.ts test/integration/**/*.test.ts)
result=$OBJS/test-results/asan
mkdir -p "$OBJS/test-results" "$tree/objs"
rm -f "$result"
if ((${#specs[@]} == 0)); then
  say TEST "asan: no test yet"
  echo "0 0 0" >"$result"
  exit 0
fi
say TEST "asan: ${#specs[@]} files"
SRS_TEST_RESULT=$result LD_PRELOAD=$runtime \
  ASAN_OPTIONS=detect_leaks=0:halt_on_error=1 UBSAN_OPTIONS=print_stacktrace=1 \
  node node_modules/mocha/bin/mocha.js --timeout 60000 \
  --reporter "$ROOT/toolchain/counting-reporter.cjs" "${specs[@]}"
