#!/usr/bin/env bash
# Runs the benchmark, by hand only: its numbers are no pass or fail.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

test -f bench/run.sh || die "bench/run.sh is missing"
exec bash bench/run.sh "$@"
