#!/usr/bin/env bash
# Reports the coverage of the last unit and integration runs and holds it against the gates:
# the overall ones stand in .c8rc.json, the stricter ones of single folders here.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

folder_gates=(media=95 rtmp=95)

test -d "$OBJS/coverage/raw" || die "no coverage yet, run make unit first"
failed=()
say COVER "src, html report in objs/coverage/index.html"
c8 report || failed+=(src)
for gate in "${folder_gates[@]}"; do
  folder=${gate%=*}
  test -d "src/$folder" || continue
  say COVER "src/$folder, lines ${gate#*=}"
  c8 check-coverage --src "src/$folder" --include "src/$folder/**/*.ts" \
    --lines "${gate#*=}" --branches 0 || failed+=("src/$folder")
done
((${#failed[@]} == 0)) || die "coverage is below the gate: ${failed[*]}"
