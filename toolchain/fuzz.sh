#!/usr/bin/env bash
# Property and fuzz tests. SRS_FUZZ_RUNS says how many inputs each property gets, SRS_FUZZ_SEED repeats a run.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

export SRS_FUZZ_RUNS=${SRS_FUZZ_RUNS:-2000}
# No time limit: the number of inputs is one.
toolchain/mocha.sh fuzz 0 'test/fuzz/**/*.fuzz.ts'
