#!/usr/bin/env bash
# Bundles src/main.ts into one CommonJS file, objs/bundle/srs.cjs, with the addon and the bundled samples beside it.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

target=$(tsx toolchain/read-target.ts "${1:-x64}")
eval "$target"

info=$OBJS/build-info.json
test -f "$info" || die "objs/build-info.json is missing, run ./configure first"
addon=native/build/Release/srs.node
test -f "$addon" || die "$addon is missing, run make first"

say BUNDLE "objs/bundle/srs.cjs"
# ws would look for two native packages that are not ours to load.
mkdir -p "$OBJS/bundle"
esbuild src/main.ts --bundle --platform=node --format=cjs --target="$TARGET_BUNDLE_ESBUILD" \
  --minify-syntax --minify-whitespace --keep-names --legal-comments=none \
  --external:*.node --define:__SRS_BUILD__="$(<"$info")" \
  --define:process.env.WS_NO_BUFFER_UTIL='"1"' --define:process.env.WS_NO_UTF_8_VALIDATE='"1"' \
  --outfile="$OBJS/bundle/srs.cjs" --log-level=warning
install -m 755 "$addon" "$OBJS/bundle/srs.node"
strip --strip-unneeded "$OBJS/bundle/srs.node"
install -m 644 doc/*.flv "$OBJS/bundle/"
