#!/usr/bin/env bash
# End-to-end tests of the packed binary with real tools: 120 s each.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

test -x "$OBJS/srs" || die "objs/srs is missing, run make first"
SRS_BINARY=$OBJS/srs toolchain/mocha.sh e2e 120000 'test/e2e/**/*.test.ts'
