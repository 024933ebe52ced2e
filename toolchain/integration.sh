#!/usr/bin/env bash
# Integration tests, a real server from a config text: 30 s each. Coverage is added to that of unit.sh.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

NODE_V8_COVERAGE=$OBJS/coverage/raw toolchain/mocha.sh integration 30000 'test/integration/**/*.test.ts'
