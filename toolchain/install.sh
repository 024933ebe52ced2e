#!/usr/bin/env bash
# Installs below $DESTDIR$PREFIX: objs/srs, the sample configurations, the service script and the licence.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
shopt -s nullglob

prefix=${PREFIX:?}
to=${DESTDIR:-}$prefix
test -x "$OBJS/srs" || die "objs/srs is missing, run make first"

say INSTALL "$to"
install -d "$to/objs" "$to/conf" "$to/etc/init.d"
install -m 755 "$OBJS/srs" "$to/objs/srs.new"
mv -f "$to/objs/srs.new" "$to/objs/srs" # a running server keeps its own file
install -m 644 conf/*.conf "$to/conf/"
sed "s|^ROOT=.*|ROOT=\"$prefix\"|" etc/init.d/srs >"$to/etc/init.d/srs"
chmod 755 "$to/etc/init.d/srs"
install -m 644 LICENSE "$to/LICENSE"
