#!/usr/bin/env bash
# Builds the load generator and runs a cluster under faults; `bench/chaos.sh --help` lists the options.
source "$(dirname "${BASH_SOURCE[0]}")/../toolchain/env.sh"

mkdir -p "$OBJS/bench"
say CC "objs/bench/load"
gcc -std=gnu11 -O2 -Wall -Wextra -Werror -o "$OBJS/bench/load" bench/load/*.c
exec tsx bench/chaos.ts "$@"
