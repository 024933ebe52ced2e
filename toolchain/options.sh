# shellcheck shell=bash
# shellcheck disable=SC2034 # configure and checks.sh read what is set here
# Sourced by configure: its options, its presets, and what the two make of the features.

# Every feature that has a --with-x and a --without-x.
features=(
  ssl hls hds dvr nginx http-callback http-server http-api stream-caster ffmpeg transcode ingest stat
  librtmp research utest gperf gmc gmp gcp gprof
)

# The features which this release can be built with.
available=(ssl hls dvr http-callback http-server http-api ingest stat utest)

declare -A enabled=() # feature -> on or off, in the end
declare -A asked=()   # feature -> on or off, as an option said
preset=--x86-x64
prefix=/usr/local/srs
jobs=${JOBS:?}
log_level=trace
refused=() # options that are known and that this release cannot serve

usage() {
  cat <<'USAGE'
Usage: ./configure [options] && make [&& make install]

  -h, --help                 this text
  --prefix=PATH              where make install puts the server, default /usr/local/srs
  --jobs[=N]                 how many compilers run at a time, default all cores
  --log-verbose, --log-info, --log-trace
                             the most talkative level of the log that the banner names, default trace;
                             every level is in every build, srs_log_level chooses

Presets, applied before all other options:
  --x86-x64                  default: the server with all it has
  --dev                      as --x86-x64, with utest, research and ffmpeg
  --fast-dev                 as --dev, without librtmp, utest, research, ffmpeg and nginx
  --demo                     as --dev, without utest
  --full                     everything
  --pure-rtmp                ssl only
  --rtmp-hls                 ssl and hls
  --fast, --disable-all      all features off: RTMP without the complex handshake
  --pi, --cubie, --arm, --mips, --osx
                             builds for other machines

Features, --with-NAME or --without-NAME:
  ssl                        the complex handshake, which h.264 in Flash players needs
  ingest                     inputs that the server pulls by itself
  utest                      the tests, run by make test
  hls                        HTTP Live Streaming
  dvr                        recording to files
  http-server                files and live streams over HTTP
  http-api                   the HTTP API
  http-callback              hooks and heartbeat
  stat                       figures of the machine, in API and heartbeat
  hds nginx stream-caster ffmpeg transcode
  librtmp research gperf gmc gmp gcp gprof arm-ubuntu12 mips-ubuntu12

Others:
  --static                   link everything into one static program
  --use-sys-ssl              accepted: node brings its own TLS and ciphers
  --memory-watch             watch the memory in use
  --export-librtmp-project=PATH, --export-librtmp-single=PATH
                             export the client library

This release builds for x64 only, with the features ssl, hls, dvr, http-callback,
http-server, http-api, ingest, stat and utest. A preset leaves out what it lacks;
asking for one of the rest by name is an error.
USAGE
}

# set_features <on|off> <feature...>
set_features() {
  local value=$1 name
  shift
  for name in "$@"; do
    enabled[$name]=$value
  done
}

# The table of presets. Profilers are off in each.
apply_preset() {
  local server=(hls hds dvr ssl transcode ingest stat http-callback http-server http-api)
  set_features off "${features[@]}"
  case $preset in
  --x86-x64 | --osx) set_features on "${server[@]}" librtmp ;;
  --dev) set_features on "${server[@]}" librtmp utest research ffmpeg ;;
  --fast-dev | --pi | --cubie | --arm | --mips) set_features on "${server[@]}" ;;
  --demo) set_features on "${server[@]}" librtmp research ffmpeg ;;
  --full) set_features on "${server[@]}" librtmp utest research ffmpeg nginx stream-caster ;;
  --pure-rtmp) set_features on ssl ;;
  --rtmp-hls) set_features on ssl hls ;;
  --fast | --disable-all) ;;
  esac
}

# is_in <word> <list...>
is_in() {
  local word=$1 other
  shift
  for other in "$@"; do
    [[ $word == "$other" ]] && return 0
  done
  return 1
}

# ask <option> <on|off> <feature>: one --with-x or --without-x.
ask() {
  case $3 in
  arm-ubuntu12 | mips-ubuntu12)
    [[ $2 == off ]] || refused+=("$1")
    ;;
  *)
    is_in "$3" "${features[@]}" || die "invalid option \"$1\""
    asked[$3]=$2
    ;;
  esac
}

parse_option() {
  case $1 in
  -h | --help)
    usage
    exit 0
    ;;
  --x86-x64 | --dev | --fast-dev | --demo | --full | --pure-rtmp | --rtmp-hls | --fast | --disable-all) preset=$1 ;;
  --pi | --cubie | --arm | --mips | --osx) refused+=("$1") ;;
  --prefix=/*) prefix=${1#*=} ;;
  --prefix=*) die "--prefix wants an absolute path, got \"${1#*=}\"" ;;
  --jobs) jobs=$(getconf _NPROCESSORS_ONLN) ;;
  --jobs=[1-9] | --jobs=[1-9][0-9] | --jobs=[1-9][0-9][0-9]) jobs=${1#*=} ;;
  --jobs=*) die "--jobs wants a number from 1 to 999, got \"${1#*=}\"" ;;
  --log-verbose | --log-info | --log-trace) log_level=${1#--log-} ;;
  --use-sys-ssl) ;;
  --static | --memory-watch | --export-librtmp-project=* | --export-librtmp-single=*) refused+=("${1%%=*}") ;;
  --with-*) ask "$1" on "${1#--with-}" ;;
  --without-*) ask "$1" off "${1#--without-}" ;;
  *) die "invalid option \"$1\"" ;;
  esac
}

# Presets first, then the options: their order on the command line does not matter.
parse_options() {
  local option
  for option in "$@"; do
    parse_option "$option"
  done
  apply_preset
  for option in "${!asked[@]}"; do
    enabled[$option]=${asked[$option]}
  done
}

check_conflicts() {
  local tool
  for tool in gmc gmp gcp; do
    if [[ ${enabled[$tool]} == on && ${enabled[gperf]} == off ]]; then
      die "--with-$tool needs --with-gperf"
    fi
  done
  if [[ ${enabled[gmc]} == on && ${enabled[gmp]} == on ]]; then
    die "--with-gmc and --with-gmp exclude each other"
  fi
  if [[ ${enabled[gperf]} == on && ${enabled[gprof]} == on ]]; then
    die "--with-gperf and --with-gprof exclude each other"
  fi
}

# What this release lacks is refused when it was asked for, and left out when a preset brought it.
check_release() {
  local name
  if ((${#refused[@]})); then
    die "this release builds the server for x64 only, it does not have: ${refused[*]}"
  fi
  for name in "${features[@]}"; do
    is_in "$name" "${available[@]}" && continue
    if [[ ${asked[$name]:-off} == on ]]; then
      die "this release does not have --with-$name, it has: ${available[*]}"
    fi
    enabled[$name]=off
  done
}

# feature_list <on|off>: the names, in the order of the table.
feature_list() {
  local name names=()
  for name in "${features[@]}"; do
    if [[ ${enabled[$name]} == "$1" ]]; then
      names+=("$name")
    fi
  done
  echo "${names[*]:-nothing}"
}
