#!/usr/bin/env bash
# Installs the Debian packages that the build and the tests use; without the right to, it names what is missing.
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

packages=(
  g++ make python3 binutils curl
  ffmpeg rtmpdump gstreamer1.0-tools gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
  nginx libnginx-mod-rtmp haproxy redis-server
  chromium openssl
  clang-format clang-tidy shellcheck
)

# present <package>: installed by dpkg, or, for the compilers and python, on PATH by other means.
present() {
  case $1 in
  g++ | make | python3) command -v "$1" >/dev/null ;;
  *) [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]] ;;
  esac
}

missing=()
for package in "${packages[@]}"; do
  present "$package" || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
  exit 0
fi

as_root=()
if ((EUID != 0)); then
  as_root=(sudo -n)
  sudo -n true 2>/dev/null || die "these packages are missing: ${missing[*]}"
fi
command -v apt-get >/dev/null || die "these packages are missing: ${missing[*]}"

say APT "${missing[*]}"
mkdir -p "$OBJS"
# RUNLEVEL=1 keeps a package from starting its service.
{
  "${as_root[@]}" apt-get update &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
      apt-get install -y --no-install-recommends "${missing[@]}"
} >"$OBJS/apt.log" 2>&1 </dev/null || {
  tail -n 20 "$OBJS/apt.log" >&2
  die "apt-get failed, the whole output is in objs/apt.log; missing: ${missing[*]}"
}
