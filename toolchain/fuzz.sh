#!/usr/bin/env bash
# Property and fuzz tests. SRS_FUZZ_RUNS says how many inputs each property gets.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

export SRS_FUZZ_RUNS=${SRS_FUZZ_RUNS:-2000}
toolchain/mocha.sh fuzz 120000 'test/fuzz/**/*.fuzz.ts'
