# shellcheck shell=bash
# shellcheck disable=SC2154 # options.sh sets the variables read here
# Sourced by configure after options.sh: are the tools there, and what make and the bundle are to know.

readonly NODE_AT_LEAST=20

check_tools() {
  local missing=() tool machine
  machine=$(uname -m)
  [[ $machine == x86_64 ]] || die "this release builds the server for x64 only, this machine is $machine"
  if ! command -v node >/dev/null || (($(node -p 'parseInt(process.versions.node)') < NODE_AT_LEAST)); then
    missing+=("node>=$NODE_AT_LEAST")
  fi
  for tool in npm python3 make g++ strip; do
    command -v "$tool" >/dev/null || missing+=("$tool")
  done
  ((${#missing[@]} == 0)) || die "these programs are missing: ${missing[*]}"
}

# json_string <text>: quoted, with what JSON wants escaped.
json_string() {
  local text=$1
  text=${text//\\/\\\\}
  text=${text//\"/\\\"}
  text=${text//[[:cntrl:]]/ }
  printf '"%s"' "$text"
}

# The options that would give this very build.
effective_options() {
  local name
  for name in "${features[@]}"; do
    if [[ ${enabled[$name]} == on ]]; then
      printf -- '--with-%s ' "$name"
    else
      printf -- '--without-%s ' "$name"
    fi
  done
  printf -- '--prefix=%s --log-%s' "$prefix" "$log_level"
}

feature_flags() {
  local name separator=''
  for name in "${features[@]}"; do
    printf '%s"%s":%s' "$separator" "$name" "$([[ ${enabled[$name]} == on ]] && echo true || echo false)"
    separator=,
  done
}

# write_results <options as given>
write_results() {
  local date
  date=$(date -u -d "@${SOURCE_DATE_EPOCH:-$(date +%s)}" '+%Y-%m-%d %H:%M:%S')
  mkdir -p "$OBJS"
  cat >"$OBJS/configure.mk" <<MAKE
# Written by ./configure
CONFIGURED := 1
PREFIX ?= $prefix
JOBS ?= $jobs
MAKE
  cat >"$OBJS/build-info.json" <<JSON
{
  "date": $(json_string "$date"),
  "uname": $(json_string "$(uname -srm)"),
  "configure": $(json_string "${1:-$preset}"),
  "features": $(json_string "$(effective_options)"),
  "enabled": {$(feature_flags)},
  "logLevel": $(json_string "$log_level"),
  "prefix": $(json_string "$prefix")
}
JSON
}
