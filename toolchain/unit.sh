#!/usr/bin/env bash
# Unit tests: 2 s each, V8's coverage kept in objs/coverage/raw for coverage.sh.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

rm -rf "$OBJS/coverage/raw"
NODE_V8_COVERAGE=$OBJS/coverage/raw toolchain/mocha.sh unit 2000 'test/unit/**/*.test.ts'
