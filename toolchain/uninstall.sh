#!/usr/bin/env bash
# Removes what install.sh put below $DESTDIR$PREFIX. Logs, recordings and configurations of one's own stay.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
shopt -s nullglob

to=${DESTDIR:-}${PREFIX:?}
say REMOVE "$to"
rm -f "$to/objs/srs" "$to/etc/init.d/srs" "$to/LICENSE"
for sample in conf/*.conf; do
  rm -f "$to/$sample"
done
for folder in "$to"/{objs,conf,etc/init.d,etc} "$to"; do
  rmdir --ignore-fail-on-non-empty "$folder" 2>/dev/null || true
done
