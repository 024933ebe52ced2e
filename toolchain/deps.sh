#!/usr/bin/env bash
# Installs the npm packages of package-lock.json when node_modules is missing or of another lock file.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

stamp=node_modules/.srs-package-lock.json
if cmp -s package-lock.json "$stamp"; then
  exit 0
fi
say DEPS "npm ci"
mkdir -p "$OBJS"
npm ci --no-audit --no-fund --loglevel=error >"$OBJS/npm.log" 2>&1 || {
  tail -n 20 "$OBJS/npm.log" >&2
  die "npm ci failed, the whole output is in objs/npm.log"
}
cp package-lock.json "$stamp"
