#!/usr/bin/env bash
# Type-checks the sources, the tests and the build's own programs.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

say TSC "src test bench toolchain"
tsc --noEmit -p .
