#!/usr/bin/env bash
# Packs objs/bundle and the target's node into one executable, objs/srs.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

target=$(tsx toolchain/read-target.ts "${1:-x64}")
eval "$target"

node_version=v$TARGET_NODE_VERSION
base=$ROOT/node_modules/$TARGET_NODE_PACKAGE/bin/node
test -x "$base" || die "the npm package $TARGET_NODE_PACKAGE has no bin/node, run toolchain/deps.sh"
test "$("$base" --version)" = "$node_version" ||
  die "targets/${1:-x64}.ini wants node $node_version, $TARGET_NODE_PACKAGE has $("$base" --version)"

# pkg looks for node in a cache under its home and downloads what it does not find. Given a home
# inside objs/ whose cache is filled from the npm package, it needs no network.
home=$OBJS/pkg-home
name=node-$node_version-linux-$TARGET_TARGET_CPU
cache=$home/.pkg-cache/sea
if [[ ! -f $cache/$name/bin/node.ok || $base -nt $cache/$name/bin/node.ok ]]; then
  say STRIP "node $node_version"
  rm -rf "$cache"
  mkdir -p "$cache/$name/bin"
  "$TARGET_PACK_STRIP" -o "$cache/$name/bin/node" "$base"
  touch "$cache/$name.tar.gz" "$cache/$name.tar.gz.ok" "$cache/$name/bin/node.ok"
fi

say PACK "objs/srs"
log=$OBJS/pack.log
rm -f "$OBJS/srs"
HOME=$home pkg objs/bundle/srs.cjs --sea --config packaging/pkg.json \
  --targets "$TARGET_PACK_PKG" --output "$OBJS/srs" >"$log" 2>&1 || {
  tail -n 20 "$log" >&2
  die "pkg failed, the whole output is in objs/pack.log"
}

version=$("$OBJS/srs" -v 2>&1) || die "objs/srs does not run: $version"
# Testing a configuration loads the addon, too.
report=$("$OBJS/srs" -t -c conf/demo.conf 2>&1) || die "objs/srs does not work: $report"
say DONE "objs/srs $version, $(($(stat -c %s "$OBJS/srs") / 1000000)) MB"
